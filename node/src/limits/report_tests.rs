use super::*;
use crate::limits::chain::ChainCosts;
use crate::limits::empty_blocks::EmptyBlockCosts;
use crate::limits::hand_over::HandOverCosts;
use crate::limits::records::RecordCosts;
use crate::limits::rest::RestCosts;
use crate::limits::signatures::{Ed25519Costs, StatementCosts};
use minuet_core::committee::Quorums;
use minuet_p2p::loopback::Loopback;

fn constants() -> Constants {
    Constants {
        quorums: Quorums::new(6).unwrap(),
        ed25519: Ed25519Costs { one_us: 28.7, batch_us: [15.8, 12.4, 12.0] },
        bls: StatementCosts { sign_us: 130.0, verify_us: 745.0, check_m_us: 800.0, check_l_us: 830.0 },
        short: StatementCosts { sign_us: 15.0, verify_us: 30.0, check_m_us: 70.0, check_l_us: 100.0 },
        record: RecordCosts { p50_us: 190.0, p99_us: 1_000.0, cpu_us: 0.0 },
        rest: Some(RestCosts { lone_record_us: 400.0, records_us: 500.0, stores_us: 700.0 }),
        quic: Loopback {
            one_way_us: 38.0,
            one_way_idle_us: 62.0,
            cpu_us_per_message: 40.0,
            bytes_per_second: 1.25e9,
            cpu_ns_per_byte: 1.5,
        },
        hand_over: HandOverCosts { back_to_back_us: 2.0, idle_us: 32.0 },
        chain: ChainCosts {
            accounts: 100_000,
            transfers: 1_000,
            sign_us: 14.0,
            hash_us: 2.0,
            execution_us: 0.8,
            state_root_us: 6.0,
            state_write_us: 3.95,
            envelope_bytes: 200.0,
            batch_keys: 2_005.0,
            batch_unsynced_us: 2_700.0,
            batch_synced_us: 3_300.0,
        },
        empty: EmptyBlockCosts { build_us: 20.0, check_us: 10.0, bytes: 625 },
    }
}

fn figures() -> Figures {
    Figures {
        machine: "2 × AMD EPYC, Linux 6.18, ext4".to_owned(),
        commit: "a6cb75e".to_owned(),
        date: "2026-11-21".to_owned(),
        tps: 5_000.0,
        blocks_per_second: 10.0,
        idle_finality_p50_ms: 9.0,
        cpu_cores_used: Some(1.9),
        validators: 6,
    }
}

fn report(figures: Option<Figures>) -> Report {
    Report {
        machine: Machine { cores: 2, model: "AMD EPYC".to_owned() },
        disk: Disk { dir: "localnet".into(), file_system: "ext4".to_owned(), is_memory: false },
        load_average: 0.1,
        seconds: 12.34,
        is_quick: false,
        setting: Setting { validators: 6, cores: 2, blocks_per_second: 10.0 },
        constants: constants(),
        figures: figures.map(|figures| (PathBuf::from("docs/benchmarks/figures.json"), figures)),
    }
}

