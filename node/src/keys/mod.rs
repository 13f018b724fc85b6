//! Key files: one secret per file, written once with mode 0600, refused when others could read it.
//!
//! Owns: the file format and its checks. Never does: print, log or copy a secret.

mod commands;
#[cfg(test)]
mod tests;

pub use commands::run;

use crate::exit::{Exit, Failure};
use crate::versions::foreign_version;
use minuet_core::bls::BlsSecretKey;
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::genesis::GenesisValidator;
use minuet_core::transaction::address_of;
use minuet_core::{Address, B256, Bytes};
use serde::Deserialize;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

/// File names that `keys generate` uses inside a directory.
pub const BLS_FILE: &str = "bls.key";
/// See [`BLS_FILE`].
pub const NETWORK_FILE: &str = "network.key";
/// The public entry for the genesis, beside the keys.
pub const VALIDATOR_FILE: &str = "validator.json";

const KEY_VERSION: u8 = 1;
const MAX_KEY_FILE_BYTES: u64 = 4096;
const OWNER_ONLY: u32 = 0o600;

/// What a secret is for; a file of one kind is never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Signs statements.
    Bls,
    /// Proves who a peer is.
    Network,
    /// Signs transactions.
    Account,
    /// Derives a localnet's development accounts.
    Seed,
}

impl KeyKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Bls => "bls",
            Self::Network => "network",
            Self::Account => "account",
            Self::Seed => "seed",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u8,
    kind: String,
    secret: String,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

fn refused(path: &Path, reason: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Keys, format!("key file {}: {reason}", path.display()))
}

/// Reads a secret of the given kind.
///
/// # Errors
/// [`Exit::Keys`]: missing, readable or writable by others, damaged, or of another kind.
pub fn read_secret(path: &Path, kind: KeyKind) -> Result<Zeroizing<[u8; 32]>, Failure> {
    read_one_of(path, &[kind])
}

fn read_one_of(path: &Path, kinds: &[KeyKind]) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let maker = if kinds.contains(&KeyKind::Account) { "account new" } else { "keys generate" };
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => refused(path, format!("not found: make keys with 'minuet {maker}'")),
        _ => refused(path, format!("cannot be read: {error}")),
    })?;
    // The mode of the opened file, not of the path: nothing can be swapped in between.
    let metadata = file.metadata().map_err(|error| refused(path, error))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        let reason = format!("mode {mode:04o} lets others use it: run 'chmod 600 {}'", path.display());
        return Err(refused(path, reason));
    }
    if !metadata.is_file() || metadata.len() > MAX_KEY_FILE_BYTES {
        return Err(refused(path, "is no key file"));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_KEY_FILE_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| refused(path, format!("cannot be read: {error}")))?;
    parse_secret(path, &text, kinds)
}

/// Messages here never quote the file: it is secret.
fn parse_secret(path: &Path, text: &str, kinds: &[KeyKind]) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let other_version = |found| refused(path, format!("format version {found}, this program reads {KEY_VERSION}"));
    let file: KeyFile = toml::from_str(text).map_err(|_| match foreign_version(text, KEY_VERSION) {
        Some(found) => other_version(found),
        None => refused(path, "damaged: expected the keys version, kind and secret"),
    })?;
    if file.version != KEY_VERSION {
        return Err(other_version(file.version.into()));
    }
    if kinds.iter().all(|kind| kind.name() != file.kind) {
        let wanted = kinds.iter().map(|kind| format!("'{}'", kind.name())).collect::<Vec<_>>().join(" or ");
        return Err(refused(path, format!("holds another kind of key, here one of kind {wanted} is needed")));
    }
    let mut secret = Zeroizing::new([0; 32]);
    hex::decode_to_slice(&file.secret, &mut *secret)
        .map_err(|_| refused(path, "damaged: secret must be 64 hexadecimal digits"))?;
    Ok(secret)
}

/// Writes a secret to a new file. An existing file is never overwritten.
///
/// # Errors
/// [`Exit::Keys`]: it exists, or cannot be written.
pub fn write_secret(path: &Path, kind: KeyKind, secret: &[u8; 32]) -> Result<(), Failure> {
    let digits = Zeroizing::new(hex::encode(secret));
    let text = Zeroizing::new(format!(
        "# Secret: whoever has this file acts in your name. Keep it at mode 0600.\nversion = {KEY_VERSION}\nkind = \"{}\"\nsecret = \"{}\"\n",
        kind.name(),
        *digits
    ));
    let mut file = create_private(path)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| refused(path, format!("cannot be written: {error}")))
}

