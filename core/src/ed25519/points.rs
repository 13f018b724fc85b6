//! Public keys that were decoded lately, as points: close to a fifth of a signature's check is finding the point of its key,
//! and senders come back.
//!
//! Invariant: bounded; what it answers depends on the key's bytes alone.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::{Ed25519PublicKey, PUBLIC_KEY_BYTES};

/// Locks, so that threads seldom meet at one.
const SHARDS: usize = 16;
/// Keys of a shard's generation: 16 shards of two generations hold 32,768 keys, some 7 MiB.
const GENERATION: usize = 1024;

/// Two generations: what is asked for moves to the young one, and the old one is dropped when that is full.
#[derive(Default)]
struct Shard {
    young: HashMap<[u8; PUBLIC_KEY_BYTES], EdwardsPoint>,
    old: HashMap<[u8; PUBLIC_KEY_BYTES], EdwardsPoint>,
}

static POINTS: LazyLock<[Mutex<Shard>; SHARDS]> = LazyLock::new(Default::default);

impl Shard {
    fn find(&mut self, key: &[u8; PUBLIC_KEY_BYTES]) -> Option<EdwardsPoint> {
        if let Some(point) = self.young.get(key) {
            return Some(*point);
        }
        let point = self.old.remove(key)?;
        self.keep(*key, point);
        Some(point)
    }

    fn keep(&mut self, key: [u8; PUBLIC_KEY_BYTES], point: EdwardsPoint) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, point);
    }
}

/// The point of a key, by ZIP-215's reading: any y below 2²⁵⁵, reduced or not; `None` if there is no such point.
pub(super) fn point_of(key: &Ed25519PublicKey) -> Option<EdwardsPoint> {
    let shard = &POINTS[usize::from(key.0[0]) % SHARDS];
    // Whoever panicked here left a map that is as good as before: an entry is there, whole, or it is not.
    let found = shard.lock().unwrap_or_else(PoisonError::into_inner).find(&key.0);
    if found.is_some() {
        return found;
    }
    let point = CompressedEdwardsY(key.0).decompress()?;
    shard.lock().unwrap_or_else(PoisonError::into_inner).keep(key.0, point);
    Some(point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::Ed25519SecretKey;

    #[test]
    fn a_full_cache_keeps_what_is_used_and_answers_as_before() {
        let key = |number: usize| Ed25519SecretKey::from_bytes(&[u8::try_from(number % 251).unwrap(); 32]).public_key();
        let mut shard = Shard::default();
        let point = CompressedEdwardsY(key(7).0).decompress().unwrap();
        shard.keep(key(7).0, point);
        for number in 0..5 * GENERATION {
            let mut other = [0; PUBLIC_KEY_BYTES];
            other[..8].copy_from_slice(&number.to_le_bytes());
            shard.keep(other, point);
            if number % 500 == 0 {
                assert_eq!(shard.find(&key(7).0), Some(point), "used again before it was old, after {number} others");
            }
            assert!(shard.young.len() + shard.old.len() <= 2 * GENERATION);
        }
        for number in 1..=5 {
            let fresh = CompressedEdwardsY(key(number).0).decompress();
            assert_eq!([point_of(&key(number)), point_of(&key(number))], [fresh, fresh]);
        }
        // y = 2 is no point.
        let mut none = [0; PUBLIC_KEY_BYTES];
        none[0] = 2;
        assert_eq!([point_of(&Ed25519PublicKey(none)), point_of(&Ed25519PublicKey(none))], [None, None]);
    }
}
