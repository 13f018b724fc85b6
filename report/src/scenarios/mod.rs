//! What can be measured, in the order in which it is.

mod faults;
mod local;
mod outside;
mod simulated;
mod space;

use crate::cli::Plan;
use crate::results::Results;
use crate::stage::Stage;
use crate::trouble::Trouble;

/// Something that can be measured.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// For `--only`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub what: &'static str,
    /// About how long it takes.
    pub seconds: fn(&Plan) -> u64,
    /// Measures it.
    pub run: fn(&mut Stage, &mut Results) -> Result<(), Trouble>,
}

const fn scenario(
    name: &'static str,
    what: &'static str,
    seconds: fn(&Plan) -> u64,
    run: fn(&mut Stage, &mut Results) -> Result<(), Trouble>,
) -> Scenario {
    Scenario { name, what, seconds, run }
}

/// All of them. Those that share a network stand together, and what tires it comes later.
pub const ALL: [Scenario; 16] = [
    scenario("idle", "six validators without work", local::idle_seconds, local::idle),
    scenario("steady", "10 transfers per second", local::steady_seconds, local::steady),
    scenario("thousand", "1,000 transfers per second", local::thousand_seconds, local::thousand),
    scenario("curve", "latency against offered load", local::curve_seconds, local::curve),
    scenario("dead", "one of six dead, 10 transfers per second", faults::dead_seconds, faults::dead),
    scenario("returns", "a validator is killed under load and returns", faults::returns_seconds, faults::returns),
    scenario("closed", "as fast as transfers become final", local::closed_seconds, local::closed),
    scenario("outage", "all six killed at once under load", faults::outage_seconds, faults::outage),
    scenario("memory", "resident memory after all that was sent", space::memory_seconds, space::memory),
    scenario("disk", "bytes kept for each transfer", space::disk_seconds, space::disk),
    scenario("blocks", "throughput against the largest block", space::blocks_seconds, space::blocks),
    scenario("wide", "50 simulated validators in ten regions", simulated::wide_seconds, simulated::wide),
    scenario("committee", "6 to 101 simulated validators", simulated::committee_seconds, simulated::committee),
    scenario("large", "101 simulated validators, blocks of 1 MB", simulated::large_seconds, simulated::large),
    scenario("limits", "what this machine would allow", outside::limits_seconds, outside::limits),
    scenario("parts", "criterion's figures, if 'make bench' left some", outside::parts_seconds, outside::parts),
];

/// Names and descriptions, for the help.
#[must_use]
pub fn list() -> String {
    ALL.iter().map(|scenario| format!("  {:<10} {}\n", scenario.name, scenario.what)).collect()
}

/// Those that were asked for; all if none was.
///
/// # Errors
/// A name that is none.
pub fn choose(only: &[String]) -> Result<Vec<Scenario>, Trouble> {
    let unknown = only.iter().find(|name| !ALL.iter().any(|scenario| scenario.name == *name));
    if let Some(name) = unknown {
        let known: Vec<&str> = ALL.iter().map(|scenario| scenario.name).collect();
        return Err(Trouble::new(format_args!("--only: there is no scenario '{name}', only {}", known.join(", "))));
    }
    let wanted = |scenario: &Scenario| only.is_empty() || only.iter().any(|name| name == scenario.name);
    Ok(ALL.into_iter().filter(wanted).collect())
}

/// Of so many runs, each so long and with so much around it.
fn of_runs(plan: &Plan, seconds: u64, around: u64) -> u64 {
    plan.runs as u64 * (seconds + around)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_report_takes_at_most_half_an_hour() {
        let plan = Plan { divisor: 1, runs: 3, long: false };
        let seconds: u64 = ALL.iter().map(|scenario| (scenario.seconds)(&plan)).sum();
        assert!((600..=1800).contains(&seconds), "{seconds}");
    }

    #[test]
    fn a_name_that_is_none_is_refused_with_those_that_are() {
        let refusal = choose(&["idle".to_owned(), "idel".to_owned()]).unwrap_err().to_string();
        assert!(refusal.contains("'idel'") && refusal.contains("steady"), "{refusal}");
        let names = |only: &[String]| choose(only).unwrap().iter().map(|scenario| scenario.name).collect::<Vec<_>>();
        assert_eq!(names(&["disk".to_owned(), "idle".to_owned()]), ["idle", "disk"]);
        assert_eq!(names(&[]).len(), ALL.len());
    }
}
