//! Certificates that are none: each is refused and counted, moves nothing, and costs its sender the connection if it goes
//! on. S-CERT, as a node carries it out.

use crate::harness::{Chain, Header, L, M, N, Setting, Stage, bitmap, bls_key, notarize, nowhere, nullify};
use minuet_consensus::wire::{Request, Response};
use minuet_core::bls::{BlsSecretKey, BlsSignature};
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::scheme::{QuorumSignature, StatementKey as _, StatementScheme};
use minuet_core::statement::{SigningContext, Statement};
use minuet_core::wire::FrameKind;
use minuet_core::{Epoch, ValidatorIndex, View};

use CertificateKind::{Finalization, Notarization, Nullification};

const SOME: [u16; 3] = [1, 2, 3];
const MANY: [u16; 5] = [1, 2, 3, 4, 5];
/// More than any offence needs for a ban.
const OFTEN: usize = 8;

/// A node that has one final block and has voted for the next, which is about to be lied about.
fn scene() -> (Stage, Header) {
    scene_of(StatementScheme::Bls)
}

fn scene_of(scheme: StatementScheme) -> (Stage, Header) {
    let mut stage = Stage::set(Setting { scheme, ..Setting::default() });
    stage.goes_on();
    let block = stage.proposed();
    (stage, block)
}

/// Each of these is refused for this reason, whoever sends it; and whoever goes on is thrown out.
fn are_refused(reason: &str, forge: impl Fn(&Chain, &Header) -> Vec<Certificate>) {
    let forgeries = |chain: &Chain, block: &Header| forge(chain, block).iter().map(Certificate::to_bytes).collect();
    frames_are_refused(scene(), reason, FrameKind::Certificate, forgeries);
}

fn frames_are_refused(
    (mut stage, block): (Stage, Header),
    reason: &str,
    kind: FrameKind,
    forge: impl Fn(&Chain, &Header) -> Vec<Vec<u8>>,
) {
    let forgeries = forge(&stage.chain, &block);
    assert!(forgeries.len() < usize::from(N), "one a puppet: nobody is thrown out for a single one");
    for (forgery, puppet) in forgeries.iter().zip(stage.cast()) {
        puppet.send(kind, forgery.clone());
    }
    stage.refuses(reason, forgeries.len() as u64);
    assert_eq!(stage.faults(), forgeries.len() as u64, "each for one reason");
    let status = stage.status();
    assert_eq!((status.view, status.height), (stage.view, stage.tip.height().0), "it moved the node");
    assert!(stage.cast().all(|puppet| puppet.is_up()));

    let liar = 5;
    for _ in 0..OFTEN {
        stage.puppet(liar).send(kind, forgeries[0].clone());
    }
    stage.bans(liar);
    stage.votes(&block);
    stage.settles(&block);
    stage.is_undisturbed();
    assert!(!stage.has_said(nullify(block.view().0)));
    stage.ends_well();
}

#[test]
fn aggregates_of_other_keys_are_refused() {
    are_refused("bad_certificate", |chain, block| {
        let stranger = |seed: u8, statement: Statement| {
            BlsSecretKey::from_ikm(&[seed; 32]).sign_statement(&statement.message(&chain.context))
        };
        let of_strangers = |kind, statement, signers: &[u16]| {
            let signatures: Vec<_> = (100..).take(signers.len()).map(|seed| stranger(seed, statement)).collect();
            chain.forged(kind, statement, bitmap(usize::from(N), signers), &signatures)
        };
        vec![
            of_strangers(Notarization, notarize(block), &SOME),
            of_strangers(Finalization, notarize(block), &MANY),
            of_strangers(Nullification, nullify(block.view().0), &SOME),
            // All but one are genuine, or the right ones are named by wrong names.
            {
                let mut signatures = chain.signatures(notarize(block), &[1, 2]);
                signatures.push(stranger(100, notarize(block)));
                chain.forged(Notarization, notarize(block), bitmap(usize::from(N), &SOME), &signatures)
            },
            Certificate {
                signers: bitmap(usize::from(N), &[1, 2, 4]),
                ..chain.certificate(Notarization, notarize(block), &SOME)
            },
        ]
    });
}

