//! Delays, bandwidth, processing: who gets what when.

use super::Alone;
use crate::wan::costs::Costs;
use crate::wan::links::Links;
use crate::wan::placement::Placement;
use crate::wan::random::Stream;
use crate::wan::regions::Regions;
use crate::wan::rules::Protocol;
use crate::wan::sizes;
use crate::wan::stats::{Summary, spread};
use crate::wan::world::{Lane, Physics, World};
use minuet_core::committee::Quorums;

fn six() -> Links {
    Alone::new("six", Protocol::Minimmit).links()
}

/// The time of each arrival, in order.
fn times(world: &mut World<u32>, spend_ns: u64) -> Vec<(u64, usize, u32)> {
    let mut times = Vec::new();
    while let Some(delivery) = world.next() {
        times.push((world.now(), delivery.to, delivery.message));
        world.spend(spend_ns);
    }
    times
}

#[test]
fn the_table_is_whole_and_names_its_source() {
    let table = Regions::load();
    assert_eq!(table.names().len(), 12);
    assert!(table.source.contains("cloudping.co"));
    for from in 0..12 {
        for to in 0..12 {
            let (mean, sd) = table.one_way_ms(from, to);
            assert!((1.0..170.0).contains(&mean) && (0.5..20.0).contains(&sd), "{from} to {to}: {mean} ± {sd}");
        }
    }
    let (east, west) = (table.find("us-east-1").unwrap(), table.find("us-west-1").unwrap());
    assert_eq!(table.one_way_ms(west, east).0, 63.94 / 2.0);
}

#[test]
fn delays_have_the_mean_and_spread_of_the_table_and_none_is_negative() {
    let table = Regions::load();
    let places = Placement::parse(&table, "us-west-1,sa-east-1", None).unwrap().regions();
    let mut links = Links::new(&table, &places, 3, false);
    let delays: Vec<f64> = (0..20_000).map(|_| links.draw(0, 1) as f64 / 1e6).collect();
    let (mean, sd) = spread(&delays);
    let (expected_mean, expected_sd) = table.one_way_ms(places[0], places[1]);
    assert!((mean - expected_mean).abs() < 0.05 && (sd - expected_sd).abs() < 0.05, "{mean} ± {sd}");
    assert_eq!(links.draw(1, 1), 0);
    // In one region the spread is large beside the mean: some draws stay at zero.
    let places = Placement::parse(&table, "local", None).unwrap().regions();
    let mut links = Links::new(&table, &places, 3, false);
    let zeros = (0..1_000).filter(|_| links.draw(0, 1) == 0).count();
    assert!((40..110).contains(&zeros), "{zeros} of 1000 at zero, 71 expected");
}

#[test]
fn a_pairs_delays_do_not_depend_on_what_others_send() {
    let (mut quiet, mut busy) = (six(), six());
    let alone: Vec<u64> = (0..10).map(|_| quiet.draw(0, 1)).collect();
    let among: Vec<u64> = (0..10)
        .map(|_| {
            busy.draw(1, 0);
            busy.draw(2, 3);
            busy.draw(0, 1)
        })
        .collect();
    assert_eq!(alone, among);
}

#[test]
fn messages_between_two_arrive_in_order() {
    let mut world = World::new(Alone::new("local", Protocol::Minimmit).links(), Physics::default());
    (0..200).for_each(|message| world.send(0, &[1], &message, 1, Lane::Urgent));
    let order: Vec<u32> = times(&mut world, 0).into_iter().map(|(_, _, message)| message).collect();
    assert_eq!(order, (0..200).collect::<Vec<_>>());
    assert_eq!((world.traffic().messages, world.traffic().bytes), (200, 200));
}

#[test]
fn copies_share_the_senders_link_and_all_leave_at_its_end() {
    let limit = Physics { bandwidth_mbit: Some(8.0), ..Physics::default() };
    let (mut free, mut limited) = (World::new(six(), Physics::default()), World::new(six(), limit));
    for world in [&mut free, &mut limited] {
        world.send_all(2, &1, 1_000_000, Lane::Urgent);
    }
    let (free, limited) = (times(&mut free, 0), times(&mut limited, 0));
    assert_eq!(free.len(), 5);
    for ((at, to, _), (later, same, _)) in free.into_iter().zip(limited) {
        // Five megabytes at one megabyte a second.
        assert_eq!((later - at, same), (5_000_000_000, to));
    }
}

#[test]
fn what_arrives_together_passes_the_receivers_link_one_after_the_other() {
    let limit = Physics { bandwidth_mbit: Some(0.008), ..Physics::default() };
    let mut world = World::new(Alone::new("local", Protocol::Minimmit).links(), limit);
    (1..6).for_each(|from| world.send(from, &[0], &1, 1_000, Lane::Urgent));
    let at: Vec<u64> = times(&mut world, 0).into_iter().map(|(at, ..)| at).collect();
    for pair in at.windows(2) {
        assert_eq!(pair[1] - pair[0], 1_000_000_000, "a second each");
    }
}

#[test]
fn votes_pass_a_body_that_is_on_its_way_out() {
    let limit = Physics { bandwidth_mbit: Some(8.0), ..Physics::default() };
    let mut world = World::new(six(), limit);
    world.send(0, &[1], &1, 10, Lane::Urgent);
    world.send(0, &[1], &2, 10_000_000, Lane::Body);
    world.send(0, &[1], &3, 10, Lane::Urgent);
    let order: Vec<u32> = times(&mut world, 0).into_iter().map(|(_, _, message)| message).collect();
    assert_eq!(order, [1, 3, 2]);
}

