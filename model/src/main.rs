//! `minuet-model`: searches on demand.

use minuet_consensus::mutation::Mutation;
use minuet_model::run::{Limits, Summary, search};
use minuet_model::seeded::{TABLE_HEAD, case};
use minuet_model::world::Options;
use std::process::ExitCode;

const USAGE: &str = "\
minuet-model: searches every state that the rules can reach

  --views N          views in which something is said (default 2)
  --byzantine I,J    indexes of the Byzantine validators (default 1, the leader of view 1)
  --siblings N       blocks of a Byzantine leader on each parent (default 2)
  --wide             also early proposals, forged statements, far views, long views
  --no-crashes       validators never restart
  --mutation NAME    break a rule
  --steps N          stop after so many steps from state to state
  --threads N        search with so many threads (default 1; the shortest way is found with one only)
  --trace            print the ways to broken invariants
  --seeded-bugs      instead: search for every rule-breaking variant and print the table of docs/testing.md
";

struct Arguments {
    seeded: bool,
    options: Options,
    limits: Limits,
    traces: bool,
}

/// Every variant, one after the other.
fn seeded_bugs(traces: bool) -> ExitCode {
    println!("{TABLE_HEAD}");
    let mut all = true;
    for mutation in Mutation::ALL {
        let case = case(mutation);
        let (caught, summary) = case.run();
        println!("{}", case.row(caught.as_ref(), &summary));
        all &= caught.is_some();
        if traces {
            caught.iter().flat_map(|found| &found.trace).for_each(|line| println!("{line}"));
        }
    }
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Err(problem) => {
            eprintln!("{problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
        Ok(None) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Some(arguments)) if arguments.seeded => seeded_bugs(arguments.traces),
        Ok(Some(arguments)) => {
            let summary = search(arguments.options.clone(), &arguments.limits);
            report(&arguments, &summary);
            if summary.found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut options = Options::new(2, 1);
    let mut limits = Limits { talks: true, threads: 1, ..Limits::default() };
    let (mut traces, mut seeded) = (false, false);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--views" => options.views = number(&value()?)?,
            "--byzantine" => options.byzantine = value()?.split(',').map(number).collect::<Result<_, _>>()?,
            "--siblings" => options.siblings = number(&value()?)?,
            "--wide" => options.wide = true,
            "--no-crashes" => options.crashes = false,
            "--mutation" => {
                let name = value()?;
                let known = Mutation::from_name(&name).ok_or_else(|| format!("no rule-breaking variant '{name}'"))?;
                options.mutation = Some(known);
            }
            "--steps" => limits.steps = Some(number(&value()?)?),
            "--threads" => limits.threads = number(&value()?)?,
            "--trace" => traces = true,
            "--seeded-bugs" => seeded = true,
            "--help" => return Ok(None),
            other => return Err(format!("unknown argument '{other}'")),
        }
    }
    Ok(Some(Arguments { seeded, options, limits, traces }))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("'{text}' is not a number in range"))
}

fn report(arguments: &Arguments, summary: &Summary) {
    let Summary { states, steps, locals, depth, took, is_exhaustive, found } = summary;
    let extent = if *is_exhaustive { "all states" } else { "not all states" };
    println!(
        "{extent}: {states} of the network, {locals} of one validator, {steps} steps, depth {depth}, {:.1} s",
        took.as_secs_f64()
    );
    for found in found {
        println!("{} is broken after {} steps", found.check.name(), found.steps);
        if arguments.traces {
            found.trace.iter().for_each(|line| println!("{line}"));
        }
    }
    if found.is_empty() {
        println!("no invariant is broken");
    }
}