#[test]
fn signatures_that_are_no_points_are_refused() {
    are_refused("bad_certificate", |chain, block| {
        let genuine = chain.notarization(block, &SOME);
        let with = |signature: [u8; 48]| Certificate { signature: BlsSignature(signature).into(), ..genuine.clone() };
        let mut infinity = [0; 48];
        infinity[0] = 0xc0;
        let aggregate: [u8; 48] = genuine.signature.to_bytes().try_into().unwrap();
        let mut flipped = aggregate;
        flipped[0] ^= 0x20;
        let mut other = aggregate;
        other[47] ^= 1;
        vec![with([0; 48]), with(infinity), with([0xff; 48]), with(flipped), with(other)]
    });
}

#[test]
fn a_signer_whose_signature_is_added_twice_counts_once() {
    are_refused("bad_certificate", |chain, block| {
        let twice = |kind, statement: Statement, signers: &[u16], signatures: &[u16]| {
            let signatures = chain.signatures(statement, signatures);
            chain.forged(kind, statement, bitmap(usize::from(N), signers), &signatures)
        };
        vec![
            twice(Notarization, notarize(block), &SOME, &[1, 1, 1]),
            twice(Notarization, notarize(block), &SOME, &[1, 2, 2]),
            twice(Finalization, notarize(block), &MANY, &[1, 2, 3, 4, 4]),
            twice(Nullification, nullify(block.view().0), &SOME, &[1, 1, 2]),
            twice(Finalization, notarize(block), &MANY, &[1, 1, 2, 2, 3, 3]),
        ]
    });
}

#[test]
fn signers_beyond_the_committee_and_bitmaps_of_another_size_are_refused() {
    are_refused("certificate_bitmap", |chain, block| {
        let sum = chain.signatures(notarize(block), &MANY);
        let with =
            |room: usize, signers: &[u16]| chain.forged(Notarization, notarize(block), bitmap(room, signers), &sum);
        vec![
            with(8, &[1, 2, 3, 4, 5, 6]),
            with(8, &[1, 2, 7]),
            with(0, &[]),
            with(16, &MANY),
            with(512, &[1, 2, 3, 4, 5, 511]),
        ]
    });
}

#[test]
fn too_few_signers_are_refused_however_genuine() {
    are_refused("certificate_threshold", |chain, block| {
        vec![
            chain.notarization(block, &SOME[..usize::from(M) - 1]),
            chain.finalization(block, &MANY[..usize::from(L) - 1]),
            chain.nullification(block.view().0, &SOME[..usize::from(M) - 1]),
            // A notarization shown as a finalization.
            Certificate { kind: Finalization, ..chain.notarization(block, &SOME) },
            Certificate { signers: bitmap(usize::from(N), &[]), ..chain.notarization(block, &SOME) },
        ]
    });
}

#[test]
fn certificates_of_another_chain_or_epoch_are_refused() {
    are_refused("bad_certificate", |chain, block| {
        let elsewhere = |context: SigningContext, kind, statement: Statement| {
            let sign = |signer: &u16| statement.sign(ValidatorIndex(*signer), &bls_key(*signer), &context).signature;
            let signatures: Vec<_> = MANY.iter().map(sign).collect();
            chain.forged(kind, statement, bitmap(usize::from(N), &MANY), &signatures)
        };
        let other_chain = SigningContext { genesis: nowhere(9), ..chain.context };
        let next_epoch = SigningContext { epoch: Epoch(1), ..chain.context };
        vec![
            elsewhere(other_chain, Notarization, notarize(block)),
            elsewhere(other_chain, Finalization, notarize(block)),
            elsewhere(next_epoch, Finalization, notarize(block)),
            elsewhere(next_epoch, Nullification, nullify(block.view().0)),
            elsewhere(other_chain, Nullification, nullify(block.view().0)),
        ]
    });
}

