//! Signatures by keys that come again and again, those of a committee, each checked alone: on processors with AVX-512 with
//! tables of the keys' points, eight side by side.
//!
//! Invariant: verdicts are those of [`verify`]. What s and the challenge give for R, byte by byte, fulfils ZIP-215's equation
//! without its factor of eight; whatever else may fulfil it is left to [`verify`].

use super::verify::verify_batch_inline;
use super::{Item, verify};
#[cfg(target_arch = "x86_64")]
use {
    super::wide::{self, Table, Wide},
    curve25519_dalek::constants::ED25519_BASEPOINT_POINT,
    curve25519_dalek::edwards::CompressedEdwardsY,
    curve25519_dalek::scalar::Scalar,
    std::collections::HashMap,
    std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
};

/// Tables that are kept, of 4.5 KiB each: many committees of the largest size that signs so.
#[cfg(target_arch = "x86_64")]
const MOST_TABLES: usize = 512;

/// One verdict per item, each as [`verify`] would give it, on the calling thread. The first signature of a key costs some
/// 0.2 ms more, so this is for keys that are few.
#[must_use]
pub fn verify_each_known(items: &[Item]) -> Vec<bool> {
    #[cfg(target_arch = "x86_64")]
    if let Some(wide) = Wide::try_new() {
        let is_right =
            |(item, matches): (&Item, bool)| matches || verify(&item.key, &item.message, &item.signature).is_ok();
        return items.iter().zip(matches(wide, items)).map(is_right).collect();
    }
    verify_batch_inline(items)
}

/// Of each whether R is what s and the challenge give.
#[cfg(target_arch = "x86_64")]
pub(super) fn matches(wide: Wide, items: &[Item]) -> Vec<bool> {
    static BASE: OnceLock<Table> = OnceLock::new();
    let base = BASE.get_or_init(|| Table::new(wide, &ED25519_BASEPOINT_POINT));
    let tables: Vec<Option<Arc<Table>>> = items.iter().map(|item| table_of(wide, &item.key.0)).collect();
    let challenges = wide::sha512_each(wide, items, |item, out| item.put_challenge(out));
    let terms = items.iter().zip(&tables).zip(&challenges).map(|((item, table), challenge)| {
        let s: Option<Scalar> = Scalar::from_canonical_bytes(item.r_and_s().1).into();
        Some((s?, &**table.as_ref()?, Scalar::from_bytes_mod_order_wide(challenge)))
    });
    let terms: Vec<_> = terms.collect();
    let whole: Vec<_> = terms.iter().flatten().copied().collect();
    let mut sums = wide::sum_each(wide, base, &whole).into_iter();
    let matches = |(item, terms): (&Item, &Option<_>)| terms.is_some() && sums.next() == Some(item.r_and_s().0);
    items.iter().zip(&terms).map(matches).collect()
}

/// Of the negative of a key's point; `None` if the key has none.
#[cfg(target_arch = "x86_64")]
fn table_of(wide: Wide, key: &[u8; 32]) -> Option<Arc<Table>> {
    static TABLES: LazyLock<Mutex<HashMap<[u8; 32], Arc<Table>>>> = LazyLock::new(Mutex::default);
    // Whoever panicked here left a map that is as good as before.
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(table) = tables.get(key) {
        return Some(Arc::clone(table));
    }
    let point = CompressedEdwardsY(*key).decompress()?;
    if tables.len() >= MOST_TABLES {
        tables.clear();
    }
    let table = Arc::new(Table::new(wide, &-point));
    tables.insert(*key, Arc::clone(&table));
    Some(table)
}
