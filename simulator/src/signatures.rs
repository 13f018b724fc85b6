//! Signatures of transactions: each is checked once a thread, however many nodes of however many runs look at it. The
//! verdict depends on nothing but the bytes, so runs stay what their seeds say.

use minuet_core::ed25519::{Item, verify_batch_inline};
use minuet_mempool::SignatureCheck;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Good ones that are remembered at most; then all are forgotten.
const KEPT: usize = 65_536;

/// Signature, key and message.
type Good = BTreeSet<([u8; 64], [u8; 32], Vec<u8>)>;

thread_local! {
    static GOOD: RefCell<Good> = const { RefCell::new(BTreeSet::new()) };
}

/// Checks those that are new.
pub const CHECK: SignatureCheck = SignatureCheck(check);

fn check(items: &[Item]) -> Vec<bool> {
    GOOD.with_borrow_mut(|good| items.iter().map(|item| check_one(good, item)).collect())
}

fn check_one(good: &mut Good, item: &Item) -> bool {
    let known = (item.signature.0, item.key.0, item.message.clone());
    if good.contains(&known) {
        return true;
    }
    let holds = verify_batch_inline(std::slice::from_ref(item)) == [true];
    if holds {
        if good.len() >= KEPT {
            good.clear();
        }
        good.insert(known);
    }
    holds
}
