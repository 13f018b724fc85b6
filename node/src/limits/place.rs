//! Where the disk is measured: a directory of its own, gone afterwards.

use crate::exit::{Exit, Failure};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Used without `--dir` if it is there: on the disk that a localnet would use.
const LOCALNET: &str = "localnet";

/// File systems by the number that the system gives them; names as `stat -f` has them.
const FILE_SYSTEMS: [(u64, &str); 10] = [
    (0x0102_1994, "tmpfs"),
    (0x8584_58f6, "ramfs"),
    (0xef53, "ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683e, "btrfs"),
    (0xf2f5_2010, "f2fs"),
    (0x2fc1_2fc1, "zfs"),
    (0x794c_7630, "overlayfs"),
    (0x6969, "nfs"),
    (0x6573_5546, "fuse"),
];

/// A new directory, deleted when this is dropped.
#[derive(Debug)]
pub struct Place {
    directory: TempDir,
    parent: PathBuf,
    magic: u64,
}

impl Place {
    /// Makes one in `parent`, which is made if it is not there.
    ///
    /// # Errors
    /// When that cannot be.
    pub fn new(parent: Option<&Path>) -> Result<Self, Failure> {
        let parent = parent.map_or_else(usual_parent, Path::to_path_buf);
        let failed = |error: std::io::Error| {
            let reason = format!(
                "cannot measure the disk in {}: {error}; name a directory that can be written with --dir",
                parent.display()
            );
            Failure::new(Exit::DataDirectory, reason)
        };
        fs::create_dir_all(&parent).map_err(failed)?;
        let directory = tempfile::Builder::new().prefix("limits-").tempdir_in(&parent).map_err(failed)?;
        let system = rustix::fs::statfs(directory.path()).map_err(|error| failed(error.into()))?;
        let magic = u64::try_from(system.f_type).unwrap_or(0);
        Ok(Self { directory, parent, magic })
    }

    /// A directory in it that does not exist yet.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// In which directory it was made.
    #[must_use]
    pub fn parent(&self) -> &Path {
        &self.parent
    }

    /// Of which kind the file system is.
    #[must_use]
    pub fn file_system(&self) -> String {
        name_of(self.magic)
    }

    /// Whether there is no disk behind it: what is synced there is not durable, and costs nothing.
    #[must_use]
    pub fn is_memory(&self) -> bool {
        matches!(name_of(self.magic).as_str(), "tmpfs" | "ramfs")
    }
}

fn usual_parent() -> PathBuf {
    let localnet = Path::new(LOCALNET);
    if localnet.is_dir() { localnet.to_path_buf() } else { PathBuf::from(".") }
}

fn name_of(magic: u64) -> String {
    let known = FILE_SYSTEMS.iter().find(|(number, _)| *number == magic);
    known.map_or_else(|| format!("file system {magic:#x}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_made_in_the_directory_named_and_gone_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let parent = dir.path().join("a/b");
        let place = Place::new(Some(&parent)).unwrap();
        fs::write(place.path("file"), b"x").unwrap();
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 1);
        drop(place);
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        let failure = Place::new(Some(&file.join("below"))).unwrap_err();
        assert_eq!(failure.exit, Exit::DataDirectory);
        assert!(failure.message.contains("file/below") && failure.message.contains("--dir"), "{failure}");
    }

    #[test]
    fn memory_is_told_from_disks() {
        let shm = Path::new("/dev/shm");
        if shm.is_dir() {
            let place = Place::new(Some(shm)).unwrap();
            assert!(place.is_memory() && place.file_system() == "tmpfs", "{}", place.file_system());
        }
        assert_eq!(name_of(0xef53), "ext4");
        assert_eq!(name_of(0x1234), "file system 0x1234");
    }
}
