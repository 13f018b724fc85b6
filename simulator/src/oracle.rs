//! The judge. It sees what goes over the network, what became durable and what was shown as final, and holds all of it
//! against docs/protocol.md §4 by its own arithmetic: it never asks the code under test what a quorum is.

mod reading;
mod statements;

use crate::coverage::{Coverage, Effect};
use crate::node::Started;
use minuet_consensus::driver::Driver;
use minuet_consensus::record::{Own, Record};
use minuet_consensus::verify::Verifier;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::header::BlockHeader;
use minuet_core::messages::JournalRecord;
use minuet_core::wire::Offence;
use minuet_core::{B256, Bytes, Digest, PeerId, ValidatorIndex, View};
use reading::Readings;
use statements::Statements;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Views ahead of the current one of which anything unproven is kept (B-FUTURE).
const FUTURE_VIEWS: u64 = 64;
/// Views for which anything may be kept: 256 behind, 64 ahead, the proven ones between (B-VOTES), with room for certificates.
const MOST_VIEWS: usize = 4_096;
/// Turns of a node between two looks at everything that it knows.
const LOOK_EVERY: u64 = 32;
/// Views above the deepest unfinalized block that R12 allows.
const DEPTH: usize = 64;

/// A final block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Final {
    digest: Digest,
    state_root: B256,
    view: View,
}

/// What is known of one place in the network.
#[derive(Clone, Debug, Default)]
struct Slot {
    durable: BTreeMap<View, BTreeSet<Own>>,
    /// The highest block that it has shown as final.
    shown: u64,
    floor: View,
    view: View,
    /// Its journal has failed in this life.
    failed: bool,
    turns: u64,
    grown: bool,
    /// The newest view of which a proof is on its disk: by it the next one was entered.
    proven: View,
}

impl Slot {
    fn prove(&mut self, record: &Record) {
        match record {
            Record::Certificate(certificate) => self.proven = self.proven.max(certificate.view),
            Record::Block { proposal, .. } => {
                let proofs = proposal.parent_proof.iter().chain(&proposal.gap).map(|proof| proof.view);
                self.proven = self.proven.max(proofs.max().unwrap_or_default());
            }
            Record::Own { .. } | Record::Floor(_) => {}
        }
    }
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name.
    pub invariant: &'static str,
    /// What happened.
    pub what: String,
}

/// See the module.
pub struct Oracle {
    n: usize,
    faults: usize,
    verifier: Verifier,
    base_delta_us: u64,
    statements: Statements,
    readings: Readings,
    slots: Vec<Slot>,
    notarized: BTreeMap<View, BTreeSet<Digest>>,
    nullified: BTreeSet<View>,
    finalized: BTreeMap<View, Digest>,
    checked: BTreeSet<(u8, View, Digest)>,
    /// By height; what any honest node has shown.
    chain: Vec<Final>,
    violation: Option<Violation>,
    /// What was seen.
    pub coverage: Coverage,
}

impl Oracle {
    /// Of `n` validators in so many places; these keys lie or may have forgotten.
    pub fn new(n: usize, slots: usize, verifier: Verifier, base_delta_us: u64) -> Self {
        let mut faults = 0;
        while 5 * (faults + 1) < n {
            faults += 1;
        }
        Self {
            n,
            faults,
            verifier,
            base_delta_us,
            statements: Statements::new(n),
            readings: Readings::default(),
            slots: vec![Slot::default(); slots],
            notarized: BTreeMap::new(),
            nullified: BTreeSet::new(),
            finalized: BTreeMap::new(),
            checked: BTreeSet::new(),
            chain: Vec::new(),
            violation: None,
            coverage: Coverage::default(),
        }
    }

    /// How many keys may lie.
    pub const fn tolerated(&self) -> usize {
        self.faults
    }

    /// From now on nothing is expected of a key.
    pub fn distrust(&mut self, key: ValidatorIndex) {
        self.statements.distrust(key);
    }

    /// Whether something is expected of a key.
    pub fn trusts(&self, key: ValidatorIndex) -> bool {
        self.statements.trusts(key)
    }

    /// The first violation.
    pub const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Blocks that are final somewhere.
    pub fn height(&self) -> u64 {
        self.chain.len() as u64
    }

    pub fn violate(&mut self, invariant: &'static str, what: String) {
        self.violation.get_or_insert(Violation { invariant, what });
    }

    fn m(&self) -> usize {
        2 * self.faults + 1
    }

