use super::book::Book;
use super::table::{Findings, output};
use super::transfer::{STAGES, stages, stages_of_all};
use super::view::parts_of_all;
use crate::exit::Exit;
use crate::spans::{Line, Moment};
use minuet_core::committee::Quorums;
use minuet_core::spans::*;
use serde_json::json;
use std::ops::Range;

const NODES: usize = 6;
const HASH: u64 = 0xabc;
const VIEW: u64 = 9;
/// Gives the transfer to the network.
const HOME: usize = 1;
/// Proposes it.
const LEADER: usize = 3;
/// Votes as the last of the five that a quorum needs.
const VOTER: usize = 4;
/// Tells its clients last.
const LAST: usize = 5;
const ALWAYS: Range<u64> = 0..u64::MAX;

fn moment(name: &str, at_us: u64) -> Moment<String> {
    Moment { at_us, name: name.to_owned(), view: None, hash: None, count: None }
}

fn of_transfer(name: &str, at_us: u64) -> Moment<String> {
    Moment { hash: Some(HASH), ..moment(name, at_us) }
}

fn of_view(name: &str, at_us: u64) -> Moment<String> {
    Moment { view: Some(VIEW), ..moment(name, at_us) }
}

/// Everything that six nodes and a client tell of one transfer in one view. The stages take 1, 2, 3, … microseconds.
fn told() -> Vec<(Option<usize>, Moment<String>)> {
    let mut told = vec![
        (None, Moment { count: Some(1), ..of_transfer(OFFERED, 1001) }),
        (None, of_transfer(FINAL, 1153)),
        (Some(HOME), of_transfer(RECEIVED, 1003)),
        (Some(HOME), of_transfer(TAKEN, 1006)),
        (Some(HOME), of_transfer(GOSSIPED, 1015)),
        (Some(LEADER), Moment { view: Some(VIEW), ..of_transfer(INCLUDED, 1040) }),
        (Some(LEADER), of_view(ASKED, 1000)),
        (Some(LEADER), Moment { count: Some(1), ..of_view(SELECTED, 1036) }),
        (Some(LEADER), Moment { count: Some(1), ..of_view(BUILT, 1045) }),
        (Some(LEADER), of_view(PROPOSED, 1055)),
    ];
    for node in 0..NODES {
        let later = u64::from(node == LAST);
        if node != HOME {
            told.push((Some(node), of_transfer(HEARD, 1021)));
        }
        told.push((Some(node), of_transfer(ADMITTED, if node == HOME { 1010 } else { 1028 })));
        if node != LEADER {
            // The decisive one is later than three others and earlier than the sixth.
            let order = if node == VOTER { 0 } else { i64::from(node == LAST) * 2 - 1 };
            let shifted = |at_us: u64| at_us.saturating_add_signed(order);
            told.push((Some(node), of_view(PROPOSAL, shifted(1060))));
            told.push((Some(node), of_view(BODY, shifted(1066))));
            told.push((Some(node), of_view(JUDGED, shifted(1078))));
            told.push((Some(node), of_view(DECIDED, shifted(1080))));
            told.push((Some(node), of_view(VOTED, shifted(1091))));
        }
        told.push((Some(node), of_view(NOTARIZED, 1090 + later)));
        told.push((Some(node), of_view(FINALIZED, 1104 + later)));
        told.push((Some(node), of_view(COMMITTING, 1106 + later)));
        told.push((Some(node), Moment { count: Some(1), ..of_view(STORED, 1119 + later) }));
        told.push((Some(node), Moment { count: Some(1), ..of_view(TOLD, 1135 + later) }));
        told.push((Some(node), Moment { view: Some(VIEW + 1), ..moment(ENTERED, 1095 + later) }));
        told.push((Some(node), Moment { count: Some(500), ..moment(SYNCED, 1070) }));
    }
    told
}

fn book(told: &[(Option<usize>, Moment<String>)]) -> Book {
    let mut book = Book::of(NODES);
    told.iter().for_each(|(node, moment)| book.take(*node, Some(Line::Moment(moment.clone()))));
    book
}

fn quorums() -> Quorums {
    Quorums::new(NODES).unwrap()
}

/// What is not about this moment.
fn without(name: &str, node: Option<usize>) -> Vec<(Option<usize>, Moment<String>)> {
    let mut told = told();
    told.retain(|(of, moment)| moment.name != name || (node.is_some() && *of != node));
    told
}

