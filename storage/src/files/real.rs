//! Files of the operating system. Owned by the node's user alone: files 0600, directories 0700.

use minuet_core::file::{Directory, File};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const ZEROS: [u8; 64 << 10] = [0; 64 << 10];

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
        Ok(RealFile(OpenOptions::new().read(true).write(true).open(self.path.join(name))?))
    }

    fn create(&self, name: &str) -> io::Result<RealFile> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(self.path.join(name))?;
        self.handle.sync_all()?;
        Ok(RealFile(file))
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
pub struct RealFile(fs::File);

impl File for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    /// Writes the zeros and syncs them: a later write within the length changes no metadata, neither the size nor the
    /// state of an extent, so its sync costs the data only.
    fn preallocate(&mut self, length: u64) -> io::Result<()> {
        let mut at = self.len()?;
        while at < length {
            let size = (length - at).min(ZEROS.len() as u64);
            self.0.write_all_at(&ZEROS[..usize::try_from(size).expect("at most a chunk")], at)?;
            at += size;
        }
        self.0.set_len(length)?;
        self.0.sync_all()
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