fn near(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap();
    assert!((value - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{value} instead of {expected}");
}

#[test]
fn the_json_has_every_constant_every_part_and_every_bound() {
    let json = report(None).json();
    let constants = json["constants"].as_object().unwrap();
    assert_eq!(constants.len(), self::constants().rows().len(), "no name stands twice");
    for name in [
        "ed25519_batch_256_us",
        "ed25519_check_l_us",
        "bls_check_l_us",
        "record_sync_p99_us",
        "quic_gigabytes_per_second",
    ] {
        assert!(constants[name].as_f64().unwrap() > 0.0, "{name}");
    }
    near(&json["constants"]["ed25519_per_second_and_core"], 1e6 / 12.0);
    assert_eq!(
        (&json["validators"], &json["m"], &json["l"], &json["cores"]),
        (&6.into(), &3.into(), &5.into(), &2.into())
    );
    assert_eq!(json["machine"]["text"], "2 × AMD EPYC");
    assert_eq!((&json["ok"], &json["quick"], &json["figures"]), (&true.into(), &false.into(), &Value::Null));
    // 6 · (70 + 100 + 15) µs; 12 + 0.25 + 2 + 0.8 + 6 + 3.95 µs.
    near(&json["votes"]["per_block_us"], 1_110.0);
    near(&json["transaction"]["network_us"], 0.25);
    near(&json["transaction"]["total_us"], 25.0);
    // (2 − 0.0111) / (6 · 25 + 14 µs), and without the client's 14.
    near(&json["tps_limit"], 1.9889 / 164e-6);
    near(&json["tps_limit_signed_beforehand"], 1.9889 / 150e-6);
    // 0.02 + 0.0005 + 0.076 + 3 · (0.01 + 0.015 + 0.1) + 0.19.
    near(&json["finality"]["total_ms"], 0.6615);
    // 0.02 + 0.0005 + 0.076 + 3 · (0.01 + 0.13 + 0.83) + 0.19.
    near(&json["finality_with_bls"]["total_ms"], 3.1965);
    // 0.02 + 0.4 + 0.0005 + 6 · 5 · 0.04 / 2 + 3 · (0.01 + 0.015 + 0.1) + 0.5 + 0.7.
    near(&json["finality_at_rest"]["total_ms"], 2.5955);
}

#[test]
fn ratios_are_those_of_the_figures_to_the_bounds_at_their_own_rate_of_blocks() {
    let json = report(Some(Figures { blocks_per_second: 20.0, ..figures() })).json();
    let figures = &json["figures"];
    near(&figures["tps_limit"], (2.0 - 20.0 * 0.00111) / 164e-6);
    near(&figures["e_tps"], 5_000.0 * 164e-6 / (2.0 - 20.0 * 0.00111));
    near(&figures["e_fin"], 0.6615 / 9.0);
    near(&figures["e_bls"], 3.1965 / 9.0);
    near(&figures["e_rest"], 2.5955 / 9.0);
    near(&figures["e_cpu"], 6.0 * 25e-6 * 5_000.0 / 1.9);
    assert_eq!(figures["same_machine"], true);
    let unmeasured = report(Some(Figures { cpu_cores_used: None, ..self::figures() }));
    assert_eq!(unmeasured.json()["figures"]["e_cpu"], Value::Null);
    assert!(unmeasured.text().contains("E_cpu = –"), "{}", unmeasured.text());
}

#[test]
fn the_text_shows_what_the_json_has() {
    let report = report(Some(figures()));
    let text = report.text();
    for row in report.constants.rows() {
        assert!(text.contains(&row.what), "{}: {text}", row.what);
    }
    for part in [
        "2 × AMD EPYC, ext4 (localnet), measured in 12.3 s",
        "6 validators on 2 cores at 10 blocks/s, M = 3, L = 5",
        "V: votes on a block, on all together",
        "12,127 /s",
        "0.661 ms",
        "E_tps = 0.41   5,000 of 12,127 transactions/s",
        "E_fin = 0.07   9.00 ms p50 without load, 0.661 ms at best",
        "E_bls = 0.36   with BLS votes, 3.20 ms at best",
        "E_rest = 0.29   9.00 of 2.60 ms at rest, all counted",
        "E_cpu = 0.39   1.90 cores used",
    ] {
        assert!(text.contains(part), "'{part}' is missing in: {text}");
    }
    assert!(
        !text.contains("ANOTHER MACHINE")
            && !text.contains("no disk")
            && !text.contains("quick")
            && !text.contains("busy"),
        "{text}"
    );
}

#[test]
fn figures_of_another_machine_are_marked() {
    let report = report(Some(Figures { machine: "64 × AMD EPYC, Linux 6.18".to_owned(), ..figures() }));
    assert!(report.text().contains("ON ANOTHER MACHINE"), "{}", report.text());
    assert_eq!(report.json()["figures"]["same_machine"], false);
}

#[test]
fn figures_of_another_committee_have_no_ratios() {
    let report = report(Some(Figures { validators: 11, ..figures() }));
    assert_eq!(report.json()["figures"]["e_tps"], Value::Null);
    assert!(report.text().contains("'--validators 11'"), "{}", report.text());
}

#[test]
fn what_makes_the_figures_doubtful_is_said() {
    let mut report = report(None);
    report.disk = Disk { dir: "/dev/shm".into(), file_system: "tmpfs".to_owned(), is_memory: true };
    report.is_quick = true;
    report.load_average = 2.04;
    let text = report.text();
    for part in [
        "tmpfs (/dev/shm)",
        "memory, no disk",
        "--dir",
        "rough",
        "busy (load average 2.0)",
        "make bench-report",
        FIGURES_FILE,
    ] {
        assert!(text.contains(part), "'{part}' is missing in: {text}");
    }
}
