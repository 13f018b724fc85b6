//! The version in our text files. A newer version may have other keys: the version is named all the same, not those.

use serde::Deserialize;

#[derive(Deserialize)]
struct VersionOnly {
    version: u64,
}

/// The version of a TOML file that this program cannot read, if it is another than its own.
#[must_use]
pub fn foreign_version(text: &str, own: u8) -> Option<u64> {
    toml::from_str::<VersionOnly>(text).ok().map(|file| file.version).filter(|found| *found != u64::from(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_whatever_else_the_file_holds() {
        assert_eq!(foreign_version("version = 300\nnew = [1]\n[more]\nx = 1\n", 1), Some(300));
        assert_eq!(foreign_version("version = 0\n", 1), Some(0));
        for own_or_none in ["version = 1\nnew = 2\n", "new = 2\n", "version = \"2\"\n", "version = 2\n[[[", ""] {
            assert_eq!(foreign_version(own_or_none, 1), None, "{own_or_none}");
        }
    }
}
