//! Reads a trace's lines, while its node writes more of them or after.

use super::line::Line;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

const CHUNK_BYTES: usize = 256 << 10;

/// One file, read from its beginning to wherever it ends now.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    at: u64,
    /// The beginning of a line whose end is not there yet.
    rest: Vec<u8>,
    /// Whether the line read last was none.
    pub(super) last_was_cut: bool,
}

impl Tail {
    /// Of a file that may not exist yet.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None, at: 0, rest: Vec::new(), last_was_cut: false }
    }

    /// Which file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hands on every whole line that was not read yet; `None` for one that is no line of a trace.
    ///
    /// # Errors
    /// The file's, but not that it does not exist yet.
    pub fn read(&mut self, mut take: impl FnMut(Option<Line>)) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => match File::open(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                opened => self.file.insert(opened?),
            },
        };
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = file.read_at(&mut chunk, self.at)?;
            if count == 0 {
                return Ok(());
            }
            self.at += count as u64;
            let mut bytes = &chunk[..count];
            while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                self.rest.extend_from_slice(&bytes[..end]);
                bytes = &bytes[end + 1..];
                take(serde_json::from_slice(&self.rest).ok());
                self.rest.clear();
            }
            self.rest.extend_from_slice(bytes);
        }
    }
}
