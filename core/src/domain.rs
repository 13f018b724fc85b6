//! Every signing domain of the project, in one list, so that no signature is ever valid in two places.

/// Hash-to-curve tag of proofs of possession.
pub use crate::bls::POSSESSION_DST;
/// Hash-to-curve tag of statements.
pub use crate::bls::STATEMENT_DST;

/// Prefix of what a transaction's sender signs (32 bytes).
pub const TRANSACTION: &[u8; 32] = b"MINUET-TRANSACTION-ED25519-V1\0\0\0";

/// Prefix of the hash that becomes a statement's message (32 bytes).
pub const STATEMENT: &[u8; 32] = b"MINUET-STATEMENT-V1\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Prefix of what an Ed25519 key signs for a statement's message (32 bytes).
pub const ED25519_STATEMENT: &[u8; 32] = b"MINUET-STATEMENT-ED25519-V1\0\0\0\0\0";

/// Prefix of a genesis fingerprint (32 bytes).
pub const GENESIS: &[u8; 32] = b"MINUET-GENESIS-V1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[cfg(test)]
mod tests {
    #[test]
    fn all_domains_differ() {
        let all: [&[u8]; 6] = [
            super::STATEMENT_DST,
            super::POSSESSION_DST,
            super::TRANSACTION,
            super::STATEMENT,
            super::ED25519_STATEMENT,
            super::GENESIS,
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