#[test]
fn statements_of_one_kind_view_or_block_never_pass_for_another() {
    are_refused("bad_certificate", |chain, block| {
        let view = block.view().0;
        let shown_as = |kind, shown: Statement, said: Statement| {
            chain.forged(kind, shown, bitmap(usize::from(N), &MANY), &chain.signatures(said, &MANY))
        };
        let (later, other) = (Statement::Notarize { view: View(view + 1), digest: block.digest() }, nowhere(7));
        vec![
            shown_as(Nullification, nullify(view), notarize(block)),
            shown_as(Finalization, notarize(block), nullify(view)),
            shown_as(Notarization, later, notarize(block)),
            shown_as(Nullification, nullify(view), nullify(view + 1)),
            shown_as(Finalization, Statement::Notarize { view: View(view), digest: other }, notarize(block)),
        ]
    });
}

#[test]
fn votes_for_two_blocks_make_no_certificate_of_either() {
    are_refused("bad_certificate", |chain, block| {
        let rival = chain.sibling(&chain.root(), block.view().0, 1);
        let mixed = |kind, shown: &Header, of_block: &[u16], of_rival: &[u16]| {
            let mut signatures = chain.signatures(notarize(block), of_block);
            signatures.extend(chain.signatures(notarize(&rival), of_rival));
            let signers: Vec<u16> = of_block.iter().chain(of_rival).copied().collect();
            chain.forged(kind, notarize(shown), bitmap(usize::from(N), &signers), &signatures)
        };
        vec![
            mixed(Notarization, block, &[1, 2], &[3]),
            mixed(Notarization, &rival, &[1, 2], &[3]),
            mixed(Finalization, block, &[1, 2, 3, 4], &[5]),
            mixed(Finalization, &rival, &[1, 2, 3], &[4, 5]),
        ]
    });
}

/// Of a chain that signs with Ed25519: certificates that name these signers and hold what the others give.
fn lists(chain: &Chain, named: &[u16], signatures: &[QuorumSignature]) -> Vec<Vec<u8>> {
    let of = |signature: &QuorumSignature, block: &Certificate| {
        Certificate { signature: signature.clone(), ..block.clone() }.to_bytes()
    };
    let genuine = chain.certificate(Nullification, nullify(2), named);
    signatures.iter().map(|signature| of(signature, &genuine)).collect()
}

fn list(chain: &Chain, statement: Statement, signers: &[u16]) -> QuorumSignature {
    QuorumSignature::join(&chain.signatures(statement, signers)).unwrap()
}

#[test]
fn lists_of_signatures_that_are_not_their_signers_are_refused() {
    let scene = scene_of(StatementScheme::Ed25519);
    frames_are_refused(scene, "bad_certificate", FrameKind::Certificate, |chain, block| {
        let view = block.view().0;
        lists(
            chain,
            &SOME,
            &[
                list(chain, nullify(2), &[1, 2, 4]),
                list(chain, nullify(2), &[3, 2, 1]),
                list(chain, nullify(2), &[1, 1, 1]),
                list(chain, nullify(view + 1), &SOME),
                // Of the other scheme.
                BlsSignature([0xff; 48]).into(),
            ],
        )
    });
}

#[test]
fn lists_of_more_or_fewer_signatures_than_signers_do_not_decode() {
    let scene = scene_of(StatementScheme::Ed25519);
    frames_are_refused(scene, "malformed", FrameKind::Certificate, |chain, _| {
        lists(chain, &SOME, &[list(chain, nullify(2), &[1, 2]), list(chain, nullify(2), &[1, 2, 3, 4])])
    });
}

#[test]
fn certificates_that_do_not_decode_are_refused() {
    frames_are_refused(scene(), "malformed", FrameKind::Certificate, |chain, block| {
        let good = chain.notarization(block, &SOME).to_bytes();
        let mut unknown_kind = good.clone();
        // Behind the list's header of two bytes.
        unknown_kind[2] = 4;
        let with_digest = Certificate { digest: nowhere(1), ..chain.nullification(block.view().0, &SOME) };
        vec![
            unknown_kind,
            with_digest.to_bytes(),
            good[..good.len() - 1].to_vec(),
            [good.as_slice(), &[0]].concat(),
            Vec::new(),
        ]
    });
}

