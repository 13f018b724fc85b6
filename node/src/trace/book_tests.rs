use super::*;
use crate::config::read_genesis;
use crate::genesis::tests::small_genesis;
use crate::keys::{KeyKind, NETWORK_FILE, read_ed25519};
use crate::trace::line::{Line, lines_of};
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::messages::PeerFrame;
use minuet_core::statement::SignedStatement;
use minuet_core::wire::FrameKind;
use minuet_core::{B256, Bytes, PeerId, View};

const N: usize = 6;
const VIEW: u64 = 9;

/// A committee with all its keys, and what its members are made to say in one view.
struct Cast {
    genesis: Genesis,
    keys: Vec<Ed25519SecretKey>,
    book: Book,
}

fn block(byte: u8) -> Statement {
    Statement::Notarize { view: View(VIEW), digest: B256::repeat_byte(byte) }
}

const NULLIFY: Statement = Statement::Nullify { view: View(VIEW) };

impl Cast {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        small_genesis(dir.path(), N);
        let genesis = read_genesis(&dir.path().join("genesis.json")).unwrap();
        let file = |index: usize| dir.path().join(index.to_string()).join(NETWORK_FILE);
        let key = |index: usize| read_ed25519(&file(index), KeyKind::Network).unwrap();
        Self { keys: (0..N).map(key).collect(), book: Book::of(&genesis), genesis }
    }

    fn signed(&self, signer: u16, statement: Statement) -> SignedStatement {
        statement.sign(ValidatorIndex(signer), &self.keys[usize::from(signer)], &self.genesis.signing_context())
    }

    fn hears(&mut self, kind: FrameKind, payload: Vec<u8>) {
        for line in lines_of(&PeerFrame { peer: PeerId(0), kind, payload: Bytes::from(payload) }, 1) {
            // As it is read from a file.
            let line: Line = serde_json::from_str(&serde_json::to_string(&line).unwrap()).unwrap();
            self.book.take("a trace", Some(line), false);
        }
    }

    fn says(mut self, signer: u16, statement: Statement) -> Self {
        self.hears(FrameKind::Statement, self.signed(signer, statement).to_bytes());
        self
    }

    fn certifies(mut self, kind: CertificateKind, signers: &[u16], statement: Statement) -> Self {
        let members: Vec<_> =
            signers.iter().map(|signer| (ValidatorIndex(*signer), self.signed(*signer, statement).signature)).collect();
        let certificate = Certificate::assemble(kind, &statement, N, &members).unwrap();
        self.hears(FrameKind::Certificate, certificate.to_bytes());
        self
    }

    fn report(self) -> Report {
        self.book.verify()
    }
}

#[test]
fn votes_for_one_block_by_all_are_no_finding_and_all_signatures_are_checked() {
    let cast = (0..6).fold(Cast::new(), |cast, signer| cast.says(signer, block(1)));
    let report = cast
        .certifies(CertificateKind::Notarization, &[0, 1, 2], block(1))
        .certifies(CertificateKind::Finalization, &[0, 1, 2, 3, 4], block(1))
        .report();
    assert_eq!((report.messages, report.statements, report.certificates), (8, 6, 2));
    assert_eq!((&report.findings, &report.invalid), (&Vec::new(), &Vec::new()));
    assert_eq!(report.failure(), None);
}

#[test]
fn two_votes_of_one_key_are_found_at_once_and_in_the_end() {
    let mut cast = Cast::new().says(2, block(1)).says(3, block(2));
    assert_eq!(cast.book.look(), []);
    cast = cast.says(2, block(2));
    let digests = vec![B256::repeat_byte(1), B256::repeat_byte(2)];
    let found = Finding::TwoVotes { view: VIEW, signer: 2, digests };
    let at_once = cast.book.look();
    let report = cast.report();
    assert_eq!((&at_once, &report.findings), (&vec![found.clone()], &vec![found]));
    assert_eq!(report.failure().unwrap().exit, crate::exit::Exit::Violation);
}

