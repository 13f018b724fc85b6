use super::*;
use crate::bls::BlsSecretKey;
use crate::ed25519::Ed25519SecretKey;

/// A change and its name.
type Change = (&'static str, fn(&mut GenesisFile));

fn bls(index: u8) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[index + 1; 32])
}

fn validator(index: u8) -> GenesisValidator {
    GenesisValidator {
        bls_key: bls(index).public_key().to_bytes().into(),
        proof_of_possession: bls(index).prove_possession().to_bytes().into(),
        network_key: Ed25519SecretKey::from_bytes(&[index + 1; 32]).public_key().0.into(),
        fee_recipient: Address::repeat_byte(index),
    }
}

fn file() -> GenesisFile {
    GenesisFile {
        version: GENESIS_VERSION,
        chain_id: 6886,
        time_ms: 1_700_000_000_000,
        fees: FeeRules::default(),
        statement_scheme: StatementScheme::Bls,
        validators: (0..6).map(validator).collect(),
        accounts: [(Address::repeat_byte(0x11), U256::from(5)), (Address::repeat_byte(0x22), U256::ZERO)].into(),
    }
}

fn refusal(change: impl FnOnce(&mut GenesisFile)) -> GenesisError {
    let mut changed = file();
    change(&mut changed);
    Genesis::new(changed).unwrap_err()
}

fn message(change: impl FnOnce(&mut GenesisFile)) -> String {
    refusal(change).to_string()
}

#[test]
fn a_genesis_derives_committee_fingerprint_and_block_0() {
    let genesis = Genesis::new(file()).unwrap();
    assert_eq!(genesis.committee().n(), 6);
    assert_eq!(genesis.chain_id(), 6886);
    assert_eq!(genesis.header().ethereum().extra_data.as_ref(), genesis.fingerprint().as_slice());
    assert_eq!(genesis.digest(), genesis.header().digest());
    assert_eq!(genesis.signing_context(), SigningContext { genesis: genesis.digest(), epoch: Epoch(0) });
    assert_eq!(genesis.header().base_fee(), FeeRules::default().initial_base_fee);
}

#[test]
fn the_scheme_of_statements_is_the_committees_and_part_of_the_fingerprint() {
    let bls = Genesis::new(file()).unwrap();
    assert_eq!(bls.committee().scheme(), StatementScheme::Bls);
    assert!(!serde_json::to_string(bls.file()).unwrap().contains("statement_scheme"), "as before there was a choice");
    let ed25519 = Genesis::new(GenesisFile { statement_scheme: StatementScheme::Ed25519, ..file() }).unwrap();
    assert_eq!(ed25519.committee().scheme(), StatementScheme::Ed25519);
    assert_ne!(ed25519.fingerprint(), bls.fingerprint());
    let text = serde_json::to_string(ed25519.file()).unwrap();
    assert!(text.contains("\"statement_scheme\":\"ed25519\""), "{text}");
    assert_eq!(Genesis::from_json(&text).unwrap().digest(), ed25519.digest());
    let unknown = Genesis::from_json(&text.replace("\"ed25519\"", "\"rsa\"")).unwrap_err().to_string();
    assert!(unknown.contains("rsa") && unknown.contains("ed25519"), "{unknown}");
}

#[test]
fn a_file_reads_back_as_the_same_genesis() {
    let genesis = Genesis::new(file()).unwrap();
    let text = serde_json::to_string_pretty(genesis.file()).unwrap();
    let read = Genesis::from_json(&text).unwrap();
    assert_eq!((read.file(), read.digest()), (genesis.file(), genesis.digest()));
}