    /// These are on the disk now.
    pub fn durable(&mut self, slot: usize, key: ValidatorIndex, records: &[JournalRecord]) {
        let records: Vec<_> = records.iter().map(|record| self.readings.read(record)).collect();
        let mut blocks = BTreeMap::new();
        let mut proofs = BTreeSet::new();
        if self.trusts(key) {
            records.iter().for_each(|record| self.held(key, record));
        }
        for record in &records {
            self.slots[slot].prove(record);
            match &**record {
                Record::Block { proposal, .. } => {
                    blocks.insert(proposal.header.digest(), Arc::clone(&proposal.header));
                }
                Record::Certificate(certificate) => _ = proofs.insert((certificate.view, certificate.digest)),
                Record::Floor(view) if view.0 > 0 => self.coverage.saw(Effect::FloorRaised),
                Record::Floor(_) => {}
                Record::Own { view, own } => {
                    self.grounds(key, *view, *own, &blocks, &proofs);
                    let proven = self.slots[slot].proven;
                    if *own == Own::Nullify && view.0 > proven.0 + 1 && self.trusts(key) {
                        let what = format!("validator {key} nullifies view {view}, its disk proves {proven} at most");
                        self.violate("D-ENTRY", what);
                    }
                    self.slots[slot].durable.entry(*view).or_default().insert(*own);
                }
            }
        }
        let low = self.slots[slot].view.minus(1024);
        self.slots[slot].durable = self.slots[slot].durable.split_off(&low);
    }

    fn grounds(
        &mut self,
        key: ValidatorIndex,
        view: View,
        own: Own,
        blocks: &BTreeMap<Digest, Arc<BlockHeader>>,
        proofs: &BTreeSet<(View, Digest)>,
    ) {
        match own {
            Own::Propose(_) => {}
            Own::Notarize(digest) if blocks.contains_key(&digest) => {
                self.coverage.saw(Effect::NotarizedByValidation);
                self.validated(key, &blocks[&digest]);
            }
            Own::Notarize(digest) if proofs.contains(&(view, digest)) => {
                self.coverage.saw(Effect::NotarizedByCertificate);
            }
            Own::Notarize(digest) => {
                let what = format!("validator {key} notarizes {digest} in view {view} without its ground on the disk");
                self.violate("D-BODY", what);
            }
            Own::Nullify if self.statements.has_notarized(key, view) => {
                self.coverage.saw(Effect::NullifiedByContradiction);
            }
            Own::Nullify => self.coverage.saw(Effect::NullifiedByTimeout),
        }
    }

    /// Certificates that a journal holds were checked.
    fn held(&mut self, key: ValidatorIndex, record: &Record) {
        match record {
            Record::Certificate(certificate) => self.certificate(certificate, key),
            Record::Block { proposal, .. } => {
                proposal.parent_proof.iter().chain(&proposal.gap).for_each(|proof| self.certificate(proof, key));
            }
            Record::Own { .. } | Record::Floor(_) => {}
        }
    }

    /// S-PARENT: what is voted for by validation stands on a notarized parent, and nothing between is open.
    fn validated(&mut self, key: ValidatorIndex, header: &BlockHeader) {
        if !self.trusts(key) {
            return;
        }
        let (view, parent_view, parent) = (header.view(), header.parent_view(), header.parent());
        let open = (parent_view.0 + 1..view.0).map(View).find(|view| !self.nullified.contains(view));
        if let Some(open) = open {
            let what =
                format!("{key} votes for a block of view {view} on view {parent_view}; view {open} is not nullified");
            self.violate("S-PARENT", what);
        }
        if !self.is_notarized(parent_view, &parent) {
            let what = format!("{key} votes for a block of view {view} on {parent}, which nobody notarized");
            self.violate("S-PARENT", what);
        }
    }

    fn is_notarized(&self, view: View, digest: &Digest) -> bool {
        view == View::GENESIS || self.notarized.get(&view).is_some_and(|all| all.contains(digest))
    }

    /// L-MULTI: a certificate came from an honest node, and everything that came was looked at.
    pub fn heard(&mut self, key: ValidatorIndex, driver: &Driver, payload: &Bytes) {
        let Ok(certificate) = Certificate::from_bytes(payload) else { return };
        let replica = driver.replica();
        let (view, tip) = (certificate.view, replica.tip().header.view());
        if self.trusts(key) && view > tip && !replica.is_halted() && !replica.holds(&certificate) {
            let what =
                format!("validator {key} has heard a {:?} of view {view} and does not hold it", certificate.kind);
            self.violate("L-MULTI", what);
        }
    }

    /// An honest node blames an honest one.
    pub fn blamed(&mut self, key: ValidatorIndex, peer: PeerId, offence: Offence) {
        let other = u16::try_from(peer.0).map(ValidatorIndex);
        if let Ok(other) = other
            && self.trusts(key)
            && self.trusts(other)
        {
            self.violate("HONEST-BLAMED", format!("validator {key} blames {other} for {offence:?}"));
        }
    }

    /// The journal has failed: D-FAIL-STOP.
    pub fn journal_failed(&mut self, slot: usize) {
        self.slots[slot].failed = true;
        self.coverage.saw(Effect::JournalFailed);
    }

