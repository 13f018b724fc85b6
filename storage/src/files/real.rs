//! Files of the operating system. Owned by the node's user alone: files 0600, directories 0700.
//!
//! Writes of whole sectors bypass the page cache where the file system allows it. Through the cache, a small write makes
//! everything around it that the cache holds in one piece be written again, 4 kB at least and often 64: that is many
//! times the bytes, and it touches durable neighbours.

use minuet_core::file::{Directory, File};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
const SECTOR: usize = 512;
/// Of memory, for a direct write: enough for every device.
const ALIGNMENT: usize = 4096;
/// A larger scratch buffer is given back after its write.
const SCRATCH_KEPT: usize = 256 << 10;

/// A directory whose entries are durable when a call returns.
#[derive(Debug)]
pub struct RealDirectory {
    path: PathBuf,
    handle: fs::File,
}

impl RealDirectory {
    /// Opens a directory, making it and its ancestors if they are not there.
    ///
    /// # Errors
    /// As the system reports.
    pub fn open_or_create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_path_buf();
        create_durably(&path)?;
        let handle = fs::File::open(&path)?;
        Ok(Self { path, handle })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn create_durably(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_durably(parent)?;
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    fs::File::open(parent)?.sync_all()
}

impl Directory for RealDirectory {
    type File = RealFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                // Our names are ASCII: a name that is not text is not ours.
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<RealFile> {
        let path = self.path.join(name);
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        Ok(RealFile::new(file, &path))
    }

    fn create(&self, name: &str) -> io::Result<RealFile> {
        let path = self.path.join(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        self.handle.sync_all()?;
        Ok(RealFile::new(file, &path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))?;
        self.handle.sync_all()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))?;
        self.handle.sync_all()
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }
}

/// A file of the operating system.
#[derive(Debug)]
pub struct RealFile {
    file: fs::File,
    /// The same file, past the page cache; none where the system has no such thing.
    direct: Option<fs::File>,
    /// Where bytes are copied to be aligned as direct writes demand.
    scratch: Vec<u8>,
}

impl RealFile {
    fn new(file: fs::File, path: &Path) -> Self {
        Self { file, direct: open_direct(path), scratch: Vec::new() }
    }

    /// True if the bytes were written; false if they must go through the cache.
    fn write_direct(&mut self, bytes: &[u8], offset: u64) -> io::Result<bool> {
        let Some(direct) = &self.direct else { return Ok(false) };
        if !bytes.len().is_multiple_of(SECTOR) || !offset.is_multiple_of(SECTOR as u64) {
            return Ok(false);
        }
        let needed = bytes.len() + ALIGNMENT;
        if self.scratch.len() < needed {
            self.scratch.resize(needed, 0);
        }
        let start = self.scratch.as_ptr().align_offset(ALIGNMENT);
        let Some(aligned) = self.scratch.get_mut(start..start.saturating_add(bytes.len())) else { return Ok(false) };
        aligned.copy_from_slice(bytes);
        let outcome = direct.write_all_at(aligned, offset);
        if self.scratch.len() > SCRATCH_KEPT {
            self.scratch = Vec::new();
        }
        match outcome {
            Ok(()) => Ok(true),
            // A device with larger sectors: nothing was written.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.direct = None;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> Option<fs::File> {
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_DIRECT).open(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_: &Path) -> Option<fs::File> {
    None
}

impl File for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.write_direct(bytes, offset)? {
            return Ok(());
        }
        self.file.write_all_at(bytes, offset)
    }

    /// Writes the zeros and syncs them: a later write within the length changes no metadata, neither the size nor the
    /// state of an extent, so its sync costs the data only.
    fn preallocate(&mut self, length: u64) -> io::Result<()> {
        let mut at = self.len()?;
        while at < length {
            let size = (length - at).min(ZEROS.len() as u64);
            self.file.write_all_at(&ZEROS[..usize::try_from(size).expect("at most a chunk")], at)?;
            at += size;
        }
        self.file.set_len(length)?;
        self.file.sync_all()
    }

    /// Reads the sector before `offset` past the page cache. After a pause of 0.2 s that leaves the next write and its sync
    /// half of their time (docs/performance.md).
    fn rouse(&mut self, offset: u64) {
        let Some(direct) = &self.direct else { return };
        if self.scratch.len() < SECTOR + ALIGNMENT {
            self.scratch.resize(SECTOR + ALIGNMENT, 0);
        }
        let start = self.scratch.as_ptr().align_offset(ALIGNMENT);
        let Some(aligned) = self.scratch.get_mut(start..start.saturating_add(SECTOR)) else { return };
        let sector = (offset / SECTOR as u64).saturating_sub(1) * SECTOR as u64;
        if let Err(error) = direct.read_exact_at(aligned, sector) {
            tracing::debug!(%error, "the disk could not be roused");
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}
