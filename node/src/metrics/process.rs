//! What the system says of this process, from `/proc/self`. Zeros where it does not say.

use std::fs;

/// Linux reports processor time in hundredths of a second (`USER_HZ`), whatever the kernel's own tick.
const SECONDS_PER_TICK: f64 = 0.01;

/// The process at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    pub cpu_seconds: f64,
    pub resident_bytes: u64,
    pub threads: u64,
    pub open_fds: u64,
    pub max_fds: u64,
}

impl Process {
    /// Asks the system.
    pub fn now() -> Self {
        let text = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let open_fds = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let found = Self::parse(&text("stat"), &text("status"), &text("limits"));
        // One of them was opened to list them.
        Self { open_fds: open_fds.saturating_sub(1) as u64, ..found }
    }

    fn parse(stat: &str, status: &str, limits: &str) -> Self {
        let field = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()).and_then(|word| word.parse().ok()).unwrap_or(0)
        };
        // The second field, the program's name, may hold spaces; it ends at the last parenthesis. Fields 14 and 15 follow.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u64 =
            after_name.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
        let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        let max_fds = limit.and_then(|rest| rest.split_whitespace().next()).and_then(|word| word.parse().ok());
        Self {
            cpu_seconds: ticks as f64 * SECONDS_PER_TICK,
            resident_bytes: field("VmRSS:").saturating_mul(1024),
            threads: field("Threads:"),
            open_fds: 0,
            max_fds: max_fds.unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_texts_are_read() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 9 0";
        let status = "Name:\tminuet\nVmRSS:\t    2048 kB\nThreads:\t9\n";
        let limits =
            "Limit  Soft  Hard  Units\nMax open files            1024                 4096                 files\n";
        let expected = Process { cpu_seconds: 2.0, resident_bytes: 2 << 20, threads: 9, open_fds: 0, max_fds: 1024 };
        assert_eq!(Process::parse(stat, status, limits), expected);
        assert_eq!(Process::parse("", "", ""), Process::default());
    }

    #[test]
    fn this_process_has_a_thread_and_memory_and_open_files() {
        let now = Process::now();
        assert!(
            now.threads > 0 && now.resident_bytes > 0 && now.open_fds > 0 && now.max_fds >= now.open_fds,
            "{now:?}"
        );
    }
}