#[test]
fn balances_are_read_as_decimal_and_as_hexadecimal_strings() {
    let text = serde_json::to_string(&file()).unwrap();
    let balance = |spelling: &str| {
        let written = text.replace(r#":"0x5""#, &format!(":{spelling}"));
        Genesis::from_json(&written).unwrap().file().accounts[&Address::repeat_byte(0x11)]
    };
    assert_eq!(balance(r#""10""#), U256::from(10));
    assert_eq!(balance(r#""0x10""#), U256::from(16));
}

#[test]
fn an_account_that_is_named_twice_is_refused_and_named() {
    let text = serde_json::to_string(&file()).unwrap();
    let address = Address::repeat_byte(0x11);
    let twice = text.replacen("\"accounts\":{", &format!("\"accounts\":{{\"{address}\":\"0x1\","), 1);
    let message = Genesis::from_json(&twice).unwrap_err().to_string();
    assert!(message.contains(&format!("account {address} is named twice")), "{message}");
}

#[test]
fn an_unknown_key_is_refused_and_named() {
    let mut json = serde_json::to_value(file()).unwrap();
    json["blok_time"] = 5.into();
    assert!(Genesis::from_json(&json.to_string()).unwrap_err().to_string().contains("blok_time"));

    let mut json = serde_json::to_value(file()).unwrap();
    json["fees"]["gas_limit"] = 5.into();
    assert!(Genesis::from_json(&json.to_string()).unwrap_err().to_string().contains("gas_limit"));

    let mut json = serde_json::to_value(file()).unwrap();
    json["validators"][2]["stake"] = 5.into();
    assert!(Genesis::from_json(&json.to_string()).unwrap_err().to_string().contains("stake"));
}

#[test]
fn a_missing_key_is_refused_and_named() {
    let mut json = serde_json::to_value(file()).unwrap();
    json.as_object_mut().unwrap().remove("chain_id");
    assert!(Genesis::from_json(&json.to_string()).unwrap_err().to_string().contains("chain_id"));
    assert!(matches!(Genesis::from_json("{").unwrap_err(), GenesisError::Json(_)));
}

#[test]
fn another_version_is_refused() {
    assert_eq!(refusal(|file| file.version = 2), GenesisError::Version { found: 2 });
    let mut json = serde_json::to_value(file()).unwrap();
    for found in [0, 2] {
        json["version"] = found.into();
        json["epochs"] = 3.into();
        assert_eq!(Genesis::from_json(&json.to_string()).unwrap_err(), GenesisError::Version { found });
    }
}

#[test]
fn values_outside_their_range_are_refused_and_named() {
    assert!(message(|file| file.chain_id = 0).contains("chain_id"));
    assert!(message(|file| file.time_ms += 1).contains("time_ms"));
    assert!(message(|file| file.fees.gas_target_per_second = 0).contains("gas_target_per_second"));
    assert!(message(|file| file.fees.block_gas_limit = 20_999).contains("block_gas_limit"));
    assert!(message(|file| file.fees.min_base_fee = 0).contains("min_base_fee"));
    assert!(message(|file| _ = file.accounts.insert(Address::ZERO, U256::MAX)).contains("balances"));
}

#[test]
fn an_empty_set_of_validators_is_refused() {
    assert_eq!(refusal(|file| file.validators.clear()), GenesisError::Committee(CommitteeError::Empty));
}

#[test]
fn duplicate_validators_are_refused() {
    let duplicate = |key| GenesisError::Committee(CommitteeError::Duplicate { index: 4, key });
    assert_eq!(refusal(|file| file.validators[4] = validator(1)), duplicate("BLS"));
    assert_eq!(refusal(|file| file.validators[4].network_key = validator(1).network_key), duplicate("network"));
}

#[test]
fn a_key_without_its_own_proof_of_possession_is_refused() {
    let other = refusal(|file| file.validators[2].proof_of_possession = validator(3).proof_of_possession);
    assert!(matches!(&other, GenesisError::Validator { index: 2, reason } if reason.contains("proof_of_possession")));

    // A vote over the key's own bytes is signed in another domain and proves nothing.
    let vote = bls(2).sign(bls(2).public_key().as_bytes());
    let wrong_domain = refusal(|file| file.validators[2].proof_of_possession = vote.to_bytes().into());
    assert!(matches!(wrong_domain, GenesisError::Validator { index: 2, .. }));
}

/// X − ΣPKᵢ would let its maker sign for the whole committee; nobody can prove possession of it.
#[test]
fn a_rogue_key_made_of_the_others_is_refused() {
    let others: Vec<_> =
        (0..5).map(|i| blst::min_sig::PublicKey::uncompress(bls(i).public_key().as_bytes()).unwrap()).collect();
    let sum = blst::min_sig::AggregatePublicKey::aggregate(&others.iter().collect::<Vec<_>>(), true).unwrap();
    let mut negative_sum = sum.to_public_key().compress();
    negative_sum[0] ^= 0x20;
    let negative_sum = blst::min_sig::PublicKey::uncompress(&negative_sum).unwrap();
    let own = blst::min_sig::PublicKey::uncompress(bls(9).public_key().as_bytes()).unwrap();
    let rogue = blst::min_sig::AggregatePublicKey::aggregate(&[&own, &negative_sum], true).unwrap();
    let rogue = rogue.to_public_key().compress();

    // The danger is real: with the rogue key in the committee, its maker alone signs as all six.
    let rogue_key = BlsPublicKey::from_bytes(&rogue).unwrap();
    let honest: Vec<_> = (0..5).map(|i| bls(i).public_key()).collect();
    let everyone: Vec<_> = honest.iter().chain([&rogue_key]).collect();
    crate::bls::verify_aggregate(&everyone, b"anything", &bls(9).sign(b"anything")).unwrap();

    let error = refusal(|file| {
        file.validators[5].bls_key = rogue.into();
        file.validators[5].proof_of_possession = bls(9).prove_possession().to_bytes().into();
    });
    assert!(matches!(&error, GenesisError::Validator { index: 5, reason } if reason.contains("does not belong")));
}

#[test]
fn unusable_keys_are_refused_with_field_and_place() {
    let reason = |error| match error {
        GenesisError::Validator { index: 3, reason } => reason,
        other => panic!("{other}"),
    };
    let infinity = [&[0xc0][..], &[0; 95]].concat();
    assert!(reason(refusal(|file| file.validators[3].bls_key = infinity.into())).starts_with("bls_key"));
    assert!(reason(refusal(|file| file.validators[3].bls_key = vec![1; 95].into())).starts_with("bls_key"));
    let short = |file: &mut GenesisFile| file.validators[3].proof_of_possession = vec![1; 47].into();
    assert!(reason(refusal(short)).starts_with("proof_of_possession"));
    assert!(reason(refusal(|file| file.validators[3].network_key = B256::ZERO)).starts_with("network_key"));
}

#[test]
fn every_value_changes_fingerprint_and_digest() {
    let original = Genesis::new(file()).unwrap();
    let changes: [Change; 10] = [
        ("chain_id", |f| f.chain_id += 1),
        ("time_ms", |f| f.time_ms += 1000),
        ("gas_target_per_second", |f| f.fees.gas_target_per_second += 1),
        ("block_gas_limit", |f| f.fees.block_gas_limit += 1),
        ("min_base_fee", |f| f.fees.min_base_fee += 1),
        ("initial_base_fee", |f| f.fees.initial_base_fee += 1),
        ("order of validators", |f| f.validators.swap(0, 1)),
        ("fee recipient", |f| f.validators[0].fee_recipient = Address::repeat_byte(9)),
        ("balance", |f| _ = f.accounts.insert(Address::repeat_byte(0x11), U256::from(6))),
        ("empty account", |f| _ = f.accounts.insert(Address::repeat_byte(0x33), U256::ZERO)),
    ];
    for (name, change) in changes {
        let mut changed = file();
        change(&mut changed);
        let changed = Genesis::new(changed).unwrap();
        assert_ne!(changed.fingerprint(), original.fingerprint(), "{name}");
        assert_ne!(changed.digest(), original.digest(), "{name}");
    }
}

#[test]
fn the_state_root_is_the_tries_and_leaves_empty_accounts_out() {
    let leaf = |balance: U256| alloy_trie::TrieAccount { balance, ..Default::default() };
    let with_balance = [(Address::repeat_byte(0x11), leaf(U256::from(5)))];
    assert_eq!(state_root(&file().accounts), alloy_trie::root::state_root_unhashed(with_balance));

    let many: BTreeMap<_, _> = (1..200u8).map(|i| (Address::repeat_byte(i), U256::from(i) << i)).collect();
    let leaves = many.iter().map(|(address, balance)| (*address, leaf(*balance)));
    assert_eq!(state_root(&many), alloy_trie::root::state_root_unhashed(leaves));
    assert_eq!(state_root(&BTreeMap::new()), crate::account::EMPTY_ROOT_HASH);
}
