//! Answers from peers. Blocks are taken by the digest that was asked for or under a verified finalization, never on a
//! peer's word (L-SYNC).

use super::Driver;
use super::catchup::Answer;
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
        let Some(first) = blocks.first() else { return self.range_is_empty(peer) };
        let digest = first.block.digest();
        let is_answer = blocks.len() == 1 && self.fetching.is_answer(peer, &digest);
        if blocks.len() == 1 && self.fetching.wants_block(&digest) {
            return self.take_block(first);
        }
        if is_answer {
            // Somebody else was faster.
            return;
        }
        match self.catchup.match_answer(peer, first.block.header().height()) {
            Answer::Wanted(from, to) => self.take_range(peer, from, to, blocks),
            // An answer that came after another peer's: nothing to do, nobody to blame.
            Answer::Late => {}
            Answer::Unrequested if blocks.len() == 1 => {}
            Answer::Unrequested => self.lied(peer, RejectReason::Unrequested),
        }
    }

    fn take_block(&mut self, served: &ServedBlock) {
        let header = served.block.header();
        self.fetching.have_block(&header.digest());
        self.blocks.add_header(header);
        self.blocks.add_body(header.digest(), served.block.body().clone());
        self.show_block(&header.digest());
        self.feed(Input::Header(header.clone()));
    }
}
