//! Old blocks go: below a height, everything about them but the state that they led to.
//!
//! The mark in the meta column decides; it rises in the same synced batch as the tip. Only then the entries below it are
//! retired, at once for every reader, and the store gives their space back in its own time. Nothing is ever half there: a
//! crash before the write leaves everything, one after it leaves a mark by which the next opening retires the same.
//!
//! Every kept block can still be proven final: the newest block has a certificate, and no block needs one from below.

use super::format;
use minuet_core::Height;
use minuet_core::store::{Batch, Column, NumberedBy, Store};

/// What goes with a block, in this order: whoever still sees a body or a place in an index, but no header, knows why.
const RETIRED: [(Column, NumberedBy); 6] = [
    (Column::TransactionIndex, NumberedBy::Value),
    (Column::BlockIndex, NumberedBy::Value),
    (Column::Headers, NumberedBy::Key),
    (Column::Bodies, NumberedBy::Key),
    (Column::Receipts, NumberedBy::Key),
    (Column::Certificates, NumberedBy::Key),
];

/// Adds the new mark to a batch. The format version says from now on that blocks are gone.
pub fn mark(batch: &mut Batch, oldest: Height) {
    batch.put(Column::Meta, format::META_FORMAT, [format::PRUNED_FORMAT_VERSION]);
    batch.put(Column::Meta, format::META_OLDEST, format::height_key(oldest));
}

/// Takes the blocks 1 to below the durable mark away from all readers.
pub fn retire_below(store: &dyn Store, oldest: Height) {
    for (column, by) in RETIRED {
        store.retire(column, by, oldest.0);
    }
}
