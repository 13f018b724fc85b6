//! A file of moments: its lines, written and read.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment<Name> {
    /// Microseconds of the system's monotonic clock.
    pub at_us: u64,
    /// One of `minuet_core::spans`.
    pub name: Name,
    /// Which view, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<u64>,
    /// The first eight bytes of which transaction's hash, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "digits")]
    pub hash: Option<u64>,
    /// A number; of what depends on the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// What stands in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line<Name = String> {
    /// A moment.
    Moment(Moment<Name>),
    /// So many moments are missing around here.
    Lost {
        /// How many.
        lost: u64,
    },
}

/// Hashes as sixteen digits, as the beginning of what other commands show.
mod digits {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(hash: &Option<u64>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:016x}", hash.unwrap_or(0)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
        let text = String::deserialize(from)?;
        u64::from_str_radix(&text, 16).map(Some).map_err(|_| D::Error::custom("a hash has hexadecimal digits"))
    }
}

/// Reads a whole file; hands on each line, `None` for one that is none, which a kill leaves behind.
///
/// # Errors
/// The file's.
pub fn read(path: &Path, mut take: impl FnMut(Option<Line>)) -> io::Result<()> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if file.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        take(serde_json::from_slice(&line).ok());
    }
}
