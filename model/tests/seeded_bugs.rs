//! Every variant of docs/protocol.md §6 is caught.

use minuet_consensus::mutation::Mutation;
use minuet_model::seeded::{TABLE_HEAD, case};

#[test]
fn every_rule_breaking_variant_is_caught() {
    println!("{TABLE_HEAD}");
    let mut missed = Vec::new();
    for mutation in Mutation::ALL {
        let case = case(mutation);
        let (caught, summary) = case.run();
        println!("{}", case.row(caught.as_ref(), &summary));
        if caught.is_none() {
            missed.push(mutation.name());
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

#[test]
fn names_are_distinct_and_found_again() {
    for mutation in Mutation::ALL {
        assert_eq!(Mutation::from_name(mutation.name()), Some(mutation));
    }
    assert_eq!(Mutation::from_name("no-such-variant"), None);
}