    /// A node is back, or there for the first time. `whole`: its disk is its own and in order.
    pub fn started(&mut self, slot: usize, key: ValidatorIndex, started: &Started, driver: &Driver, whole: bool) {
        let state = &mut self.slots[slot];
        state.failed = false;
        state.turns = 0;
        if !started.signs {
            self.coverage.saw(Effect::Observer);
        }
        let mut entered = View::GENESIS;
        let mut read: BTreeMap<View, BTreeSet<Own>> = BTreeMap::new();
        state.proven = started.tip_view;
        for record in &started.records {
            state.prove(record);
            if let Record::Own { view, own } = record {
                entered = entered.max(*view);
                read.entry(*view).or_default().insert(*own);
            }
        }
        let (view, floor) = (driver.replica().view(), driver.replica().floor());
        let (before, shown) = (state.floor, state.shown);
        if !whole {
            state.durable = read;
            (state.floor, state.shown, state.view) = (floor, started.height.0, view);
            return;
        }
        let forgotten = state
            .durable
            .iter()
            .find(|(at, own)| **at > floor && read.get(*at).is_none_or(|read| !own.is_subset(read)));
        let forgotten = forgotten.map(|(at, own)| format!("validator {key} has forgotten {own:?} of view {at}"));
        for (at, own) in read {
            state.durable.entry(at).or_default().extend(own);
        }
        (state.floor, state.view) = (floor.max(before), view);
        if entered > View::GENESIS && started.signs {
            self.coverage.saw(Effect::Recovered);
        }
        if let Some(what) = forgotten {
            self.violate("D-BEFORE-SEND", what);
        }
        if floor < before {
            self.violate("D-FLOOR", format!("validator {key}: the floor fell from {before} to {floor}"));
        }
        if started.signs && view < entered {
            let what = format!("validator {key} is back in view {view}, its journal speaks of {entered}");
            self.violate("D-ENTRY", what);
        }
        if started.height.0 < shown {
            let what = format!("validator {key} is back at height {}, it had shown {shown}", started.height);
            self.violate("D-ACK", what);
        }
    }

    /// Consensus of a node has turned.
    pub fn turned(&mut self, slot: usize, key: ValidatorIndex, driver: &Driver) {
        let replica = driver.replica();
        let (view, floor, delta_us) = (replica.view(), replica.floor(), replica.delta_us());
        let state = &mut self.slots[slot];
        if view < state.view || floor < state.floor {
            let what = format!("validator {key}: view {} → {view}, floor {} → {floor}", state.view, state.floor);
            return self.violate("D-ENTRY", what);
        }
        if state.turns > 0 && view.0 > state.view.0 + 1 {
            self.coverage.saw(Effect::Climbed);
        }
        state.turns += 1;
        (state.view, state.floor) = (view, floor);
        if delta_us > self.base_delta_us && !state.grown {
            state.grown = true;
            self.coverage.saw(Effect::BackedOff);
        } else if delta_us == self.base_delta_us && state.grown {
            state.grown = false;
            self.coverage.saw(Effect::BackAtBase);
        }
        if state.turns.is_multiple_of(LOOK_EVERY) && self.statements.trusts(key) {
            self.look(key, driver);
        }
    }

    /// At everything that a replica knows.
    fn look(&mut self, key: ValidatorIndex, driver: &Driver) {
        let replica = driver.replica();
        let views = replica.views();
        if views.len() > MOST_VIEWS {
            self.violate("B-VOTES", format!("validator {key} keeps {} views", views.len()));
        }
        if views.get(&replica.view()).is_some_and(|state| state.skipped) {
            self.coverage.saw(Effect::Skipped);
        }
        if views.values().filter(|state| state.has_notarization()).count() > DEPTH {
            self.coverage.saw(Effect::TooDeep);
        }
        let mut ahead = views.range(replica.view().plus(FUTURE_VIEWS + 1)..);
        if let Some((view, _)) = ahead.find(|(_, state)| state.proof().is_none()) {
            let what = format!("validator {key} in view {} keeps unproven things of view {view}", replica.view());
            self.violate("B-FUTURE", what);
        }
        for (view, state) in views {
            for certificate in state.notarizations.values().chain(&state.nullification).chain(&state.finalization) {
                self.certificate(certificate, key);
            }
            if state.notarizations.len() > 1 {
                self.coverage.saw(Effect::TwoNotarizations);
            }
            if state.nullification.is_some() && state.has_notarization() {
                self.coverage.saw(Effect::NotarizationAndNullification);
            }
            // L-VOTE-ON-CERT: nothing but an own vote or nullify keeps a validator from it (R3).
            let silent = state.own_notarized.is_none() && !state.own_nullified;
            let asked = replica.me().is_some() && *view > replica.floor() && view.0 + 200 > replica.view().0;
            if silent && asked && state.has_notarization() && !replica.is_halted() {
                let what = format!("validator {key} holds a notarization of view {view} and does not vote");
                return self.violate("L-VOTE-ON-CERT", what);
            }
        }
    }

