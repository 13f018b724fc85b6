//! Committing: executed blocks become final in one atomic, synced write (D-ACK).

use super::{CommitRefusal, Ledger, LedgerError};
use crate::chain::{format, prune};
use crate::overlay::{ChainGap, ExecutedBlock};
use minuet_core::account::Account;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::header::BlockHeader;
use minuet_core::messages::{FinalizedBlock, StateNotice};
use minuet_core::receipt::encode_receipts;
use minuet_core::store::{Batch, Column, Durability};
use minuet_core::{Address, Digest, Height, TxHash};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What became final.
#[derive(Clone, Debug)]
pub struct Finality {
    /// For the mempool.
    pub notice: StateNotice,
    /// For observers, oldest first; their `stored_at_us` is still to be set.
    pub events: Vec<FinalizedBlock>,
}

impl Ledger {
    /// Makes blocks final, oldest first. Blocks that are final already are skipped; `None` if all are.
    ///
    /// # Errors
    /// A failing store, or a chain that consensus cannot mean ([`CommitRefusal`]): both stop the node.
    pub fn commit(&mut self, blocks: &[Digest], finalization: &Certificate) -> Result<Option<Finality>, LedgerError> {
        let last = blocks.last().copied();
        if finalization.kind != CertificateKind::Finalization || last != Some(finalization.digest) {
            let finalization = finalization.digest;
            return Err(LedgerError::Commit(CommitRefusal::WrongFinalization { finalization, last }));
        }
        let Some(chain) = self.fresh_chain(blocks)? else { return Ok(None) };
        let Some(newest) = chain.last() else { return Ok(None) };
        let accounts = net_accounts(&chain);
        let (mut batch, body_bytes) = write_chain(&chain, &accounts, finalization);
        let oldest = self.oldest_to_keep(newest.block.header().height());
        if oldest > self.oldest {
            prune::mark(&mut batch, oldest);
        }
        self.store.write(batch, Durability::Synced)?;
        if oldest > self.oldest {
            self.oldest = oldest;
            prune::retire_below(&*self.store, oldest);
        }

        self.tip = Arc::clone(newest.block.header());
        self.state = newest.execution.state.clone();
        self.tree.finalize(self.tip.digest());
        for transaction in chain.iter().flat_map(|block| block.execution.transactions.iter()) {
            self.admitted.remove(transaction);
        }
        Ok(Some(self.finality(&chain, &accounts, &body_bytes)))
    }

    /// The blocks that are not final yet, executed; `None` if all are. The store is asked only where they do not all go on from
    /// the tip as they should: a final block's way to the disk is short.
    fn fresh_chain(&self, blocks: &[Digest]) -> Result<Option<Vec<Arc<ExecutedBlock>>>, LedgerError> {
        if let Ok(chain) = self.tree.chain(self.tip.digest(), blocks) {
            return Ok(Some(chain));
        }
        let mut fresh = blocks;
        while let Some((first, rest)) = fresh.split_first()
            && (*first == self.tip.digest() || self.reader.height_of(first)?.is_some())
        {
            fresh = rest;
        }
        if fresh.is_empty() {
            return Ok(None);
        }
        let chain = self.tree.chain(self.tip.digest(), fresh);
        chain.map(Some).map_err(|gap| LedgerError::Commit(self.refusal(gap)))
    }

    /// What goes stays away: with another setting, or none, the mark does not fall.
    fn oldest_to_keep(&self, tip: Height) -> Height {
        match self.retain_blocks {
            0 => self.oldest,
            retained => self.oldest.max(Height(tip.0.saturating_sub(retained))),
        }
    }

    fn refusal(&self, gap: ChainGap) -> CommitRefusal {
        match gap {
            ChainGap::Unknown(digest) => CommitRefusal::NotExecuted(digest),
            ChainGap::NotLinked(digest) => {
                CommitRefusal::NotExtending { digest, tip: self.tip.digest(), height: self.tip.height() }
            }
        }
    }

    fn finality(&self, chain: &[Arc<ExecutedBlock>], accounts: &NetAccounts, body_bytes: &[usize]) -> Finality {
        let summary = |(address, account): (&Address, &Option<Account>)| {
            let (nonce, balance) = account.as_ref().map(|a| (a.nonce, a.balance)).unwrap_or_default();
            (*address, nonce, balance)
        };
        let notice = StateNotice::Finalized {
            header: Arc::clone(&self.tip),
            blocks: chain.iter().map(|block| block.block.digest()).collect(),
            accounts: accounts.iter().map(summary).collect(),
        };
        let events = chain.iter().zip(body_bytes).map(|(block, body_bytes)| FinalizedBlock {
            header: Arc::clone(block.block.header()),
            transactions: Arc::clone(&block.execution.transactions),
            receipts: Arc::clone(&block.execution.receipts),
            body_bytes: *body_bytes,
            stored_at_us: 0,
        });
        Finality { notice, events: events.collect() }
    }
}

/// Every changed account's value after the last block.
type NetAccounts = BTreeMap<Address, Option<Account>>;

fn net_accounts(chain: &[Arc<ExecutedBlock>]) -> NetAccounts {
    let changes = chain.iter().flat_map(|block| block.execution.changes.iter());
    changes.map(|change| (change.address, change.account.clone())).collect()
}

/// The batch of a whole chain, and the bytes of each body.
fn write_chain(
    chain: &[Arc<ExecutedBlock>],
    accounts: &NetAccounts,
    finalization: &Certificate,
) -> (Batch, Vec<usize>) {
    let mut batch = Batch::default();
    let body_bytes = chain.iter().map(|block| write_block(block, &mut batch)).collect();
    for (address, account) in accounts {
        match account {
            Some(account) => batch.put(Column::Accounts, address.as_slice(), format::encode_account(account)),
            None => batch.delete(Column::Accounts, address.as_slice()),
        }
    }
    if let Some(newest) = chain.last() {
        let header: &BlockHeader = newest.block.header();
        let height = header.height();
        batch.put(Column::Certificates, format::height_key(height), finalization.to_bytes());
        batch.put(Column::Meta, format::META_TIP, format::encode_tip(height, &header.digest()));
    }
    (batch, body_bytes)
}

/// Bytes of the encoded body. Nothing is written for a body without transactions.
fn write_block(block: &ExecutedBlock, batch: &mut Batch) -> usize {
    let header = block.block.header();
    let key = format::height_key(header.height());
    batch.put(Column::Headers, key, header.encode());
    batch.put(Column::BlockIndex, header.digest().as_slice(), key);
    let body = block.block.body().encode();
    let bytes = body.len();
    if block.execution.transactions.is_empty() {
        return bytes;
    }
    batch.put(Column::Bodies, key, body);
    batch.put(Column::Receipts, key, encode_receipts(&block.execution.receipts));
    // In the order of the keys, which the store inserts faster.
    let mut places: Vec<(TxHash, u32)> = block.execution.marks.iter().map(|mark| mark.hash).zip(0u32..).collect();
    places.sort_unstable();
    for (hash, index) in places {
        batch.put(Column::TransactionIndex, hash.as_slice(), format::encode_place(header.height(), index));
    }
    bytes
}
