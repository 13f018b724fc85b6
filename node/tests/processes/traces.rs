//! What nodes write down of what they receive, and the check of it.

use crate::harness::{MINUET, attempt, free_base_port, minuet, output, text, turn};
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::genesis::Genesis;
use minuet_core::statement::Statement;
use minuet_core::{B256, ValidatorIndex, View};
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const VIOLATION: i32 = 16;

fn check(traces: &[PathBuf], genesis: &Path, more: &[&str]) -> std::process::Output {
    let traces: Vec<&str> = traces.iter().map(|path| text(path)).collect();
    attempt(&[&["trace", "check"], &traces[..], &["--genesis", text(genesis)], more].concat())
}

/// The secret of a key file.
fn secret(file: &Path) -> Ed25519SecretKey {
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("secret = ")).expect("a key file has its secret");
    let digits = line.trim_matches('"');
    let bytes: Vec<u8> = (0..64).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
    Ed25519SecretKey::from_bytes(&bytes.try_into().unwrap())
}

#[test]
fn a_localnet_traces_all_that_its_validators_receive_and_a_second_vote_in_it_is_found() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(MINUET);
    command.args(["localnet", "--for", "4", "--trace-received", "--accounts", "10", "--recipients", "20", "--dir"]);
    let ended = output(command.arg(dir.path()).args(["--base-port", &free_base_port().to_string()]));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let genesis = dir.path().join("genesis.json");
    let home = |index: u16| dir.path().join(format!("validator-{index}"));
    let traces: Vec<PathBuf> = (0..6).map(|index| home(index).join("received.jsonl")).collect();

    let names: Vec<&str> = traces.iter().map(|path| text(path)).collect();
    let report = minuet(&[&["trace", "check"], &names[..], &["--genesis", text(&genesis)]].concat());
    assert_eq!((&report["contradictions"], &report["invalid"]), (&json!([]), &json!([])), "{report}");
    assert!(report["views"].as_u64().unwrap() > 3 && report["statements"].as_u64().unwrap() > 18, "{report}");
    for path in &traces {
        let lines = fs::read_to_string(path).unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["line"], &lines[0]["complete"]), (&"start".into(), &true.into()));
        assert_eq!(lines.last().unwrap()["line"], "stop");
        // Which certificates are sent depends on who lacks them, and so on how fast all are (decision 0017).
        for kinds in [&["notarize"][..], &["proposal"], &["notarization", "finalization"]] {
            let is_there = lines.iter().any(|line| kinds.iter().any(|kind| line["kind"] == *kind));
            assert!(is_there, "{kinds:?} in {}", path.display());
        }
    }

    // A line like the others, of a vote that validator 4 never made.
    let first = fs::read_to_string(&traces[0]).unwrap();
    let mut line: Value = first
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|line| line["kind"] == "notarize" && line["signer"] == 4)
        .expect("validator 4 votes");
    let chain = Genesis::from_json(&fs::read_to_string(&genesis).unwrap()).unwrap();
    let statement = Statement::Notarize { view: View(line["view"].as_u64().unwrap()), digest: B256::repeat_byte(0xee) };
    let signed = statement.sign(ValidatorIndex(4), &secret(&home(4).join("network.key")), &chain.signing_context());
    line["digest"] = json!(B256::repeat_byte(0xee));
    line["signature"] = json!(hex::encode(signed.signature.as_bytes()));
    writeln!(OpenOptions::new().append(true).open(&traces[1]).unwrap(), "{line}").unwrap();
    let refusal = check(&traces, &genesis, &[]);
    let message = String::from_utf8_lossy(&refusal.stderr).into_owned();
    assert_eq!(refusal.status.code(), Some(VIOLATION), "{message}");
    assert!(message.contains("EQUIVOCATION: validator 4"), "{message}");

    let missing = check(&[dir.path().join("nothing")], &genesis, &["--json"]);
    assert_eq!(missing.status.code(), Some(2));
}
