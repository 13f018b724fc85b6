//! The judge. It sees what goes over the network, what became durable and what was shown as final, and holds all of it
//! against docs/protocol.md §4 by its own arithmetic: it never asks the code under test what a quorum is.

mod statements;

use crate::coverage::{Coverage, Effect};
use crate::node::Started;
use minuet_consensus::driver::Driver;
use minuet_consensus::record::{Own, Record};
use minuet_consensus::verify::Verifier;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::messages::{FinalizedBlock, JournalRecord};
use minuet_core::{B256, Digest, ValidatorIndex, View};
use statements::Statements;
use std::collections::{BTreeMap, BTreeSet};

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
        let records: Vec<Record> =
            records.iter().map(|record| Record::from_journal(record).expect("written by the driver")).collect();
        let mut blocks = BTreeSet::new();
        let mut proofs = BTreeSet::new();
        for record in &records {
            self.slots[slot].prove(record);
            match record {
                Record::Block { proposal, .. } => _ = blocks.insert(proposal.header.digest()),
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
        blocks: &BTreeSet<Digest>,
        proofs: &BTreeSet<(View, Digest)>,
    ) {
        match own {
            Own::Propose(_) => {}
            Own::Notarize(digest) if blocks.contains(&digest) => self.coverage.saw(Effect::NotarizedByValidation),
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
            let _ = view;
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
        let keys = certificate.signers.iter().filter_map(|s| committee.get(s).map(|v| (s, &v.bls_key)));
        if !self.verifier.scheme().verify_aggregate(&keys.collect::<Vec<_>>(), &message, &certificate.signature) {
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
    pub fn shown(&mut self, slot: usize, key: ValidatorIndex, block: &FinalizedBlock) {
        if !self.statements.trusts(key) {
            return;
        }
        let header = &block.header;
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
