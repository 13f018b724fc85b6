//! Answers from peers. Blocks are taken by the digest that was asked for or under a verified finalization, never on a
//! peer's word (L-SYNC).

use super::Driver;
use crate::input::Input;
use crate::wire::{Response, ServedBlock};
use minuet_core::PeerId;
use minuet_core::rejection::RejectReason;

impl Driver {
    pub(super) fn on_response(&mut self, peer: PeerId, response: Response) {
        match response {
            Response::Proofs { certificates, statements } => {
                for certificate in certificates {
                    self.on_peer_certificate(peer, certificate);
                }
                for signed in statements {
                    self.on_peer_statement(peer, signed);
                }
            }
            Response::Blocks(blocks) => self.on_blocks(peer, blocks),
        }
    }

    fn on_blocks(&mut self, peer: PeerId, blocks: Vec<ServedBlock>) {
        if let [served] = blocks.as_slice()
            && self.fetching.wants_block(&served.block.digest())
        {
            self.take_block(served);
            return;
        }
        if self.fetching.take_range(peer) {
            self.take_range(peer, blocks);
        }
        // Anything else is an answer that came after another peer's: nothing to do, nobody to blame.
    }

    fn take_block(&mut self, served: &ServedBlock) {
        let header = served.block.header();
        self.fetching.have_block(&header.digest());
        self.blocks.add_header(header);
        self.blocks.add_body(header.digest(), served.block.body().clone());
        self.feed(Input::Header(header.clone()));
    }

    /// Final blocks above the own tip: linked by digest from the tip up to a block with a finalization that verifies.
    fn take_range(&mut self, peer: PeerId, mut blocks: Vec<ServedBlock>) {
        let tip = self.replica.tip().header.clone();
        blocks.retain(|served| served.block.header().height() > tip.height());
        let last_final = blocks.iter().rposition(|served| served.finalization.is_some());
        let Some(last_final) = last_final else { return };
        blocks.truncate(last_final + 1);
        let mut parent = tip.digest();
        let linked = blocks.iter().all(|served| {
            let fits = served.block.header().parent() == parent;
            parent = served.block.digest();
            fits
        });
        let Some(last) = blocks.last() else { return };
        let Some(finalization) =
            last.finalization.clone().filter(|proof| proof.digest == last.block.digest() && linked)
        else {
            return self.reject(peer, RejectReason::BadRange);
        };
        let verified = match self.verifier.certificate(finalization) {
            Ok(verified) => verified,
            Err(error) => return self.reject_certificate(peer, &error),
        };
        let (from, to) = (tip.height().next(), last.block.header().height());
        tracing::info!(%peer, %from, %to, behind = self.status.known_height.get().saturating_sub(to.0), "catching up");
        for served in &blocks {
            self.take_block(served);
        }
        self.feed(Input::Certificate(verified));
    }
}
