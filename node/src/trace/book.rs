//! What each key said in each view, from any number of traces, and what contradicts what.
//!
//! A certificate counts for each of its signers. Before [`Book::verify`] nothing is believed: a contradiction that was
//! seen so far is checked on the spot, and only checked signatures make a finding.

use super::line::{Line, Message, Signed};
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::committee::Committee;
use minuet_core::genesis::Genesis;
use minuet_core::scheme::StatementSignature;
use minuet_core::statement::{SigningContext, Statement};
use minuet_core::{Digest, ValidatorIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What is wrong, or worth telling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// S-ONE-VOTE: votes of one key for two blocks of a view.
    TwoVotes { view: u64, signer: u16, digests: Vec<Digest> },
    /// S-ONE-PROPOSAL.
    TwoProposals { view: u64, signer: u16, digests: Vec<Digest> },
    /// S-X1: a view with a final block has a notarization of another block.
    OtherNotarization { view: u64, finalized: Digest, other: Digest },
    /// S-X2: a view with a final block has a nullification.
    Nullified { view: u64, finalized: Digest },
    /// A key voted and nullified in a view, and nobody's traces hold the evidence that R5 asks for: S-NULL-JUSTIFIED or
    /// S-NO-VOTE-AFTER-NULL is broken, or the evidence was not traced.
    NullifiedWithoutEvidence { view: u64, signer: u16, evidence: usize, needed: usize },
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoVotes { view, signer, digests } => {
                write!(out, "EQUIVOCATION: validator {signer} voted for {digests:?} in view {view} (S-ONE-VOTE)")
            }
            Self::TwoProposals { view, signer, digests } => {
                write!(out, "EQUIVOCATION: validator {signer} proposed {digests:?} in view {view} (S-ONE-PROPOSAL)")
            }
            Self::OtherNotarization { view, finalized, other } => {
                write!(out, "view {view}: {finalized} is final and {other} is notarized (S-X1)")
            }
            Self::Nullified { view, finalized } => {
                write!(out, "view {view}: {finalized} is final and the view is nullified (S-X2)")
            }
            Self::NullifiedWithoutEvidence { view, signer, evidence, needed } => write!(
                out,
                "validator {signer} voted and nullified in view {view} with {evidence} others against its vote, {needed} are \
                 needed (S-NULL-JUSTIFIED, S-NO-VOTE-AFTER-NULL)"
            ),
        }
    }
}

/// All that was said about a view.
#[derive(Debug, Default)]
struct Said {
    statements: BTreeMap<(Statement, ValidatorIndex), BTreeSet<StatementSignature>>,
    proposals: BTreeSet<(ValidatorIndex, Digest)>,
    certificates: BTreeSet<Certificate>,
    is_checked: bool,
}

/// Who said what, from many traces.
#[derive(Debug)]
pub struct Book {
    committee: Committee,
    context: SigningContext,
    views: BTreeMap<u64, Said>,
    /// Views with something new since the last look.
    touched: BTreeSet<u64>,
    /// By signer: each view above all before in which it said something, straight to the node that traced it, and when.
    voices: BTreeMap<u16, Vec<(u64, u64)>>,
    messages: u64,
    malformed: u64,
    unreadable: Vec<String>,
    incomplete: Vec<String>,
    invalid: Vec<String>,
}

/// What a whole check came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Lines with a message.
    pub messages: u64,
    /// Views that they are about.
    pub views: usize,
    /// Different statements, proposals included, and different certificates: as many signatures were checked.
    pub statements: usize,
    /// See [`Report::statements`].
    pub certificates: usize,
    /// Contradictions; all signatures involved are valid.
    pub findings: Vec<Finding>,
    /// Nullify after notarize with the evidence that R5 asks for: allowed.
    pub justified: usize,
    /// Signatures that do not verify.
    pub invalid: Vec<String>,
    /// Frames that could not be read by their receivers.
    pub malformed: u64,
    /// Where something is missing in the traces.
    pub incomplete: Vec<String>,
}

impl Book {
    /// An empty one for a chain.
    #[must_use]
    pub fn of(genesis: &Genesis) -> Self {
        Self {
            committee: genesis.committee().clone(),
            context: genesis.signing_context(),
            views: BTreeMap::new(),
            touched: BTreeSet::new(),
            voices: BTreeMap::new(),
            messages: 0,
            malformed: 0,
            unreadable: Vec::new(),
            incomplete: Vec::new(),
            invalid: Vec::new(),
        }
    }

