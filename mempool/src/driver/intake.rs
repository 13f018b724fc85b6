//! One turn's submissions and gossip on their way to one batch of signature checks.

use super::frames;
use crate::{Examined, Origin, Pool, SignatureCheck};
use minuet_core::alloy_primitives::map::B256Map;
use minuet_core::mempool_errors::{AdmissionError, RefusalTally};
use minuet_core::messages::{ManyReply, PeerFrame, SubmissionReply};
use minuet_core::spans;
use minuet_core::transaction::{Transaction, TransactionError};
use minuet_core::wire::Offence;
use minuet_core::{Address, Bytes, Digest, PeerId, TxHash};
use std::sync::Arc;

/// Transactions of a frame that are decoded together: what stands behind one that nobody should have sent is not, but for
/// so many.
pub(super) const DECODED_TOGETHER: usize = 64;

/// Whom an outcome is for.
pub(super) enum ReplyTo {
    /// One caller with one transaction.
    Caller(SubmissionReply),
    /// One of several transactions that came together.
    Item { group: usize, place: usize },
}

/// Transactions that came together: answered together at the end of the turn.
pub(super) struct Group {
    outcomes: Vec<Result<TxHash, AdmissionError>>,
    reply: ManyReply,
}

/// The groups of a turn. Every place is set exactly once before the answers go out.
#[derive(Default)]
pub(super) struct Groups(Vec<Group>);

impl Groups {
    pub(super) fn answer(&mut self, reply: ReplyTo, outcome: Result<TxHash, AdmissionError>) {
        match reply {
            ReplyTo::Caller(reply) => reply(outcome),
            ReplyTo::Item { group, place } => self.0[group].outcomes[place] = outcome,
        }
    }

    pub(super) fn finish(self) {
        for Group { outcomes, reply } in self.0 {
            reply(outcomes);
        }
    }
}

/// A transaction that passed everything but the signature check, with all who brought it.
pub(super) struct Candidate {
    pub(super) transaction: Arc<Transaction>,
    pub(super) replies: Vec<ReplyTo>,
    pub(super) peers: Vec<PeerId>,
    /// From the pool log: a client's, accepted before this start.
    pub(super) is_replayed: bool,
    /// It stands in a block that the ledger has executed, key and signature checked.
    pub(super) is_executed: bool,
}

impl Candidate {
    pub(super) fn origin(&self) -> Origin {
        match self.peers.first() {
            Some(peer) if !self.is_own() => Origin::Peer(*peer),
            _ => Origin::Client,
        }
    }

    /// A client's, to be gossiped and remembered.
    pub(super) fn is_own(&self) -> bool {
        self.is_replayed || !self.replies.is_empty()
    }
}

/// What one turn took in.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) candidates: Vec<Candidate>,
    /// Looked up only.
    places: B256Map<usize>,
    /// What waits here already, and who brought it again.
    pub(super) known: Vec<(TxHash, ReplyTo)>,
    /// Of the pool log, waiting here already.
    pub(super) replayed: Vec<TxHash>,
    /// Of the pool log, not to be admitted any more.
    pub(super) stale: u64,
    /// Provable ones; `None` where a frame held a transaction that is refused without being anybody's fault.
    pub(super) offences: Vec<(PeerId, Option<Offence>)>,
    /// Senders of gossip that was known already: now the peer is known to have it too.
    pub(super) known_senders: Vec<Address>,
    pub(super) refused: RefusalTally,
    pub(super) groups: Groups,
}

impl Batch {
    pub(super) fn submit(&mut self, pool: &mut Pool, envelope: &Bytes, reply: ReplyTo) {
        self.submit_decoded(pool, Transaction::decode(envelope), reply);
    }

    fn submit_decoded(&mut self, pool: &mut Pool, decoded: Result<Transaction, TransactionError>, reply: ReplyTo) {
        match decoded.map_err(AdmissionError::from).and_then(|transaction| pool.examine_decoded(transaction)) {
            Ok(Examined::Known(hash)) => self.known.push((hash, reply)),
            Ok(Examined::New(transaction)) => {
                tracing::trace!(name: spans::TAKEN, target: spans::TARGET, hash = transaction.hash().as_slice());
                self.candidate(pool, transaction).replies.push(reply);
            }
            Err(error) => {
                self.refused.count(&error);
                self.groups.answer(reply, Err(error));
            }
        }
    }

    /// Whether envelopes of the pool log are in it.
    pub(super) fn is_replay(&self) -> bool {
        self.stale > 0 || !self.replayed.is_empty() || self.candidates.iter().any(|candidate| candidate.is_replayed)
    }

    /// Takes an envelope that was accepted before this start.
    pub(super) fn replay(&mut self, pool: &mut Pool, envelope: &Bytes) {
        match pool.examine(envelope) {
            Ok(Examined::Known(hash)) => self.replayed.push(hash),
            Ok(Examined::New(transaction)) => self.candidate(pool, transaction).is_replayed = true,
            // Final meanwhile, most of all.
            Err(_) => self.stale += 1,
        }
    }