#[test]
fn a_busy_validator_takes_one_message_after_the_other_in_order() {
    let mut world = World::new(Alone::new("local", Protocol::Minimmit).links(), Physics::default());
    (1..6).for_each(|from| world.send(from, &[0], &(from as u32), 1, Lane::Urgent));
    let mut idle = World::new(Alone::new("local", Protocol::Minimmit).links(), Physics::default());
    (1..6).for_each(|from| idle.send(from, &[0], &(from as u32), 1, Lane::Urgent));
    let (busy, idle) = (times(&mut world, 100_000_000), times(&mut idle, 0));
    let order = |times: &[(u64, usize, u32)]| times.iter().map(|(_, _, message)| *message).collect::<Vec<_>>();
    assert_eq!(order(&busy), order(&idle));
    for pair in busy.windows(2) {
        assert_eq!(pair[1].0 - pair[0].0, 100_000_000);
    }
}

#[test]
fn leaders_that_follow_one_another_are_in_different_regions() {
    let table = Regions::load();
    let places = Placement::parse(&table, "global", None).unwrap().regions();
    assert_eq!(places.len(), 50);
    assert!(places.windows(2).all(|pair| pair[0] != pair[1]));
    let counts = |text, validators| Placement::parse(&table, text, validators).unwrap().regions().len();
    assert_eq!((counts("us", None), counts("six", None), counts("local", None)), (50, 6, 6));
    assert_eq!((counts("global", Some(101)), counts("us-east-1:3,us-west-1", None)), (101, 4));
}

#[test]
fn lists_that_name_no_committee_are_refused_with_a_reason() {
    let table = Regions::load();
    for (list, reason) in [
        ("mars", "no region 'mars'"),
        ("us-east-1:x", "'us-east-1:x' is not REGION"),
        ("us-east-1:0", "one validator or more"),
        ("us-east-1", "1 validators: 2 to 512"),
        ("us-east-1:513", "513 validators"),
        ("us-east-1:99999999999,us-west-1:99999999999", "1026 validators"),
    ] {
        let error = Placement::parse(&table, list, None).unwrap_err().to_string();
        assert!(error.contains(reason), "{list}: {error}");
    }
}

#[test]
fn our_thresholds_are_the_committees() {
    for n in 2..=200 {
        let (rules, quorums) = (Protocol::Restated.rules(n), Quorums::new(n).unwrap());
        assert_eq!((rules.progress, rules.fast), (quorums.m(), Some(quorums.l())), "{n} validators");
    }
    let fifty = |protocol: Protocol| protocol.rules(50).to_string();
    assert_eq!(fifty(Protocol::Minimmit), "19 / 41");
    assert_eq!(fifty(Protocol::Estimator), "21 / 41");
    assert_eq!(fifty(Protocol::Simplex), "34 / 34 again");
    assert_eq!(fifty(Protocol::Kudzu), "31 / 41 or 31 again");
    assert_eq!(fifty(Protocol::HotStuff), "34 / 34 again, to the next leader");
}

#[test]
fn sizes_are_those_of_real_encodings() {
    let sizes = sizes::Sizes::of(50, 0);
    assert_eq!(sizes.body, 0);
    assert!((80..=128).contains(&sizes.vote) && (80..=192).contains(&sizes.certificate), "{sizes:?}");
    assert!((600..=1_000).contains(&sizes.header), "{sizes:?}");
    assert!((32_768..32_868).contains(&sizes::body_bytes(32_768)));
    // One packet, and three.
    assert_eq!(sizes::on_wire(88), 88 + 5 + 61);
    assert_eq!(sizes::on_wire(4_000), 4_000 + 5 + 3 * 61);
}

#[test]
fn gathering_fifty_votes_takes_what_was_measured() {
    let ms = |votes| Costs::MEASURED.gather_ns(votes) as f64 / 1e6;
    for (votes, measured) in [(3, 0.80), (5, 0.83), (50, 1.47)] {
        assert!((ms(votes) / measured - 1.0).abs() < 0.02, "{votes}: {}", ms(votes));
    }
    assert_eq!(Costs::default().gather_ns(0), 0);
}

#[test]
fn summaries_are_right() {
    let summary = Summary::of(&(0..=100).map(|ms| ms * 1_000_000).collect::<Vec<_>>());
    assert_eq!((summary.mean_ms, summary.p50_ms, summary.p99_ms, summary.count), (50.0, 50.0, 99.0, 101));
    assert_eq!(Summary::of(&[1_000_000, 2_000_000]).p50_ms, 1.5);
    assert_eq!(Summary::of(&[]), Summary::default());
    assert_eq!(spread(&[1.0, 3.0]), (2.0, 2f64.sqrt()));
}

#[test]
fn normal_numbers_are_normal() {
    let mut chance = Stream::new(1, 2);
    let numbers: Vec<f64> = (0..50_000).map(|_| chance.normal()).collect();
    let (mean, sd) = spread(&numbers);
    assert!(mean.abs() < 0.02 && (sd - 1.0).abs() < 0.02, "{mean} ± {sd}");
    let within = numbers.iter().filter(|number| number.abs() < 1.0).count() as f64 / 50_000.0;
    assert!((within - 0.6827).abs() < 0.01, "{within} within one standard deviation");
    let mut counts = [0; 6];
    (0..6_000).for_each(|_| counts[chance.below(6) as usize] += 1);
    assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
}
