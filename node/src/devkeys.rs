//! A localnet's development accounts: all derive from one random 32-byte seed in a key file.
//!
//! Invariant: the same seed gives the same keys and addresses, so none of them is stored.

use crate::exit::Failure;
use crate::keys::{KeyKind, read_secret};
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::transaction::address_of;
use minuet_core::{Address, keccak256};
use std::path::Path;
use zeroize::Zeroizing;

/// The seed's file name in a localnet's directory.
pub const SEED_FILE: &str = "dev.seed";
const RECIPIENT: &[u8] = b"recipient";

/// What all development accounts derive from.
pub struct DevSeed(Zeroizing<[u8; 32]>);

impl DevSeed {
    /// Takes 32 random bytes.
    #[must_use]
    pub const fn new(seed: Zeroizing<[u8; 32]>) -> Self {
        Self(seed)
    }

    /// Reads the seed of the localnet in a directory.
    ///
    /// # Errors
    /// Exit code 4, with what to do.
    pub fn read(dir: &Path) -> Result<Self, Failure> {
        let path = dir.join(SEED_FILE);
        if !path.exists() {
            let reason = format!(
                "{} not found: make a localnet there with 'minuet localnet', or name its --dir",
                path.display()
            );
            return Err(Failure::new(crate::exit::Exit::Keys, reason));
        }
        read_secret(&path, KeyKind::Seed).map(Self)
    }

    /// The key of a funded account: keccak256(seed ‖ index).
    #[must_use]
    pub fn sender(&self, index: u32) -> Ed25519SecretKey {
        let mut preimage = Zeroizing::new([0; 36]);
        preimage[..32].copy_from_slice(&*self.0);
        preimage[32..].copy_from_slice(&index.to_be_bytes());
        Ed25519SecretKey::from_bytes(&keccak256(*preimage).0)
    }

    /// The address of a funded account.
    #[must_use]
    pub fn sender_address(&self, index: u32) -> Address {
        address_of(&self.sender(index).public_key())
    }

    /// The address of an account that only receives: the last 20 bytes of keccak256(seed ‖ "recipient" ‖ index).
    #[must_use]
    pub fn recipient(&self, index: u32) -> Address {
        let mut preimage = Zeroizing::new([0; 45]);
        preimage[..32].copy_from_slice(&*self.0);
        preimage[32..41].copy_from_slice(RECIPIENT);
        preimage[41..].copy_from_slice(&index.to_be_bytes());
        Address::from_slice(&keccak256(*preimage)[12..])
    }
}