    /// Takes a line of the trace called `from`; `None` is a line that cannot be read, which a kill leaves behind: the
    /// next must be a start, so `after_cut` tells whether the line before was one.
    pub fn take(&mut self, from: &str, line: Option<Line>, after_cut: bool) {
        if after_cut && !matches!(line, Some(Line::Start { .. })) {
            self.unreadable.push(format!("{from}: a line cannot be read and is not one that a kill cut off"));
        }
        match line {
            Some(Line::Message(message)) => self.hear(from, &message),
            Some(Line::Malformed { .. }) => self.malformed += 1,
            Some(Line::Incomplete { lost, .. }) => self.incomplete.push(format!("{from}: {lost} frames or lines lost")),
            Some(Line::Start { complete: false, .. }) => self.incomplete.push(format!("{from}: marked at its start")),
            Some(Line::Start { version, .. }) if version != super::line::TRACE_VERSION => {
                self.unreadable.push(format!("{from}: lines of version {version}; use the program that wrote them"));
            }
            Some(Line::Start { .. } | Line::Stop { .. }) | None => {}
        }
    }

    fn hear(&mut self, from: &str, message: &Message) {
        self.messages += 1;
        let signed = match message.signed(self.committee.n()) {
            Ok(signed) => signed,
            Err(reason) => return self.invalid.push(format!("{from}, view {}: {reason}", message.view)),
        };
        let said = self.views.entry(message.view).or_default();
        let is_new = match signed {
            Signed::Statement(signed, is_proposal) => {
                if u32::from(signed.signer.0) == message.peer {
                    let voice = self.voices.entry(signed.signer.0).or_default();
                    if voice.last().is_none_or(|(view, _)| *view < message.view) {
                        voice.push((message.view, message.time_us));
                    }
                }
                if let Some(digest) = signed.statement.digest().filter(|_| is_proposal) {
                    said.proposals.insert((signed.signer, digest));
                }
                said.statements.entry((signed.statement, signed.signer)).or_default().insert(signed.signature)
            }
            Signed::Certificate(certificate) => said.certificates.insert(certificate),
        };
        if is_new {
            said.is_checked = false;
            self.touched.insert(message.view);
        }
    }

    /// The highest view that a validator was heard in.
    #[must_use]
    pub fn newest_view_of(&self, signer: u16) -> u64 {
        self.voices.get(&signer).and_then(|voice| voice.last()).map_or(0, |(view, _)| *view)
    }

    /// When a validator was first heard in a view above `view`, since a moment.
    #[must_use]
    pub fn heard_above(&self, signer: u16, view: u64, since_us: u64) -> Option<u64> {
        let voice = self.voices.get(&signer)?;
        let first = voice.iter().find(|(said, time_us)| *said > view && *time_us >= since_us);
        first.map(|(_, time_us)| *time_us)
    }

    /// What is wrong in the views that something new was heard of since the last call. Evidence for R5 may still come,
    /// so that is left to [`Book::verify`].
    pub fn look(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for view in std::mem::take(&mut self.touched) {
            let Some(said) = self.views.get_mut(&view) else { continue };
            if said.contradictions(view).is_empty() {
                continue;
            }
            self.invalid.extend(said.check(view, &self.committee, &self.context));
            findings.extend(said.contradictions(view));
        }
        findings
    }

    /// Checks every signature, forgets what is not valid, and says what contradicts what. Uses all processors.
    #[must_use]
    pub fn verify(mut self) -> Report {
        let lanes = std::thread::available_parallelism().map_or(1, usize::from);
        let mut parts: Vec<Vec<(u64, &mut Said)>> = (0..lanes).map(|_| Vec::new()).collect();
        for (place, (view, said)) in self.views.iter_mut().enumerate() {
            parts[place % lanes].push((*view, said));
        }
        let (committee, context) = (&self.committee, &self.context);
        let check = |part: Vec<(u64, &mut Said)>| -> Vec<String> {
            part.into_iter().flat_map(|(view, said)| said.check(view, committee, context)).collect()
        };
        let invalid: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || check(part))).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<String>>| match thread.join() {
                Ok(invalid) => invalid,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            threads.into_iter().flat_map(join).collect()
        });
        self.invalid.extend(invalid);
        self.report()
    }

    fn report(self) -> Report {
        let m = self.committee.quorums().m();
        let mut report = Report {
            messages: self.messages,
            views: self.views.len(),
            invalid: self.invalid,
            malformed: self.malformed,
            incomplete: [self.unreadable, self.incomplete].concat(),
            ..Report::default()
        };
        for (view, said) in &self.views {
            report.statements += said.statements.len();
            report.certificates += said.certificates.len();
            report.findings.extend(said.contradictions(*view));
            let (unjustified, justified) = said.nullified_after_voting(*view, m);
            report.findings.extend(unjustified);
            report.justified += justified;
        }
        report
    }
}

