use super::*;
use crate::cli::{Cli, Command};
use clap::Parser as _;
use std::sync::Arc;
use tempfile::TempDir;

fn proof_of(genesis: &Genesis) -> FinalityProof {
    FinalityProof::new(vec![Arc::new(genesis.header().clone())], None).unwrap()
}

/// A genesis and the proof of its block 0.
fn place() -> (TempDir, Genesis) {
    let dir = tempfile::tempdir().unwrap();
    crate::genesis::tests::small_genesis(dir.path(), 1);
    let genesis = read_genesis(&dir.path().join("genesis.json")).unwrap();
    save_proof(&dir.path().join("proof"), &proof_of(&genesis)).unwrap();
    (dir, genesis)
}

/// `minuet block WHICH --genesis DIR/genesis.json --proof DIR/FILE`.
fn run(dir: &TempDir, which: &str, file: &str) -> Result<Output, Failure> {
    let at = |name: &str| dir.path().join(name).display().to_string();
    let line = ["minuet", "block", which, "--genesis", &at("genesis.json"), "--proof", &at(file)];
    let Command::Block(args) = Cli::try_parse_from(line).unwrap().command else { panic!("another command") };
    crate::client::block(&args)
}

#[test]
fn a_kept_proof_is_checked_without_a_node_and_only_for_the_block_asked_for() {
    let (dir, genesis) = place();
    let hash = genesis.digest().to_string();
    for which in ["latest", "0", &hash] {
        let output = run(&dir, which, "proof").unwrap();
        assert!(output.text.contains("final by definition"), "{}", output.text);
        assert_eq!((&output.json["verified"], &output.json["height"]), (&json!(true), &json!(0)));
    }
    for which in ["1", &B256::ZERO.to_string()] {
        let failure = run(&dir, which, "proof").unwrap_err();
        assert_eq!(failure.exit, Exit::Unproven);
        assert!(failure.message.contains(&format!("the proof is of block 0, {hash}")), "{failure}");
    }
    assert_eq!(run(&dir, "newest", "proof").unwrap_err().exit, Exit::Usage);
}

#[test]
fn files_that_are_no_proof_are_refused_by_name() {
    let (dir, genesis) = place();
    let whole = proof_of(&genesis).encode();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    write("cut", &whole[..whole.len() - 1]);
    write("text", b"not a proof");
    write("longer", &vec![0; MAX_PROOF_BYTES + 1]);
    let mut newer = whole.clone();
    let version = newer.iter().position(|byte| *byte == 1).unwrap();
    newer[version] = 2;
    write("newer", &newer);
    for (name, part) in [("cut", ""), ("text", ""), ("longer", "at most"), ("newer", "format version 2")] {
        let failure = run(&dir, "0", name).unwrap_err();
        assert_eq!(failure.exit, Exit::Unproven, "{failure}");
        assert!(failure.message.contains(&dir.path().join(name).display().to_string()), "{failure}");
        assert!(failure.message.contains(part), "{failure}");
    }
    let failure = run(&dir, "0", "absent").unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
}

#[test]
fn another_chains_proof_is_refused_and_a_kept_proof_never_overwritten() {
    let (ours, genesis) = place();
    let (other, _) = place();
    std::fs::copy(other.path().join("proof"), ours.path().join("other")).unwrap();
    let failure = run(&ours, "0", "other").unwrap_err();
    assert_eq!(failure.exit, Exit::Unproven);
    assert!(failure.message.contains("another chain's proof or genesis"), "{failure}");
    let failure = save_proof(&ours.path().join("other"), &proof_of(&genesis)).unwrap_err();
    assert!(failure.message.contains("exists"), "{failure}");
}