#[test]
fn a_vote_within_a_certificate_contradicts_another_one_as_well() {
    let report = Cast::new().says(2, block(1)).certifies(CertificateKind::Notarization, &[2, 3, 4], block(2)).report();
    assert!(matches!(report.findings[..], [Finding::TwoVotes { signer: 2, .. }]), "{:?}", report.findings);
}

#[test]
fn what_is_not_validly_signed_accuses_nobody() {
    let mut cast = Cast::new().says(2, block(1));
    let forged = SignedStatement { signer: ValidatorIndex(2), ..cast.signed(4, block(2)) };
    cast.hears(FrameKind::Statement, forged.to_bytes());
    // The vote of 4 under the name of 5.
    let members = [(2, 2), (3, 3), (5, 4)]
        .map(|(named, signer)| (ValidatorIndex(named), cast.signed(signer, block(2)).signature));
    let renamed = Certificate::assemble(CertificateKind::Notarization, &block(2), N, &members).unwrap();
    cast.hears(FrameKind::Certificate, renamed.to_bytes());
    assert_eq!(cast.book.look(), []);
    let report = cast.report();
    assert_eq!((&report.findings, report.invalid.len()), (&Vec::new(), 2), "{:?}", report.invalid);
}

#[test]
fn nullify_after_a_vote_needs_m_others_against_it() {
    let voted = || Cast::new().says(2, block(1)).says(2, NULLIFY);
    let report = voted().says(3, NULLIFY).says(4, block(2)).says(5, block(1)).report();
    let short = Finding::NullifiedWithoutEvidence { view: VIEW, signer: 2, evidence: 2, needed: 3 };
    assert_eq!(report.findings, [short]);
    let report = voted().says(3, NULLIFY).says(4, block(2)).says(5, NULLIFY).report();
    assert_eq!((&report.findings, report.justified), (&Vec::new(), 1));
    let report = voted().certifies(CertificateKind::Nullification, &[3, 4, 5], NULLIFY).report();
    assert_eq!((&report.findings, report.justified), (&Vec::new(), 1));
}

#[test]
fn a_final_view_has_no_other_notarization_and_no_nullification() {
    let finalized = || Cast::new().certifies(CertificateKind::Finalization, &[0, 1, 2, 3, 4], block(1));
    let report = finalized().certifies(CertificateKind::Notarization, &[3, 4, 5], block(2)).report();
    assert!(report.findings.iter().any(|found| matches!(found, Finding::OtherNotarization { .. })));
    let report = finalized().certifies(CertificateKind::Nullification, &[3, 4, 5], NULLIFY).report();
    assert!(report.findings.iter().any(|found| matches!(found, Finding::Nullified { .. })));
}

#[test]
fn a_trace_that_does_not_show_everything_is_no_success() {
    let start = |complete| Line::Start { complete, version: 1, time_us: 1, pid: 1 };
    for bad in [
        vec![(Some(start(false)), false)],
        vec![(Some(Line::Incomplete { time_us: 1, lost: 4 }), false)],
        vec![(None, false), (Some(Line::Stop { time_us: 1, messages: 0 }), true)],
    ] {
        let mut cast = Cast::new().says(1, block(1));
        bad.into_iter().for_each(|(line, after_cut)| cast.book.take("a trace", line, after_cut));
        let report = cast.report();
        assert!(report.incomplete.len() == 1 && report.failure().is_some(), "{:?}", report.incomplete);
    }
    // What a kill leaves behind is no loss.
    let mut cast = Cast::new().says(1, block(1));
    cast.book.take("a trace", None, false);
    cast.book.take("a trace", Some(start(true)), true);
    assert_eq!(cast.report().failure(), None);
}

#[test]
fn a_validator_is_heard_by_what_comes_from_itself() {
    let mut cast = Cast::new().says(0, block(1)).says(3, block(1));
    assert_eq!((cast.book.newest_view_of(0), cast.book.newest_view_of(3)), (VIEW, 0), "all come from peer 0");
    assert_eq!(cast.book.heard_above(0, VIEW - 1, 1), Some(1));
    assert_eq!(cast.book.heard_above(0, VIEW, 1), None);
    assert_eq!(cast.book.heard_above(0, VIEW - 1, 2), None);
    assert_eq!(cast.book.look(), []);
}
