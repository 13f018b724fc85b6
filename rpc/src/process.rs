//! Memory and processor time of this process, from `/proc/self`; zeros where the system does not tell.

/// Linux reports processor time in hundredths of a second (`USER_HZ`), whatever the kernel's own tick.
const MS_PER_TICK: u64 = 10;

/// Resident memory in bytes.
pub fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: Option<u64> = line.and_then(|rest| rest.split_whitespace().next()).and_then(|word| word.parse().ok());
    kib.unwrap_or(0).saturating_mul(1024)
}

/// Processor time of all threads since start, in milliseconds.
pub fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field, the program's name, may hold spaces; it ends at the last parenthesis. Fields 14 and 15 follow.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    ticks.saturating_mul(MS_PER_TICK)
}
