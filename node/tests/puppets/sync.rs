//! Lying sync peers: a node that is far behind asks, is lied to, and still arrives at the one chain that the validators
//! signed (L-SYNC).

use crate::harness::{Chain, Frame, Header, N, Stage, bitmap, notarize, nowhere, nullify};
use minuet_consensus::wire::{Request, Response, ServedBlock};
use minuet_core::block::{Block, Body};
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::wire::FrameKind;
use minuet_core::{Height, View};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// How far behind the node is.
const BLOCKS: u64 = 60;
/// Blocks in one honest answer.
const PAGE: usize = 25;

/// What happened while the node was away.
struct Past {
    headers: Vec<Header>,
    finalizations: Vec<Certificate>,
}

impl Past {
    fn of(chain: &Chain, later_ms: u64) -> Self {
        let mut headers = Vec::new();
        let mut parent = chain.root();
        for view in 1..=BLOCKS {
            let header = chain.sibling(&parent, view, later_ms);
            parent = header.clone();
            headers.push(header);
        }
        let finalizations = headers.iter().map(|header| chain.finalization(header, &[1, 2, 3, 4, 5])).collect();
        Self { headers, finalizations }
    }

    fn served(&self, place: usize) -> ServedBlock {
        let block = Block::empty(self.headers[place].clone()).unwrap();
        ServedBlock { block, finalization: Some(self.finalizations[place].clone()) }
    }

    fn page(&self, from: Height) -> Vec<ServedBlock> {
        let first = usize::try_from(from.0).unwrap().saturating_sub(1).min(self.headers.len());
        (first..self.headers.len().min(first + PAGE)).map(|place| self.served(place)).collect()
    }

    /// What an honest node answers.
    fn answer(&self, request: &Request) -> Option<(FrameKind, Vec<u8>)> {
        let blocks = match request {
            Request::Range(from) => self.page(*from),
            Request::Block(digest) => {
                let place = self.headers.iter().position(|header| header.digest() == *digest)?;
                vec![ServedBlock { finalization: None, ..self.served(place) }]
            }
            Request::Proof(View(view)) => {
                let place = usize::try_from(*view).ok()?.checked_sub(1)?;
                return Some((FrameKind::Certificate, self.finalizations.get(place)?.to_bytes()));
            }
            #[allow(unreachable_patterns, reason = "other questions are left to the others")]
            _ => return None,
        };
        Some((FrameKind::Response, Response::Blocks(blocks).to_bytes()))
    }
}

/// The node catches up although one peer lies as it is told, before any other says a word; what it is blamed for.
fn catches_up_despite(lie: impl Fn(&Past, &Request) -> Option<Vec<u8>> + Send + 'static, reason: Option<&str>) {
    let mut stage = Stage::new();
    let past = Arc::new(Past::of(&stage.chain, 0));
    let liar = 2;
    let lies = Arc::new(AtomicU32::new(0));
    for puppet in stage.cast().filter(|puppet| puppet.index != liar) {
        let (past, lies) = (past.clone(), lies.clone());
        puppet.answers(move |request| match request {
            // Nothing in the way of ranges until the lie is told: the liar is asked next.
            Request::Range(_) if lies.load(SeqCst) == 0 => {
                Some((FrameKind::Response, Response::Blocks(Vec::new()).to_bytes()))
            }
            _ => past.answer(request),
        });
    }
    let (told, count) = (past.clone(), lies.clone());
    stage.puppet(liar).answers(move |request| {
        let lie = lie(&told, request)?;
        count.fetch_add(1, SeqCst);
        Some((FrameKind::Response, lie))
    });
    for puppet in stage.cast() {
        puppet.certificate(past.finalizations.last().unwrap());
    }
    // Others go on talking, as on any network: a node that waits for an answer is not alone with its clock.
    let mut word = 0..;
    stage.waits_for_height(BLOCKS, || {
        let view = BLOCKS + 2 + word.next().unwrap_or(0) % 60;
        stage.puppet(4).statement(&stage.chain.sign(nullify(view), 4));
    });
    assert!(lies.load(SeqCst) > 0, "it was never asked");
    match reason {
        Some(reason) => stage.refuses(reason, 1),
        None => assert_eq!(stage.faults(), 0),
    }
    for height in [1, BLOCKS / 2, BLOCKS] {
        let place = usize::try_from(height).unwrap() - 1;
        assert_eq!(stage.api().block(height).hash, past.headers[place].digest().as_slice());
    }
    // It may have been thrown out.
    stage.silence(liar);
    stage.settles(past.headers.last().unwrap());
    stage.is_undisturbed();
    stage.ends_well();
}

