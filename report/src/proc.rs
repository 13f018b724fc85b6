//! What `/proc` says of a process.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;

/// Linux counts processor time for user space in hundredths of a second, whatever the kernel's own tick.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time of all threads since the process began, in seconds; `None` if it is gone.
#[must_use]
pub fn cpu_s(pid: u32) -> Option<f64> {
    cpu_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Resident memory in MiB; `None` if it is gone.
#[must_use]
pub fn rss_mib(pid: u32) -> Option<f64> {
    rss_of(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// Whether the process is the validator whose configuration lies in this directory.
#[must_use]
pub fn runs(pid: u32, home: &Path) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let config = home.join("config.toml");
    command.split(|byte| *byte == 0).any(|arg| arg == config.as_os_str().as_encoded_bytes())
}

/// SIGKILL. One that is gone already is no error: that is what was wanted.
pub fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Bytes of all files below a directory; files that vanish meanwhile are left out.
#[must_use]
pub fn directory_bytes(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => directory_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

/// The name in parentheses may hold anything, so fields are counted behind it.
fn cpu_of(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn rss_of(status: &str) -> Option<f64> {
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kib.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kib| crate::measure::rounded(kib / 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_any_name() {
        assert_eq!(cpu_of("12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0"), Some(2.0));
        assert_eq!(cpu_of("nonsense"), None);
        assert_eq!(rss_of("Name:\tx\nVmRSS:\t   20480 kB\nThreads:\t3\n"), Some(20.0));
        assert_eq!(rss_of("Name:\tx\n"), None);
    }

    #[test]
    fn a_process_is_known_by_its_configuration_and_one_that_is_gone_has_no_figures() {
        assert!(!runs(std::process::id(), Path::new("/nowhere")));
        assert!(cpu_s(u32::MAX).is_none() && rss_mib(u32::MAX).is_none());
        assert!(rss_mib(std::process::id()).is_some_and(|mib| mib > 0.1));
    }
}