#[test]
fn the_stages_of_a_transfer_follow_each_other_over_the_nodes_that_it_waited_for() {
    let book = book(&told());
    let found = stages(&book, quorums(), &book.transfers[&HASH]).unwrap();
    let expected: Vec<u64> = (1..=STAGES.len() as u64).collect();
    assert_eq!(found.to_vec(), expected);
    assert_eq!(found.iter().sum::<u64>(), 153);
}

#[test]
fn a_transfer_with_a_missing_moment_is_unknown_and_never_measured() {
    let needed: [(&str, Option<usize>); 18] = [
        (FINAL, None),
        (RECEIVED, None),
        (TAKEN, None),
        (ADMITTED, Some(HOME)),
        (GOSSIPED, None),
        (HEARD, Some(LEADER)),
        (ADMITTED, Some(LEADER)),
        (INCLUDED, None),
        (SELECTED, None),
        (BUILT, None),
        (PROPOSED, None),
        (PROPOSAL, Some(VOTER)),
        (BODY, Some(VOTER)),
        (JUDGED, Some(VOTER)),
        (VOTED, None),
        (FINALIZED, Some(LAST)),
        (STORED, Some(LAST)),
        (TOLD, Some(0)),
    ];
    for (name, node) in needed {
        let book = book(&without(name, node));
        let (measured, unknown) = stages_of_all(&book, quorums(), &ALWAYS);
        assert_eq!((measured.len(), unknown.get(name)), (0, Some(&1)), "{name} at {node:?}: {unknown:?}");
    }
    // Nobody waited for these.
    for (name, node) in [(HEARD, Some(0)), (JUDGED, Some(0)), (FINALIZED, Some(0)), (NOTARIZED, None)] {
        let book = book(&without(name, node));
        let (measured, unknown) = stages_of_all(&book, quorums(), &ALWAYS);
        assert_eq!((measured.len(), unknown.len()), (1, 0), "{name} at {node:?}");
    }
    // Of what was never offered nobody knows when it was due: it is no transfer of the load.
    assert!(stages_of_all(&book(&without(OFFERED, None)), quorums(), &ALWAYS).0.is_empty());
}

#[test]
fn stages_add_up_to_the_latency_in_whatever_order_the_moments_lie() {
    // Any order, drawn from a seed that the message shows.
    for seed in 0..200u64 {
        let mut state = seed;
        let mut told = told();
        for (_, moment) in told.iter_mut().filter(|(node, _)| node.is_some()) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            moment.at_us = 900 + (state >> 33) % 400;
        }
        let book = book(&told);
        let found = stages(&book, quorums(), &book.transfers[&HASH]).unwrap();
        assert_eq!(found.iter().sum::<u64>(), 153, "seed {seed}");
    }
}

#[test]
fn a_leader_that_was_given_the_transfer_itself_waits_for_no_gossip() {
    let mut told = told();
    told.retain(|(_, moment)| ![RECEIVED, TAKEN, GOSSIPED, HEARD, ADMITTED].contains(&moment.name.as_str()));
    for (name, at_us) in [(RECEIVED, 1003), (TAKEN, 1006), (ADMITTED, 1010)] {
        told.push((Some(LEADER), of_transfer(name, at_us)));
    }
    let book = book(&told);
    let found = stages(&book, quorums(), &book.transfers[&HASH]).unwrap();
    assert_eq!((&found[4..7], found[7]), (&[0, 0, 0][..], 26));
}

#[test]
fn the_first_of_two_equal_moments_counts() {
    let mut told = told();
    told.push((Some(LEADER), of_view(PROPOSED, 1200)));
    told.push((Some(HOME), of_transfer(ADMITTED, 1200)));
    told.push((None, of_transfer(FINAL, 1200)));
    let book = book(&told);
    assert_eq!(stages(&book, quorums(), &book.transfers[&HASH]).unwrap().iter().sum::<u64>(), 153);
}

#[test]
fn a_block_that_a_later_view_made_final_waits_for_that() {
    let mut told = without(FINALIZED, None);
    told.extend((0..NODES).map(|node| (Some(node), Moment { view: Some(VIEW + 2), ..moment(FINALIZED, 1110) })));
    let book = book(&told);
    let found = stages(&book, quorums(), &book.transfers[&HASH]).unwrap();
    assert_eq!(found[13..15], [19, 10]);
}

