//! What a process used, from `/proc`.

use std::fs;

/// Linux counts processor time for user space in hundredths of a second, whatever the kernel's own tick.
const TICK_MS: u64 = 10;

/// Since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time of all threads.
    pub cpu_ms: u64,
    /// Bytes that went towards a disk.
    pub write_bytes: u64,
}

/// Reads both; 0 where the system does not tell.
#[must_use]
pub fn usage(pid: u32) -> Usage {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    Usage { cpu_ms: cpu_ms(&read("stat")).unwrap_or(0), write_bytes: write_bytes(&read("io")).unwrap_or(0) }
}

/// The name in parentheses may hold anything, so fields are counted behind it.
fn cpu_ms(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)?.checked_mul(TICK_MS)
}

fn write_bytes(io: &str) -> Option<u64> {
    io.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_any_name() {
        let stat = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0";
        assert_eq!(cpu_ms(stat), Some(2000));
        assert_eq!(cpu_ms("nonsense"), None);
        assert_eq!(write_bytes("rchar: 1\nwrite_bytes: 4096\ncancelled_write_bytes: 7\n"), Some(4096));
    }

    #[test]
    fn this_process_has_usage() {
        assert_eq!(usage(u32::MAX), Usage::default());
        let _ = usage(std::process::id());
    }
}
