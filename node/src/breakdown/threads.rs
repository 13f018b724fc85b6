//! Processor time by thread, from `/proc`. The system cuts names off after fifteen characters.

use std::collections::BTreeMap;
use std::fs;

/// Linux counts in hundredths of a second where it does not count finely.
const TICK_US: u64 = 10_000;

/// What the threads of some processes had used at a moment: by process and thread, its name and its microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadTimes(BTreeMap<(u32, u32), (String, u64)>);

impl ThreadTimes {
    /// Reads them; threads that end meanwhile are left out.
    #[must_use]
    pub fn of(pids: &[u32]) -> Self {
        let mut times = BTreeMap::new();
        for pid in pids {
            let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
            for task in tasks.flatten() {
                let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
                let Some(tid) = task.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
                let used = used_us(&read("schedstat"), &read("stat"));
                if let Some(used_us) = used {
                    times.insert((*pid, tid), (read("comm").trim_end().to_owned(), used_us));
                }
            }
        }
        Self(times)
    }

    /// What was used since an earlier moment, by name over all processes, the most first. Threads of one kind that are
    /// numbered count together.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Vec<(String, u64)> {
        let mut by_name: BTreeMap<String, u64> = BTreeMap::new();
        for (thread, (name, used_us)) in &self.0 {
            let before = earlier.0.get(thread).map_or(0, |(_, used_us)| *used_us);
            *by_name.entry(kind_of(name).to_owned()).or_default() += used_us.saturating_sub(before);
        }
        let mut sorted: Vec<_> = by_name.into_iter().collect();
        sorted.sort_by(|(one, a), (other, b)| b.cmp(a).then(one.cmp(other)));
        sorted
    }
}

fn kind_of(name: &str) -> &str {
    name.trim_end_matches(|end: char| end.is_ascii_digit()).trim_end_matches(['-', ':', ' '])
}

/// The finer count if there is one: nanoseconds on a processor come first in `schedstat`.
fn used_us(schedstat: &str, stat: &str) -> Option<u64> {
    let fine = schedstat.split_ascii_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok());
    fine.map(|nanos| nanos / 1000).or_else(|| ticks(stat)?.checked_mul(TICK_US))
}

/// The name in parentheses may hold anything, so fields are counted behind it.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fine_count_is_taken_where_there_is_one() {
        let stat = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0";
        assert_eq!(used_us("3587314 0 1\n", stat), Some(3587));
        assert_eq!(used_us("", stat), Some(2_000_000));
        assert_eq!(used_us("", "nonsense"), None);
    }

    #[test]
    fn threads_of_one_name_or_kind_are_added_up_and_new_ones_count_from_their_beginning() {
        let times = |threads: &[(u32, &str, u64)]| {
            let entry = |(tid, name, used): &(u32, &str, u64)| ((1, *tid), ((*name).to_owned(), *used));
            ThreadTimes(threads.iter().map(entry).collect())
        };
        let before = times(&[(1, "minuet-ledger", 10), (2, "worker-1", 5)]);
        let after =
            times(&[(1, "minuet-ledger", 17), (2, "worker-1", 25), (3, "worker-12", 4), (4, "rocksdb:low0", 1)]);
        let expected = [("worker", 24), ("minuet-ledger", 7), ("rocksdb:low", 1)];
        assert_eq!(after.since(&before), expected.map(|(name, used)| (name.to_owned(), used)));
    }

    #[test]
    fn this_process_has_a_thread_of_its_own_name() {
        let own = ThreadTimes::of(&[std::process::id()]);
        assert!(!own.since(&ThreadTimes::default()).is_empty());
        assert_eq!(ThreadTimes::of(&[u32::MAX]), ThreadTimes::default());
    }
}
