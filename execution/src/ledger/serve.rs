//! Serving: final blocks for peers that catch up, bounded in count and bytes (B-FETCH). Blocks that are gone are
//! answered like those that never were: with nothing.

use super::Ledger;
use crate::chain::format::corrupt;
use minuet_core::Height;
use minuet_core::block::Block;
use minuet_core::messages::{ChainQuery, FinalBlock};
use minuet_core::store::StoreError;
use std::sync::Arc;

/// List and string headers around a block's parts at most.
const LIST_BYTES: usize = 16;
/// Encoded bytes in one answer at most, whatever is asked for (but at least one block).
const MAX_SERVED_BYTES: u32 = 8 * 1024 * 1024;
/// Blocks in one answer at most, whatever is asked for.
const MAX_SERVED_BLOCKS: u32 = 1024;

impl Ledger {
    /// Reads final blocks, ascending; empty if nothing is stored there.
    ///
    /// # Errors
    /// A failing or damaged store.
    pub fn serve(&self, query: ChainQuery) -> Result<Vec<FinalBlock>, StoreError> {
        match query {
            ChainQuery::Digest(digest) => {
                let Some(height) = self.reader.height_of(&digest)? else { return Ok(Vec::new()) };
                Ok(self.final_block(height)?.into_iter().map(|(block, _)| block).collect())
            }
            ChainQuery::Range { from, max_blocks, max_bytes } => self.range(from, max_blocks, max_bytes),
        }
    }

    fn range(&self, from: Height, max_blocks: u32, max_bytes: u32) -> Result<Vec<FinalBlock>, StoreError> {
        let mut blocks = Vec::new();
        let mut left = max_bytes.min(MAX_SERVED_BYTES) as usize;
        let mut height = from;
        if from < self.oldest {
            tracing::debug!(%from, oldest = %self.oldest, "a peer asks for blocks that are no longer kept here");
            return Ok(blocks);
        }
        for _ in 0..max_blocks.min(MAX_SERVED_BLOCKS) {
            if height > self.tip.height() {
                break;
            }
            let Some((block, bytes)) = self.final_block(height)? else { break };
            if bytes > left && !blocks.is_empty() {
                break;
            }
            left = left.saturating_sub(bytes);
            blocks.push(block);
            height = height.next();
        }
        Ok(blocks)
    }

    /// The block and its encoded bytes, rather too many than too few.
    fn final_block(&self, height: Height) -> Result<Option<(FinalBlock, usize)>, StoreError> {
        let Some(header) = self.reader.header(height)? else { return Ok(None) };
        let body = self.reader.body(height)?.ok_or_else(|| corrupt(format!("body of block {height}"), "missing"))?;
        let finalization = self.reader.certificate(height)?;
        let certificate_bytes = finalization.as_ref().map_or(0, |c| c.to_bytes().len());
        let envelopes: usize = body.transactions.iter().map(|envelope| envelope.len() + 4).sum();
        let bytes = header.encode().len() + envelopes + certificate_bytes + LIST_BYTES;
        let block = Block::sealed(header, Arc::new(body));
        Ok(Some((FinalBlock { block, finalization }, bytes)))
    }
}