    pub(super) fn submit_many(&mut self, pool: &mut Pool, envelopes: &[Bytes], reply: ManyReply) {
        let group = self.groups.0.len();
        // Overwritten, each of them, before anybody sees it.
        let outcomes = vec![Err(AdmissionError::Busy); envelopes.len()];
        self.groups.0.push(Group { outcomes, reply });
        for (place, decoded) in Transaction::decode_all(envelopes).into_iter().enumerate() {
            self.submit_decoded(pool, decoded, ReplyTo::Item { group, place });
        }
    }

    /// Takes in a frame up to the first transaction that an honest peer would not have sent; returns how many it looked
    /// at, at least one.
    pub(super) fn receive(&mut self, pool: &mut Pool, frame: &PeerFrame) -> usize {
        let mut envelopes = frames::unpack(&frame.payload);
        let mut count = 0;
        loop {
            let mut is_broken = false;
            let good = envelopes.by_ref().map_while(|envelope| envelope.inspect_err(|()| is_broken = true).ok());
            let several: Vec<Bytes> = good.take(DECODED_TOGETHER).collect();
            if several.is_empty() && !is_broken {
                break;
            }
            let is_honest = Transaction::decode_all(&several).into_iter().all(|decoded| {
                count += 1;
                self.receive_one(pool, decoded, frame.peer)
            });
            if is_broken && is_honest {
                count += 1;
                self.offences.push((frame.peer, Some(Offence::Malformed)));
            }
            if is_broken || !is_honest {
                break;
            }
        }
        count.max(1)
    }

    /// Whether an honest peer may have sent it.
    fn receive_one(&mut self, pool: &mut Pool, decoded: Result<Transaction, TransactionError>, peer: PeerId) -> bool {
        match decoded.map_err(AdmissionError::from).and_then(|transaction| pool.examine_decoded(transaction)) {
            Ok(Examined::Known(hash)) => {
                self.known_senders.extend(pool.mark_shared(&hash, peer));
            }
            Ok(Examined::New(transaction)) => {
                tracing::trace!(name: spans::HEARD, target: spans::TARGET, hash = transaction.hash().as_slice());
                let peers = &mut self.candidate(pool, transaction).peers;
                if !peers.contains(&peer) {
                    peers.push(peer);
                }
            }
            Err(error) => {
                self.refused.count(&error);
                if let Some(offence) = offence(&error) {
                    self.offences.push((peer, Some(offence)));
                    return false;
                }
            }
        }
        true
    }

    fn candidate(&mut self, pool: &Pool, transaction: Arc<Transaction>) -> &mut Candidate {
        let place = *self.places.entry(transaction.hash()).or_insert(self.candidates.len());
        if place == self.candidates.len() {
            let is_executed = pool.is_executed(&transaction.hash());
            let (replies, peers) = (Vec::new(), Vec::new());
            self.candidates.push(Candidate { transaction, replies, peers, is_replayed: false, is_executed });
        }
        &mut self.candidates[place]
    }
}

/// What is provable against a peer that gossiped such a transaction: nodes gossip only what they admitted, so whatever
/// depends on nothing but the transaction and the genesis is the peer's fault. What depends on the state is not.
pub(super) const fn offence(error: &AdmissionError) -> Option<Offence> {
    match error {
        AdmissionError::Transaction(TransactionError::Codec(_) | TransactionError::UnknownType { .. }) => {
            Some(Offence::Malformed)
        }
        AdmissionError::Transaction(TransactionError::Signature) => Some(Offence::BadSignature),
        AdmissionError::Transaction(_) | AdmissionError::FeeTooLow { .. } | AdmissionError::GasLimitTooHigh { .. } => {
            Some(Offence::Invalid)
        }
        _ => None,
    }
}

/// Whether key and signature hold.
pub(super) enum Verdict {
    Good,
    Bad(AdmissionError),
}

/// The candidates in their order, with verdicts.
pub(super) struct Checked {
    pub(super) candidates: Vec<(Candidate, Verdict)>,
    /// How many signatures were checked here: those of bad keys and of executed transactions are not.
    pub(super) signatures: u64,
}

/// Key rule and signature of all candidates, the signatures as one batch; those that stand in executed blocks have passed
/// both, byte for byte, since their hash covers everything.
pub(super) fn check_signatures(candidates: Vec<Candidate>, genesis: &Digest, check: SignatureCheck) -> Checked {
    let key = |candidate: &Candidate| match candidate.is_executed {
        true => Ok(()),
        false => candidate.transaction.check_sender_key(),
    };
    let keys: Vec<_> = candidates.iter().map(key).collect();
    let to_check = candidates.iter().zip(&keys).filter(|(candidate, key)| key.is_ok() && !candidate.is_executed);
    let to_check: Vec<&Transaction> = to_check.map(|(candidate, _)| &*candidate.transaction).collect();
    let items = Transaction::signature_items(&to_check, genesis);
    let signatures = u64::try_from(items.len()).unwrap_or(u64::MAX);
    let mut verdicts = (check.0)(&items).into_iter();
    let judge = |(candidate, key): (&Candidate, Result<(), TransactionError>)| match key {
        Err(error) => Verdict::Bad(error.into()),
        Ok(()) if candidate.is_executed || verdicts.next() == Some(true) => Verdict::Good,
        Ok(()) => Verdict::Bad(TransactionError::Signature.into()),
    };
    let judged: Vec<Verdict> = candidates.iter().zip(keys).map(judge).collect();
    Checked { candidates: candidates.into_iter().zip(judged).collect(), signatures }
}