fn blocks(blocks: Vec<ServedBlock>) -> Option<Vec<u8>> {
    Some(Response::Blocks(blocks).to_bytes())
}

/// Lies about ranges only.
fn to_ranges(lie: impl Fn(&Past, Height) -> Vec<ServedBlock>) -> impl Fn(&Past, &Request) -> Option<Vec<u8>> {
    move |past, request| match request {
        Request::Range(from) => blocks(lie(past, *from)),
        _ => None,
    }
}

#[test]
fn an_empty_answer_is_asked_elsewhere() {
    catches_up_despite(to_ranges(|_, _| Vec::new()), None);
}

#[test]
fn blocks_of_another_range_are_refused() {
    catches_up_despite(to_ranges(|past, from| past.page(Height(from.0 + 3))), Some("unrequested"));
}

#[test]
fn a_range_with_a_hole_is_refused() {
    let lie = |past: &Past, from| {
        let mut page = past.page(from);
        page.remove(1);
        page
    };
    catches_up_despite(to_ranges(lie), Some("bad_range"));
}

#[test]
fn a_range_whose_finalization_is_forged_is_refused() {
    let lie = |past: &Past, from| {
        let mut page = past.page(from);
        let last = page.last_mut().unwrap();
        // The sum of one signature less, under all their names.
        let chain = Chain::new();
        let header = last.block.header().clone();
        let signatures = chain.signatures(notarize(&header), &[1, 2, 3, 4]);
        let signers = bitmap(usize::from(N), &[1, 2, 3, 4, 5]);
        last.finalization = Some(chain.forged(CertificateKind::Finalization, notarize(&header), signers, &signatures));
        page
    };
    catches_up_despite(to_ranges(lie), Some("bad_certificate"));
}

#[test]
fn a_range_finalized_by_too_few_is_refused() {
    let lie = |past: &Past, from| {
        let mut page = past.page(from);
        let last = page.last_mut().unwrap();
        last.finalization = Some(Chain::new().finalization(last.block.header(), &[1, 2, 3, 4]));
        page
    };
    catches_up_despite(to_ranges(lie), Some("certificate_threshold"));
}

#[test]
fn a_finalization_of_another_block_makes_no_range_final() {
    let lie = |past: &Past, from: Height| {
        let mut page = past.page(from);
        page.last_mut().unwrap().finalization = Some(past.finalizations[0].clone());
        page
    };
    catches_up_despite(to_ranges(lie), Some("bad_range"));
}

#[test]
fn blocks_of_another_history_are_refused() {
    // Well-formed, linked to genesis, and signed by one validator in the name of five.
    let chain = Chain::new();
    let mut other = Past::of(&chain, 1);
    for (header, finalization) in other.headers.iter().zip(&mut other.finalizations) {
        let signatures = chain.signatures(notarize(header), &[2, 2, 2, 2, 2]);
        let signers = bitmap(usize::from(N), &[1, 2, 3, 4, 5]);
        *finalization = chain.forged(CertificateKind::Finalization, notarize(header), signers, &signatures);
    }
    catches_up_despite(to_ranges(move |_, from| other.page(from)), Some("bad_certificate"));
}

#[test]
fn other_bodies_in_a_range_are_refused() {
    let lie = |past: &Past, from| {
        let mut page = past.page(from);
        let last = page.last_mut().unwrap();
        let body = Body { transactions: vec![vec![1, 2, 3].into()] };
        last.block = Block::sealed(last.block.header().clone(), Arc::new(body));
        page
    };
    catches_up_despite(to_ranges(lie), Some("malformed"));
}

#[test]
fn an_answer_that_does_not_decode_is_refused() {
    let lie = |past: &Past, request: &Request| {
        let Request::Range(from) = request else { return None };
        let mut bytes = Response::Blocks(past.page(*from)).to_bytes();
        bytes.pop();
        Some(bytes)
    };
    catches_up_despite(lie, Some("malformed"));
}

#[test]
fn a_claimed_finality_that_nobody_signed_is_not_believed() {
    let mut stage = Stage::new();
    stage.goes_on();
    let far = Certificate { view: View(1000), digest: nowhere(1), ..stage.chain.nullification(5, &[1, 2, 3]) };
    let claim = Certificate { kind: CertificateKind::Finalization, signers: bitmap(6, &[1, 2, 3, 4, 5]), ..far };
    stage.puppet(2).certificate(&claim);
    stage.refuses("bad_certificate", 1);
    let status = stage.status();
    assert_eq!((status.view, status.known_height), (2, 1));
    let asked = |frame: &Frame| matches!(frame, Frame::Request(_));
    assert!(stage.cast().all(|puppet| !puppet.frames().iter().any(asked)), "it asked");
    stage.is_undisturbed();
    stage.ends_well();
}
