//! Against values computed by hand, from what was measured on a two-core machine when the chain was designed: BLS sign 0.13
//! ms, 3 and 5 votes gathered and checked 0.80 and 0.83 ms, c_tx without the trie 15.8 µs.

use super::formulas::*;

const SIX_ON_TWO: Setting = Setting { validators: 6, cores: 2, blocks_per_second: 10.0 };
const VOTES: VoteCosts = VoteCosts { check_m_us: 800.0, check_l_us: 830.0, sign_us: 130.0, record_us: 0.0 };

fn near(value: f64, expected: f64, tolerance: f64) {
    assert!((value - expected).abs() <= tolerance, "{value} instead of {expected}");
}

#[test]
fn the_votes_on_a_block_are_counted_over_all_validators() {
    // 6 · (0.80 + 0.83 + 0.13) = 10.56 ms.
    near(VOTES.per_block_us(6), 10_560.0, 1e-6);
    // With five single checks of 0.745 ms in place of both: 6 · (3.725 + 0.13) = 23.13 ms.
    let alone = VoteCosts { check_m_us: 0.0, check_l_us: 5.0 * 745.0, ..VOTES };
    near(alone.per_block_us(6), 23_130.0, 1e-6);
    let recorded = VoteCosts { record_us: 20.0, ..VOTES };
    near(recorded.per_block_us(6), 10_680.0, 1e-6);
}

#[test]
fn six_validators_on_two_cores_reach_twenty_thousand_signed_beforehand() {
    // (2 − 10 · 0.0106) / (6 · 15.8 µs) = 1.894 / 94.8 µs.
    near(tps_limit(&SIX_ON_TWO, 10_600.0, 15.8, 0.0), 19_978.9, 0.1);
    // With 8.5 µs: 1.894 / 51 µs.
    near(tps_limit(&SIX_ON_TWO, 10_600.0, 8.5, 0.0), 37_137.3, 0.1);
    // A client that signs for 14 µs beside them: 1.894 / 108.8 µs.
    near(tps_limit(&SIX_ON_TWO, 10_600.0, 15.8, 14.0), 17_408.1, 0.1);
}

#[test]
fn votes_that_take_all_cores_leave_nothing() {
    let busy = Setting { blocks_per_second: 200.0, ..SIX_ON_TWO };
    assert_eq!(tps_limit(&busy, 10_600.0, 15.8, 14.0), 0.0);
    assert_eq!(tps_limit(&SIX_ON_TWO, 10_600.0, 0.0, 0.0), 0.0, "and costs of nothing are no measurement");
}

#[test]
fn the_parts_of_a_transaction_add_up() {
    let costs = TransactionCosts {
        signature_us: 12.4,
        network_us: 0.5,
        hash_us: 1.0,
        execution_us: 0.9,
        state_root_us: 7.0,
        state_write_us: 4.0,
    };
    near(costs.total_us(), 25.8, 1e-9);
    // 200 bytes, 1.5 ns each on both sides together, five of six crossings: 0.3 · 5/6 µs.
    near(network_us(200.0, 1.5, 6), 0.25, 1e-9);
    assert_eq!(network_us(200.0, 1.5, 1), 0.0, "alone there is nobody to send to");
}

#[test]
fn finality_waits_for_cores_where_all_work_and_not_where_all_wait() {
    let steps = FinalitySteps {
        build_us: 20.0,
        transfer_us: 1.0,
        hop_us: 38.0,
        block_check_us: 10.0,
        sign_us: 130.0,
        record_us: 190.0,
        quorum_check_us: 830.0,
    };
    // 0.020 + 0.001 + 2 · 0.038 + 3 · (0.010 + 0.130 + 0.830) + 0.190 = 3.197 ms.
    let shared = Finality::of(&steps, &SIX_ON_TWO);
    near(shared.total_ms(), 3.197, 1e-9);
    near(shared.quorum_check_ms, 2.49, 1e-9);
    // With a core for each: 0.287 + 0.970.
    let own = Finality::of(&steps, &Setting { cores: 6, ..SIX_ON_TWO });
    near(own.total_ms(), 1.257, 1e-9);
    assert_eq!(
        own,
        Finality::of(&steps, &Setting { cores: 64, ..SIX_ON_TWO }),
        "more cores than validators help nobody"
    );
    // A check at M of its own: 3 · 0.80 ms more.
    let both = FinalitySteps { quorum_check_us: 830.0 + 800.0, ..steps };
    near(Finality::of(&both, &SIX_ON_TWO).total_ms(), 5.597, 1e-9);
}

#[test]
fn at_rest_the_disk_is_shared_and_messages_are_worked_on() {
    let way = FinalitySteps {
        build_us: 20.0,
        transfer_us: 1.0,
        hop_us: 38.0,
        block_check_us: 10.0,
        sign_us: 15.0,
        record_us: 190.0,
        quorum_check_us: 100.0,
    };
    let steps = RestSteps { way, leader_record_us: 400.0, message_us: 40.0, records_us: 500.0, stores_us: 700.0 };
    // 0.020 + 0.4 + 0.001 + 30 · 0.04 / 2 + 3 · (0.010 + 0.015 + 0.1) + 0.5 + 0.7 = 2.596 ms.
    let at_rest = FinalityAtRest::of(&steps, &SIX_ON_TWO);
    near(at_rest.total_ms(), 2.596, 1e-9);
    near(at_rest.messages_ms, 0.6, 1e-9);
    // With a core for each a message is worked on while it is on its way: 5 · 0.04 at each, but no less than the hops.
    near(FinalityAtRest::of(&steps, &Setting { cores: 64, ..SIX_ON_TWO }).messages_ms, 0.2, 1e-9);
    let cheap = RestSteps { message_us: 1.0, ..steps };
    near(FinalityAtRest::of(&cheap, &SIX_ON_TWO).messages_ms, 0.076, 1e-9);
}

#[test]
fn ratios_are_parts_of_the_bound_and_none_without_one() {
    near(ratio(5_000.0, 20_000.0).unwrap(), 0.25, 1e-12);
    assert_eq!(ratio(1.0, 0.0), None);
    assert_eq!(ratio(f64::NAN, 1.0), None);
    // 6 · 25 µs · 10,000/s = 1.5 of 1.9 cores.
    near(cpu_ratio(6, 25.0, 10_000.0, 1.9).unwrap(), 1.5 / 1.9, 1e-12);
    assert_eq!(cpu_ratio(6, 25.0, 10_000.0, 0.0), None);
}