/// A new file that only its owner can use.
///
/// # Errors
/// [`Exit::Keys`]: it exists, or cannot be created.
pub fn create_private(path: &Path) -> Result<File, Failure> {
    OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => refused(path, "exists already and is not overwritten: move it away first"),
        _ => refused(path, format!("cannot be created: {error}")),
    })
}

/// Reads a validator's statement key.
///
/// # Errors
/// [`Exit::Keys`].
pub fn read_bls(path: &Path) -> Result<BlsSecretKey, Failure> {
    BlsSecretKey::from_bytes(&*read_secret(path, KeyKind::Bls)?).map_err(|error| refused(path, error))
}

/// Reads an Ed25519 key of the given kind.
///
/// # Errors
/// [`Exit::Keys`].
pub fn read_ed25519(path: &Path, kind: KeyKind) -> Result<Ed25519SecretKey, Failure> {
    Ok(Ed25519SecretKey::from_bytes(&*read_secret(path, kind)?))
}

/// Reads a key that transfers are signed with: an account's, or the network key of a validator, whose address receives the
/// fees unless another was named.
///
/// # Errors
/// [`Exit::Keys`].
pub fn read_spending(path: &Path) -> Result<Ed25519SecretKey, Failure> {
    Ok(Ed25519SecretKey::from_bytes(&*read_one_of(path, &[KeyKind::Account, KeyKind::Network])?))
}

/// Writes an account's or a peer's key to a new file.
///
/// # Errors
/// [`Exit::Keys`].
pub fn write_ed25519(path: &Path, kind: KeyKind, key: &Ed25519SecretKey) -> Result<(), Failure> {
    write_secret(path, kind, &key.to_bytes())
}

/// Makes both of a validator's keys in `dir` from the operating system's randomness, and writes its public entry beside.
///
/// Without a recipient, fees go to the native address of the network key, which `network.key` can spend from.
///
/// # Errors
/// [`Exit::Keys`]: files exist already, or cannot be written; no randomness.
pub fn generate(dir: &Path, fee_recipient: Option<Address>) -> Result<GenesisValidator, Failure> {
    std::fs::create_dir_all(dir).map_err(|error| refused(dir, format!("directory cannot be created: {error}")))?;
    for name in [BLS_FILE, NETWORK_FILE, VALIDATOR_FILE] {
        if dir.join(name).exists() {
            return Err(refused(&dir.join(name), "exists already and is not overwritten: move it away first"));
        }
    }
    let no_randomness = |error: &dyn std::fmt::Display| Failure::new(Exit::Keys, error);
    let bls = BlsSecretKey::generate().map_err(|error| no_randomness(&error))?;
    let network = Ed25519SecretKey::generate().map_err(|error| no_randomness(&error))?;
    write_secret(&dir.join(BLS_FILE), KeyKind::Bls, &bls.to_bytes())?;
    write_ed25519(&dir.join(NETWORK_FILE), KeyKind::Network, &network)?;
    // D-WIPED: only a key that is known never to have signed may start with an empty journal.
    let marker = crate::run::first_use::marker_of(&dir.join(BLS_FILE));
    std::fs::write(&marker, "This key has never signed. The first start removes this file.\n")
        .map_err(|error| refused(&marker, format!("cannot be written: {error}")))?;
    let entry = public_entry(&bls, &network, fee_recipient);
    let text = serde_json::to_string_pretty(&entry).map_err(|error| Failure::new(Exit::Generic, error))?;
    std::fs::write(dir.join(VALIDATOR_FILE), text + "\n")
        .map_err(|error| refused(&dir.join(VALIDATOR_FILE), format!("cannot be written: {error}")))?;
    Ok(entry)
}

/// The public side of a validator's keys, with its proof of possession.
#[must_use]
pub fn public_entry(
    bls: &BlsSecretKey,
    network: &Ed25519SecretKey,
    fee_recipient: Option<Address>,
) -> GenesisValidator {
    let network_key = network.public_key();
    GenesisValidator {
        bls_key: Bytes::copy_from_slice(bls.public_key().as_bytes()),
        proof_of_possession: Bytes::copy_from_slice(bls.prove_possession().as_bytes()),
        network_key: B256::from(network_key.to_bytes()),
        fee_recipient: fee_recipient.unwrap_or_else(|| address_of(&network_key)),
    }
}