    /// S-CERT, S-QUORUM, S-X1, S-X2: a certificate that an honest node holds or sends.
    fn certificate(&mut self, certificate: &Certificate, holder: ValidatorIndex) {
        let (view, digest) = (certificate.view, certificate.digest);
        let (code, needed) = match certificate.kind {
            CertificateKind::Notarization => (1, self.m()),
            CertificateKind::Nullification => (2, self.m()),
            CertificateKind::Finalization => (3, self.n - self.faults),
        };
        let signers = certificate.signers.iter().filter(|signer| signer.as_usize() < self.n).count();
        if signers < needed || signers != certificate.signers.count() {
            let what = format!("{holder} holds a {:?} of view {view} with {signers} signers", certificate.kind);
            return self.violate("S-QUORUM", what);
        }
        if !self.checked.insert((code, view, digest)) {
            return;
        }
        let message = certificate.statement().message(self.verifier.context());
        let committee = self.verifier.committee().clone();
        let keys = certificate.signers.iter().filter_map(|s| committee.get(s).map(|validator| (s, validator)));
        if !self.verifier.scheme().verify_quorum(&keys.collect::<Vec<_>>(), &message, &certificate.signature) {
            let what = format!("{holder} holds a forged {:?} of view {view}", certificate.kind);
            return self.violate("S-CERT", what);
        }
        match certificate.kind {
            CertificateKind::Nullification => {
                self.coverage.saw(Effect::Nullification);
                self.nullified.insert(view);
            }
            CertificateKind::Notarization => self.coverage.saw(Effect::Notarization),
            CertificateKind::Finalization => {
                self.coverage.saw(Effect::Finalization);
                if let Some(other) = self.finalized.insert(view, digest).filter(|other| *other != digest) {
                    self.violate("S-AGREE", format!("view {view} is final with {other} and with {digest}"));
                }
            }
        }
        if certificate.kind != CertificateKind::Nullification {
            self.notarized.entry(view).or_default().insert(digest);
        }
        self.exclusive(view);
    }

    fn exclusive(&mut self, view: View) {
        let Some(digest) = self.finalized.get(&view).copied() else { return };
        if self.notarized.get(&view).is_some_and(|all| all.iter().any(|other| *other != digest)) {
            self.violate("S-X1", format!("view {view} is final with {digest}, and another block of it is notarized"));
        }
        if self.nullified.contains(&view) {
            self.violate("S-X2", format!("view {view} is final with {digest}, and nullified"));
        }
    }

    /// A node shows a block as final.
    pub fn shown(&mut self, slot: usize, key: ValidatorIndex, header: &BlockHeader) {
        if !self.statements.trusts(key) {
            return;
        }
        let height = header.height().0;
        let state = &mut self.slots[slot];
        if height != state.shown + 1 {
            let what = format!("validator {key} shows height {height} after {}", state.shown);
            self.violate("D-ACK", what);
            return;
        }
        state.shown = height;
        state.proven = state.proven.max(header.view());
        let own = Final { digest: header.digest(), state_root: header.state_root(), view: header.view() };
        let place = usize::try_from(height - 1).expect("heights are few");
        if let Some(known) = self.chain.get(place) {
            if *known != own {
                let what = format!("height {height}: {} at {key}, {} elsewhere", own.digest, known.digest);
                let name = if known.digest == own.digest { "S-ROOT" } else { "S-AGREE" };
                self.violate(name, what);
            }
            return;
        }
        let parent = place.checked_sub(1).and_then(|place| self.chain.get(place)).copied();
        let genesis = Final { digest: self.verifier.context().genesis, state_root: B256::ZERO, view: View::GENESIS };
        let parent = parent.unwrap_or(genesis);
        if header.parent() != parent.digest || header.view() <= parent.view || header.parent_view() != parent.view {
            let what = format!("block {} of height {height} does not follow {}", own.digest, parent.digest);
            self.violate("S-CHAIN", what);
        }
        let open = (parent.view.0 + 1..header.view().0).map(View).find(|view| !self.nullified.contains(view));
        if let Some(view) = open {
            let what = format!("block {} of view {} skips view {view}, which nobody nullified", own.digest, own.view);
            self.violate("S-PARENT", what);
        }
        if header.view().0 > parent.view.0 + 1 {
            self.coverage.saw(Effect::ProposedOverGap);
        }
        if !self.finalized.contains_key(&header.view()) {
            self.coverage.saw(Effect::FinalizedWithAncestors);
        }
        self.chain.push(own);
    }
}
