//! Public keys that were decoded lately, as points: close to a fifth of a signature's check is finding the point of its key,
//! and senders come back.
//!
//! Invariant: bounded; what it answers depends on the key's bytes alone.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::{Ed25519PublicKey, PUBLIC_KEY_BYTES};

/// Locks, so that threads seldom meet at one.
const SHARDS: usize = 16;
/// Keys of a shard's generation, as many as a map of 1,024 slots takes: 16 shards of two generations hold 28,672 keys, some
/// 6 MiB.
const GENERATION: usize = 896;

/// Two generations: what is asked for moves to the young one, and the old one is dropped when that is full.
struct Shard<P> {
    young: HashMap<[u8; PUBLIC_KEY_BYTES], P>,
    old: HashMap<[u8; PUBLIC_KEY_BYTES], P>,
}

/// Keys with what stands for their points: the curve library's, or those that are summed in vectors.
pub(super) struct KnownPoints<P>([Mutex<Shard<P>>; SHARDS]);

static LIBRARY_POINTS: LazyLock<KnownPoints<EdwardsPoint>> = LazyLock::new(KnownPoints::default);

impl<P> Default for Shard<P> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<P> Default for KnownPoints<P> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl<P: Copy> Shard<P> {
    fn find(&mut self, key: &[u8; PUBLIC_KEY_BYTES]) -> Option<P> {
        if let Some(point) = self.young.get(key) {
            return Some(*point);
        }
        let point = self.old.remove(key)?;
        self.keep(*key, point);
        Some(point)
    }

    fn keep(&mut self, key: [u8; PUBLIC_KEY_BYTES], point: P) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, point);
    }
}

impl<P: Copy> KnownPoints<P> {
    fn shard(&self, key: &[u8; PUBLIC_KEY_BYTES]) -> MutexGuard<'_, Shard<P>> {
        // Whoever panicked here left a map that is as good as before: an entry is there, whole, or it is not.
        self.0[usize::from(key[0]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The points of all keys, in their order; `decode` finds those that are not remembered. `None` where a key has none.
    pub(super) fn of(
        &self,
        keys: &[Ed25519PublicKey],
        decode: impl Fn(&[[u8; PUBLIC_KEY_BYTES]]) -> Vec<Option<P>>,
    ) -> Option<Vec<P>> {
        let mut points: Vec<Option<P>> = keys.iter().map(|key| self.shard(&key.0).find(&key.0)).collect();
        let unknown: Vec<_> =
            keys.iter().zip(&points).filter(|(_, found)| found.is_none()).map(|(key, _)| key.0).collect();
        if !unknown.is_empty() {
            let mut decoded = unknown.iter().zip(decode(&unknown));
            for point in points.iter_mut().filter(|point| point.is_none()) {
                let (key, found) = decoded.next()?;
                self.shard(key).keep(*key, found?);
                *point = found;
            }
        }
        points.into_iter().collect()
    }
}

/// The points of all keys, by ZIP-215's reading: any y below 2²⁵⁵, reduced or not; `None` if a key has no such point.
pub(super) fn points_of(keys: &[Ed25519PublicKey]) -> Option<Vec<EdwardsPoint>> {
    LIBRARY_POINTS.of(keys, |keys| keys.iter().map(|key| CompressedEdwardsY(*key).decompress()).collect())
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
            let fresh = CompressedEdwardsY(key(number).0).decompress().map(|point| vec![point]);
            assert_eq!([points_of(&[key(number)]), points_of(&[key(number)])], [fresh.clone(), fresh]);
        }
        let some: Vec<_> = (4..=9).map(key).collect();
        let fresh: Option<Vec<_>> = some.iter().map(|key| CompressedEdwardsY(key.0).decompress()).collect();
        assert_eq!(points_of(&some), fresh, "known ones between others");
        // y = 2 is no point.
        let mut none = [0; PUBLIC_KEY_BYTES];
        none[0] = 2;
        let none = Ed25519PublicKey(none);
        assert_eq!([points_of(&[none]), points_of(&[key(4), none, key(10)])], [None, None]);
    }
}