#[test]
fn forged_proofs_in_a_proposal_count_against_its_leader_and_nothing_stands_on_them() {
    let mut stage = Stage::new();
    stage.goes_on();
    // Views 2 and 3 are skipped in name only.
    let leader = stage.chain.leader(4);
    let block = stage.chain.child(&stage.tip, 4);
    let forged = |view| Certificate { view: View(view), ..stage.chain.nullification(9, &SOME) };
    let proposal = stage.chain.proposal(&block, stage.tip_proof.clone(), vec![forged(3), forged(2)]);
    stage.puppet(leader).proposal(&proposal);
    stage.refuses("bad_certificate", 1);
    assert!(stage.puppet(leader).is_up());
    for _ in 0..OFTEN {
        stage.puppet(leader).proposal(&proposal);
    }
    stage.bans(leader);
    assert_eq!(stage.status().view, 2);
    stage.is_undisturbed();
    assert!(!stage.has_said(notarize(&block)));
    stage.ends_well();
}

#[test]
fn proofs_of_something_else_in_a_proposal_are_refused() {
    let mut stage = Stage::new();
    stage.goes_on();
    let leader = stage.until_a_puppet_leads();
    let block = stage.chain.child(&stage.tip, stage.view);
    let elsewhere = stage.chain.notarization(&stage.chain.sibling(&stage.chain.root(), 1, 5), &SOME);
    let later = stage.chain.nullification(stage.view + 5, &SOME);
    let before = stage.chain.nullification(1, &SOME);
    for (parent_proof, gap) in
        [(Some(elsewhere), vec![]), (stage.tip_proof.clone(), vec![later]), (stage.tip_proof.clone(), vec![before])]
    {
        stage.puppet(leader).proposal(&stage.chain.proposal(&block, parent_proof, gap));
    }
    stage.refuses("proposal_proofs", 3);
    stage.holds_against(leader, 50);
    assert_eq!(stage.status().view, stage.view, "the genuine proof of a later view came in no way that counts");
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn forged_certificates_in_an_answer_are_refused() {
    let mut stage = Stage::new();
    stage.goes_on();
    // The node is sent ahead to view 6, which it leads, without the proofs of views 2 to 4: it asks for them.
    let proofs: Vec<_> = (2..6).map(|view| stage.chain.nullification(view, &SOME)).collect();
    let forged = |view: View| Certificate { view, ..stage.chain.nullification(9, &SOME) };
    for puppet in stage.cast() {
        let (truth, lies) = (proofs.clone(), (2..6).map(|view| forged(View(view))).collect::<Vec<_>>());
        let is_liar = puppet.index == 5;
        puppet.answers(move |request| {
            let Request::Proof(View(view)) = request else { return None };
            let proof = if is_liar { &lies } else { &truth }.get(usize::try_from(*view).ok()?.checked_sub(2)?)?;
            let answer = Response::Proofs { certificates: vec![proof.clone(); 3], statements: vec![] };
            Some((FrameKind::Response, answer.to_bytes()))
        });
    }
    let last = proofs[3].clone();
    stage.puppet(1).certificate(&last);
    let header = stage.sees_proposal(6);
    assert_eq!((stage.status().view, header.parent()), (6, stage.tip.digest()));
    stage.votes(&header);
    stage.settles(&header);
    stage.is_undisturbed();
    stage.ends_well();
}

#[test]
fn a_peer_that_answers_what_nobody_asked_is_thrown_out_unread() {
    let (mut stage, block) = scene();
    let genuine = stage.chain.nullification(stage.view, &SOME);
    let answer = Response::Proofs { certificates: vec![genuine; 3], statements: vec![] };
    for _ in 0..30 {
        stage.puppet(3).response(&answer);
    }
    stage.bans(3);
    assert!(stage.refused("unrequested") >= 20);
    assert_eq!(stage.status().view, stage.view, "it was read");
    stage.votes(&block);
    stage.settles(&block);
    stage.is_undisturbed();
    stage.ends_well();
}
