use super::*;
use std::fs::Permissions;

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn generated_keys_are_private_and_read_back_to_the_same_entry() {
    let dir = tempfile::tempdir().unwrap();
    let entry = generate(dir.path(), None).unwrap();
    for name in [BLS_FILE, NETWORK_FILE] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    let bls = read_bls(&dir.path().join(BLS_FILE)).unwrap();
    let network = read_ed25519(&dir.path().join(NETWORK_FILE), KeyKind::Network).unwrap();
    assert_eq!(public_entry(&bls, &network, None), entry);
    let text = std::fs::read_to_string(dir.path().join(VALIDATOR_FILE)).unwrap();
    assert_eq!(serde_json::from_str::<GenesisValidator>(&text).unwrap(), entry);
}

#[test]
fn a_key_that_others_can_use_is_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path(), None).unwrap();
    let path = dir.path().join(BLS_FILE);
    for mode in [0o640, 0o604, 0o660, 0o620, 0o777] {
        set_mode(&path, mode);
        let refusal = read_bls(&path).unwrap_err();
        assert_eq!(refusal.exit, Exit::Keys);
        assert!(refusal.message.contains(&format!("mode {mode:04o}")), "{refusal}");
        assert!(refusal.message.contains("chmod 600"), "{refusal}");
    }
    set_mode(&path, 0o400);
    read_bls(&path).unwrap();
}

#[test]
fn existing_keys_are_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let first = generate(dir.path(), None).unwrap();
    assert!(generate(dir.path(), None).unwrap_err().message.contains("not overwritten"));
    let bls = read_bls(&dir.path().join(BLS_FILE)).unwrap();
    assert_eq!(bls.public_key().as_bytes()[..], first.bls_key[..]);
}

#[test]
fn one_kind_of_key_is_not_taken_for_another() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path(), None).unwrap();
    let refusal = read_ed25519(&dir.path().join(NETWORK_FILE), KeyKind::Account).unwrap_err();
    assert!(refusal.message.contains("another kind"), "{refusal}");
}

#[test]
fn what_receives_the_fees_by_default_can_be_spent_from() {
    let dir = tempfile::tempdir().unwrap();
    let entry = generate(dir.path(), None).unwrap();
    let key = read_spending(&dir.path().join(NETWORK_FILE)).unwrap();
    assert_eq!(address_of(&key.public_key()), entry.fee_recipient);
    let account = dir.path().join("account.key");
    write_ed25519(&account, KeyKind::Account, &key).unwrap();
    assert_eq!(read_spending(&account).unwrap().public_key(), key.public_key());
    let refusal = read_spending(&dir.path().join(BLS_FILE)).unwrap_err();
    assert!(refusal.message.contains("'account' or 'network'"), "{refusal}");
    let refusal = read_spending(&dir.path().join("absent.key")).unwrap_err();
    assert!(refusal.message.contains("minuet account new"), "{refusal}");
}

#[test]
fn secrets_do_not_appear_in_errors_or_debug_output() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path(), None).unwrap();
    let path = dir.path().join(NETWORK_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let secret = text.split('"').nth(3).unwrap().to_owned();
    assert_eq!(secret.len(), 64);
    let key = read_ed25519(&path, KeyKind::Network).unwrap();
    assert!(!format!("{key:?}").contains(&secret[..8]));
    for damaged in [
        text.replace("version = 1", "version = 9"),
        text.replace("kind", "kinds"),
        text.replace("secret", "secrets"),
        text.replace(&secret, &format!("{secret}00")),
        format!("{text}[[["),
    ] {
        let refusal = parse_secret(&path, &damaged, &[KeyKind::Network]).unwrap_err();
        assert!(!refusal.message.contains(&secret[..8]), "{refusal}");
    }
}

#[test]
fn a_missing_key_says_how_to_make_one() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = read_bls(&dir.path().join(BLS_FILE)).unwrap_err();
    assert!(refusal.message.contains("minuet keys generate"), "{refusal}");
}

#[test]
fn a_key_of_another_version_is_refused_by_name() {
    let path = Path::new("a.key");
    let kind_and_secret = format!("kind = \"bls\"\nsecret = \"{}\"\n", "11".repeat(32));
    for (version, more) in [(0, ""), (2, ""), (2, "cipher = \"none\"\n")] {
        let text = format!("version = {version}\n{kind_and_secret}{more}");
        let refusal = parse_secret(path, &text, &[KeyKind::Bls]).unwrap_err();
        assert!(refusal.message.contains(&format!("format version {version}, this program reads 1")), "{refusal}");
    }
    let damaged =
        parse_secret(path, &format!("version = 1\n{kind_and_secret}cipher = 1\n"), &[KeyKind::Bls]).unwrap_err();
    assert!(damaged.message.contains("damaged"), "{damaged}");
}