impl Said {
    /// Drops what is not validly signed; says what that was.
    fn check(&mut self, view: u64, committee: &Committee, context: &SigningContext) -> Vec<String> {
        if std::mem::replace(&mut self.is_checked, true) {
            return Vec::new();
        }
        let mut invalid = Vec::new();
        let statements: BTreeSet<Statement> = self.statements.keys().map(|(statement, _)| *statement).collect();
        for statement in statements {
            let message = statement.message(context);
            let mut items = Vec::new();
            for ((_, signer), signatures) in self.statements.iter().filter(|((said, _), _)| *said == statement) {
                for signature in signatures {
                    let Some(validator) = committee.get(*signer) else { continue };
                    items.push((*signer, validator, *signature));
                }
            }
            let verdicts = committee.scheme().verify_each(&items, &message);
            let valid: BTreeSet<(ValidatorIndex, StatementSignature)> = items
                .iter()
                .zip(&verdicts)
                .filter_map(|((signer, _, signature), valid)| valid.then_some((*signer, *signature)))
                .collect();
            self.statements.retain(|(said, signer), signatures| {
                if *said != statement {
                    return true;
                }
                let before = signatures.len();
                signatures.retain(|signature| valid.contains(&(*signer, *signature)));
                if signatures.len() < before {
                    invalid.push(format!("view {view}: a signature of validator {signer} under {said:?} is not valid"));
                }
                !signatures.is_empty()
            });
        }
        let voted = |signer: ValidatorIndex, digest| {
            let statement = Statement::Notarize { view: minuet_core::View(view), digest };
            self.statements.contains_key(&(statement, signer))
        };
        self.proposals.retain(|(signer, digest)| voted(*signer, *digest));
        self.certificates.retain(|certificate| match certificate.verify(committee, context) {
            Ok(()) => true,
            Err(error) => {
                invalid.push(format!("view {view}: a {:?}: {error}", certificate.kind));
                false
            }
        });
        invalid
    }

    fn certified(&self, wanted: impl Fn(CertificateKind) -> bool) -> BTreeSet<Digest> {
        self.certificates.iter().filter(|certificate| wanted(certificate.kind)).map(|found| found.digest).collect()
    }

    /// Every statement with its signer, those in certificates included.
    fn all(&self) -> impl Iterator<Item = (Statement, ValidatorIndex)> {
        let certified = self.certificates.iter().flat_map(|certificate| {
            let signers: Vec<ValidatorIndex> = certificate.signers.iter().collect();
            let statement = certificate.statement();
            signers.into_iter().map(move |signer| (statement, signer))
        });
        self.statements.keys().copied().chain(certified)
    }

    fn votes(&self) -> BTreeMap<ValidatorIndex, BTreeSet<Digest>> {
        let mut votes: BTreeMap<ValidatorIndex, BTreeSet<Digest>> = BTreeMap::new();
        for (statement, signer) in self.all() {
            if let Some(digest) = statement.digest() {
                votes.entry(signer).or_default().insert(digest);
            }
        }
        votes
    }

    fn nullifiers(&self) -> BTreeSet<ValidatorIndex> {
        self.all().filter(|(statement, _)| statement.digest().is_none()).map(|(_, signer)| signer).collect()
    }

    /// What contradicts whatever else is ever said of the view.
    fn contradictions(&self, view: u64) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut proposals: BTreeMap<ValidatorIndex, BTreeSet<Digest>> = BTreeMap::new();
        for (signer, digest) in &self.proposals {
            proposals.entry(*signer).or_default().insert(*digest);
        }
        let several = |said: BTreeMap<ValidatorIndex, BTreeSet<Digest>>| {
            let several = said.into_iter().filter(|(_, digests)| digests.len() > 1);
            several.map(|(signer, digests)| (signer.0, digests.into_iter().collect::<Vec<_>>()))
        };
        let two_votes = |(signer, digests)| Finding::TwoVotes { view, signer, digests };
        let two_proposals = |(signer, digests)| Finding::TwoProposals { view, signer, digests };
        findings.extend(several(self.votes()).map(two_votes));
        findings.extend(several(proposals).map(two_proposals));
        let notarized = self.certified(|kind| kind != CertificateKind::Nullification);
        let is_nullified = !self.certified(|kind| kind == CertificateKind::Nullification).is_empty();
        for finalized in self.certified(|kind| kind == CertificateKind::Finalization) {
            let others = notarized.iter().filter(|other| **other != finalized);
            findings.extend(others.map(|other| Finding::OtherNotarization { view, finalized, other: *other }));
            if is_nullified {
                findings.push(Finding::Nullified { view, finalized });
            }
        }
        findings
    }

    /// Keys that voted and nullified: those without R5's evidence, and how many have it.
    fn nullified_after_voting(&self, view: u64, needed: usize) -> (Vec<Finding>, usize) {
        let (votes, nullifiers) = (self.votes(), self.nullifiers());
        let mut findings = Vec::new();
        let mut justified = 0;
        for (signer, digests) in votes.iter().filter(|(signer, _)| nullifiers.contains(signer)) {
            let against = |other: &ValidatorIndex| {
                nullifiers.contains(other)
                    || votes.get(other).is_some_and(|voted| voted.iter().any(|digest| !digests.contains(digest)))
            };
            let others: BTreeSet<ValidatorIndex> = votes.keys().chain(&nullifiers).copied().collect();
            let evidence = others.iter().filter(|other| *other != signer && against(other)).count();
            if evidence >= needed {
                justified += 1;
            } else {
                let signer = signer.0;
                findings.push(Finding::NullifiedWithoutEvidence { view, signer, evidence, needed });
            }
        }
        (findings, justified)
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
