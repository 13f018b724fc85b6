//! The file seam: real files in a node, a simulated disk in simulation. Small on purpose: what a journal needs.

use std::io;

/// A file that is written at given places and synced.
pub trait File: Send {
    /// Length in bytes.
    ///
    /// # Errors
    /// As the system reports.
    fn len(&self) -> io::Result<u64>;

    /// Whether nothing has been written.
    ///
    /// # Errors
    /// As the system reports.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` from `offset`; short files are an `UnexpectedEof`.
    ///
    /// # Errors
    /// As the system reports.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`. Not durable before [`File::sync`] returned.
    ///
    /// # Errors
    /// As the system reports; how much was written is then unknown.
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Reserves space and sets the length, filling with zeros.
    ///
    /// # Errors
    /// As the system reports.
    fn preallocate(&mut self, length: u64) -> io::Result<()>;

    /// A write at about this place comes soon: what has rested may be woken meanwhile. Changes nothing, tells of no error.
    fn rouse(&mut self, offset: u64) {
        let _ = offset;
    }

    /// Makes everything written durable. After an error nothing is known: the caller stops (D-FAIL-STOP).
    ///
    /// # Errors
    /// As the system reports.
    fn sync(&mut self) -> io::Result<()>;
}

/// A directory of [`File`]s. Creation, renaming and removal are durable when the call returns.
pub trait Directory: Send {
    /// The files' type.
    type File: File;

    /// Names of all files, sorted.
    ///
    /// # Errors
    /// As the system reports.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// As the system reports, `NotFound` among them.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Creates a file that must not exist yet.
    ///
    /// # Errors
    /// As the system reports, `AlreadyExists` among them.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Renames a file, replacing the target.
    ///
    /// # Errors
    /// As the system reports.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the system reports.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// How messages name the directory.
    fn describe(&self) -> String;
}