#[test]
fn transfers_and_views_outside_of_the_time_do_not_count() {
    let book = book(&told());
    assert_eq!(stages_of_all(&book, quorums(), &(1001..2000)).0.len(), 0);
    assert_eq!(stages_of_all(&book, quorums(), &(1000..1001)).0.len(), 1);
    assert_eq!(parts_of_all(&book, &(1055..1056), true).1, 1);
    assert_eq!(parts_of_all(&book, &(1056..2000), true).1, 0);
    assert_eq!(book.time(), 1000..1001);
}

#[test]
fn the_parts_of_a_view_are_those_of_each_node_and_of_the_slowest() {
    let (parts, views) = parts_of_all(&book(&told()), &ALWAYS, true);
    assert_eq!(views, 1);
    let part = |name: &str| parts.iter().find(|part| part.name == name).unwrap_or_else(|| panic!("{name}: {parts:?}"));
    let chosen = part("asked → transactions chosen");
    assert_eq!((chosen.who, &chosen.each[..], &chosen.slowest[..]), ("leader", &[36][..], &[36][..]));
    let judged = part("both here → judged");
    assert_eq!((judged.who, judged.each.len(), &judged.slowest[..], judged.missing), ("others", 5, &[12][..], 0));
    let told = part("proposal sent → clients told");
    assert_eq!((told.who, told.each.len(), &told.slowest[..]), ("all", 6, &[81][..]));
    assert_eq!(part("proposal sent → next view entered").slowest, [41]);
    // Nothing was recorded of the view before.
    let last = part("last proposal → this one");
    assert_eq!((last.each.len(), last.missing), (0, 1));
    assert_eq!(parts_of_all(&book(&told_of_an_empty_view()), &ALWAYS, true).1, 0);
}

fn told_of_an_empty_view() -> Vec<(Option<usize>, Moment<String>)> {
    let mut told = without(SELECTED, None);
    told.iter_mut().filter(|(_, moment)| moment.view.is_some()).for_each(|(_, moment)| {
        moment.count = moment.count.map(|_| 0);
    });
    told
}

#[test]
fn an_empty_view_has_no_transactions_to_wait_for() {
    let (parts, views) = parts_of_all(&book(&told_of_an_empty_view()), &ALWAYS, false);
    assert_eq!(views, 1);
    let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
    assert!(names.contains(&"asked → empty block") && !names.contains(&"asked → transactions chosen"), "{names:?}");
    assert!(parts.iter().skip(1).all(|part| part.missing == 0), "{parts:?}");
}

#[test]
fn the_tables_name_every_stage_and_say_what_is_missing() {
    let findings = |book| Findings {
        book,
        quorums: quorums(),
        time: ALWAYS,
        threads: vec![("minuet-ledger".to_owned(), 3000), ("minuet-p2p".to_owned(), 1000)],
        client_us: 20_000,
        load: Some(json!({"finalized": 4})),
    };
    let whole = book(&told());
    let shown = output(findings(&whole));
    assert_eq!((shown.failure, &shown.json["transfers"]["measured"]), (None, &json!(1)));
    for (name, _) in STAGES {
        assert!(shown.text.contains(name), "{name}:\n{}", shown.text);
    }
    assert_eq!(
        shown.json["threads"][0],
        json!({
            "thread": "minuet-ledger", "us": 3000, "share_percent": 75.0, "us_per_transfer": 750.0
        })
    );
    assert_eq!(shown.json["durations"][0], json!({"work": SYNCED, "p50_ms": 0.5, "p99_ms": 0.5, "count": 6}));

    let mut torn = book(&without(BUILT, None));
    torn.take(Some(0), Some(Line::Lost { lost: 7 }));
    torn.take(Some(0), None);
    let shown = output(findings(&torn));
    assert!(
        shown.text.contains("INCOMPLETE: 7 moments") && shown.text.contains("\"built\" is missing: 1"),
        "{}",
        shown.text
    );
    assert_eq!((&shown.json["transfers"]["unknown"], &shown.json["unreadable_lines"]), (&json!({BUILT: 1}), &json!(1)));
    assert_eq!(shown.failure.map(|failure| failure.exit), Some(Exit::NotAdvanced));
}
