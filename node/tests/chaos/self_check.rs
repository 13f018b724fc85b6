//! What `make test` runs of this binary: the checker finds each kind of violation, and leaves a good chain alone.

use crate::chance::Chance;
use crate::harness::{Found, Seen, Shown, in_chains};
use minuet_core::B256;
use std::collections::BTreeMap;
use std::process::ExitCode;

const LENGTH: u8 = 6;

fn shown(height: u8) -> Shown {
    Shown { hash: B256::repeat_byte(height), view: u64::from(height) * 2 }
}

fn good_chain() -> Vec<Found> {
    (1..=LENGTH)
        .map(|height| Found { shown: shown(height), transactions: vec![B256::repeat_byte(100 + height)] })
        .collect()
}

fn good_seen() -> Seen {
    let mut seen = Seen::default();
    for node in 0..3 {
        (1..=LENGTH).for_each(|height| seen.shows(node, height.into(), shown(height)));
    }
    seen
}

/// What is found wrong with three nodes after a change to what was shown and to the last one's chain.
fn wrong(change: impl FnOnce(&mut Seen, &mut BTreeMap<u16, Vec<Found>>)) -> Vec<String> {
    let mut seen = good_seen();
    let mut chains = (0..3).map(|node| (node, good_chain())).collect();
    change(&mut seen, &mut chains);
    in_chains(&chains, &seen)
}

fn expect(words: &str, wrong: &[String]) {
    assert!(wrong.iter().any(|found| found.contains(words)), "'{words}' is not in {wrong:?}");
}

fn each_violation_is_found() {
    assert_eq!(wrong(|_, _| {}), Vec::<String>::new());
    let other = |view| Shown { hash: B256::repeat_byte(99), view };
    expect("was final", &wrong(|seen, _| seen.shows(1, 3, other(6))));
    expect("has 5 only", &wrong(|seen, _| seen.answers(1, 5, shown(5))));
    expect("is not in the chain", &wrong(|seen, _| seen.shows(1, 7, shown(7))));
    expect("out of order", &wrong(|seen, _| seen.shows(1, 7, other(12))));
    expect("differ at height 4", &wrong(|_, chains| chains.get_mut(&2).unwrap()[3].transactions.clear()));
    expect("differ at height 6", &wrong(|_, chains| drop(chains.get_mut(&2).unwrap().pop())));
    let doubled = wrong(|_, chains| {
        chains.values_mut().for_each(|chain| chain[4].transactions = chain[1].transactions.clone());
    });
    expect("a second time at height 5", &doubled);
    let same_view = wrong(|_, chains| chains.values_mut().for_each(|chain| chain[4].shown.view = 8));
    expect("as high as the one below", &same_view);
}

fn a_seed_repeats_its_choices() {
    let draw = |seed| {
        let mut chance = Chance::new(seed);
        (0..20).map(|_| (chance.below(1000), chance.some(2, 6))).collect::<Vec<_>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
    assert!(draw(7).iter().all(|(_, some)| some.len() == 2 && some[0] < some[1] && some[1] < 6));
}

pub fn run() -> ExitCode {
    each_violation_is_found();
    a_seed_repeats_its_choices();
    println!("chaos: the checker finds what it must; 'make chaos-smoke' runs the programme");
    ExitCode::SUCCESS
}
