//! `minuet limits`, run as a quick look: what it prints, what it leaves behind, what it refuses.

use crate::harness::{MINUET, minuet, output, refused, text};
use std::fs;
use std::process::Command;

#[test]
fn limits_are_measured_and_nothing_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let figures = dir.path().join("figures.json");
    let written = r#"{"machine":"64 × Other","commit":"a6cb75e","date":"2026-11-21","tps":100.0,"blocks_per_second":5.0,
        "idle_finality_p50_ms":9.0,"cpu_cores_used":1.5}"#;
    fs::write(&figures, written).unwrap();
    let disk = dir.path().join("disk");
    let json = minuet(&["limits", "--quick", "--dir", text(&disk), "--figures", text(&figures)]);

    assert_eq!((&json["ok"], &json["quick"], &json["disk"]["dir"]), (&true.into(), &true.into(), &text(&disk).into()));
    for (name, constant) in json["constants"].as_object().unwrap() {
        assert!(constant.as_f64().unwrap() > 0.0, "{name}: {json}");
    }
    let number =
        |pointer: &str| json.pointer(pointer).and_then(|value| value.as_f64()).unwrap_or_else(|| panic!("{pointer}"));
    // A batch is cheaper than the same one by one, an aggregate than votes one by one; a core checks no million a second.
    assert!(number("/constants/ed25519_batch_256_us") < number("/constants/ed25519_verify_us"), "{json}");
    assert!(number("/constants/ed25519_batch_256_us") > 1.0, "{json}");
    assert!(number("/constants/bls_check_l_us") < 5.0 * number("/constants/bls_verify_us"), "{json}");
    // Two accounts and an index a transfer.
    assert!(number("/constants/rocksdb_batch_keys") > 2.0 * number("/constants/block_transfers"), "{json}");
    let parts = ["signature", "network", "hash", "execution", "state_root", "state_write"];
    let sum: f64 = parts.iter().map(|part| number(&format!("/transaction/{part}_us"))).sum();
    assert!((sum - number("/transaction/total_us")).abs() < 1e-6, "{json}");
    let (cores, votes) = (number("/cores"), number("/votes/per_block_us") / 1e6);
    let bound = (cores - 10.0 * votes) / ((6.0 * sum + number("/client_us")) / 1e6);
    assert!((bound.max(0.0) - number("/tps_limit")).abs() < 1e-3, "{json}");
    assert!(number("/finality/total_ms") > number("/finality/quorum_check_ms"), "{json}");
    assert_eq!(json["figures"]["same_machine"], false, "{json}");
    assert!(
        number("/figures/e_tps") > 0.0 && number("/figures/e_fin") > 0.0 && number("/figures/e_cpu") > 0.0,
        "{json}"
    );
    assert_eq!(fs::read_dir(&disk).unwrap().count(), 0, "what was written is gone");
}

#[test]
fn figures_that_cannot_be_read_are_refused_before_anything_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let (figures, disk) = (dir.path().join("figures.json"), dir.path().join("disk"));
    let refusal = || refused(2, &["limits", "--quick", "--dir", text(&disk), "--figures", text(&figures)]);
    let message = refusal();
    assert!(
        message.contains("figures.json: cannot be read: No such file") && message.contains("make bench-report"),
        "{message}"
    );
    fs::write(&figures, "{\"tps\": 1}").unwrap();
    let message = refusal();
    assert!(message.contains("missing field `machine`"), "{message}");
    assert!(!disk.exists(), "nothing was measured");
}

#[test]
fn without_a_terminal_only_the_result_is_printed_and_the_help_has_the_method() {
    let dir = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| output(Command::new(MINUET).arg("limits").args(arguments).current_dir(dir.path()));
    let shown = run(&["--quick"]);
    let (out, err) =
        (String::from_utf8_lossy(&shown.stdout).into_owned(), String::from_utf8_lossy(&shown.stderr).into_owned());
    assert!(shown.status.success() && err.is_empty(), "{err}");
    for part in ["TPS_lim", "T_fin", "c_tx", "A quick look", "make bench-report"] {
        assert!(out.contains(part), "'{part}' is missing in: {out}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the current directory is left as it was");
    let help = run(&["--help"]);
    assert!(String::from_utf8_lossy(&help.stdout).contains("TPS_lim = (C − R·V) / (n·c_tx + c_client)"));
}
