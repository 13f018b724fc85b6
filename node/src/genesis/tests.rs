use super::*;
use crate::exit::Exit;
use std::path::PathBuf;

/// Writes keys of `n` validators to `dir/0`, `dir/1`, … and their genesis to `dir/genesis.json`.
pub fn small_genesis(dir: &Path, n: usize) {
    run(&GenesisCommand::New(new_args(dir, n))).unwrap();
}

fn new_args(dir: &Path, n: usize) -> GenesisNewArgs {
    let validators = (0..n).map(|index| {
        let home = dir.join(index.to_string());
        crate::keys::generate(&home, None).unwrap();
        home.join("validator.json")
    });
    GenesisNewArgs {
        validators: validators.collect(),
        chain_id: 77,
        accounts: vec![(minuet_core::Address::repeat_byte(1), U256::from(5))],
        time_ms: Some(1_700_000_000_000),
        statement_scheme: None,
        gas_target_per_second: None,
        block_gas_limit: None,
        min_base_fee: None,
        initial_base_fee: None,
        out: dir.join("genesis.json"),
    }
}

fn refusal(args: GenesisNewArgs) -> String {
    let failure = run(&GenesisCommand::New(args)).unwrap_err();
    assert_eq!(failure.exit, Exit::Config);
    failure.message
}

#[test]
fn a_new_genesis_checks_and_keeps_the_order_of_its_validators() {
    let dir = tempfile::tempdir().unwrap();
    small_genesis(dir.path(), 3);
    let genesis = read_genesis(&dir.path().join("genesis.json")).unwrap();
    assert_eq!(genesis.committee().n(), 3);
    for (index, entry) in genesis.file().validators.iter().enumerate() {
        assert_eq!(*entry, read_entry(&dir.path().join(index.to_string()).join("validator.json")).unwrap());
    }
    let checked = run(&GenesisCommand::Check { file: dir.path().join("genesis.json") }).unwrap();
    assert_eq!(checked.json["fingerprint"], json!(genesis.fingerprint()));
}

#[test]
fn an_existing_genesis_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let args = new_args(dir.path(), 1);
    run(&GenesisCommand::New(args.clone())).unwrap();
    assert!(refusal(args).contains("exists"));
}

#[test]
fn a_validator_named_twice_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut args = new_args(dir.path(), 2);
    args.validators.push(args.validators[0].clone());
    assert!(refusal(args).contains("validator 2 repeats the BLS key"));
}

#[test]
fn a_proof_of_possession_of_another_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let args = new_args(dir.path(), 2);
    let (mut first, second) = (read_entry(&args.validators[0]).unwrap(), read_entry(&args.validators[1]).unwrap());
    first.proof_of_possession = second.proof_of_possession;
    std::fs::write(&args.validators[0], serde_json::to_string(&first).unwrap()).unwrap();
    let message = refusal(args);
    assert!(message.contains("validator 0") && message.contains("proof_of_possession"), "{message}");
}

#[test]
fn unknown_keys_missing_files_and_bad_ranges_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let args = new_args(dir.path(), 1);
    assert!(refusal(GenesisNewArgs { chain_id: 0, ..args.clone() }).contains("chain_id must not be 0"));
    assert!(refusal(GenesisNewArgs { time_ms: Some(1_001), ..args.clone() }).contains("whole second"));
    assert!(
        refusal(GenesisNewArgs { validators: vec![PathBuf::from("/none.json")], ..args.clone() })
            .contains("/none.json")
    );
    let twice = vec![args.accounts[0], args.accounts[0]];
    assert!(refusal(GenesisNewArgs { accounts: twice, ..args }).contains("named twice"));
    let file = dir.path().join("odd.json");
    std::fs::write(&file, "{\"version\":1,\"colour\":2}").unwrap();
    let failure = run(&GenesisCommand::Show { file }).unwrap_err();
    assert!(failure.message.contains("colour"), "{failure}");
}
