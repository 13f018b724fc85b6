use super::*;
use crate::trace::line::Signed;
use crate::trace::reader::Tail;
use minuet_core::bls::BlsSecretKey;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::statement::{SignedStatement, SigningContext, Statement};
use minuet_core::wire::FrameKind;
use minuet_core::{B256, Bytes, Epoch, PeerId, ValidatorIndex, View};

const N: usize = 6;

fn signed(view: u64) -> SignedStatement {
    let context = SigningContext { genesis: B256::repeat_byte(1), epoch: Epoch(0) };
    let statement = Statement::Notarize { view: View(view), digest: B256::repeat_byte(2) };
    statement.sign(ValidatorIndex(3), &BlsSecretKey::from_ikm(&[7; 32]), &context)
}

fn frame(kind: FrameKind, payload: Vec<u8>) -> PeerFrame {
    PeerFrame { peer: PeerId(3), kind, payload: Bytes::from(payload) }
}

fn lines(path: &Path) -> Vec<Option<Line>> {
    let mut lines = Vec::new();
    Tail::of(path).read(|line| lines.push(line)).unwrap();
    lines
}

fn messages(lines: &[Option<Line>]) -> Vec<Signed> {
    let signed = |line: &Option<Line>| match line {
        Some(Line::Message(message)) => Some(message.signed(N).unwrap()),
        _ => None,
    };
    lines.iter().filter_map(signed).collect()
}

#[test]
fn what_is_received_can_be_read_back_as_it_was_signed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("received.jsonl");
    let statement = signed(5);
    let nullify = Statement::Nullify { view: View(6) };
    let members = [0u16, 2, 5].map(|signer| (ValidatorIndex(signer), statement.signature));
    let certificate = Certificate::assemble(CertificateKind::Nullification, &nullify, N, &members).unwrap();
    let (mut observer, thread) = open(&path).unwrap();
    observer.received(&frame(FrameKind::Statement, statement.to_bytes()));
    observer.received(&frame(FrameKind::Certificate, certificate.to_bytes()));
    observer.received(&frame(FrameKind::Transactions, vec![1, 2, 3]));
    observer.received(&frame(FrameKind::Statement, vec![0xff]));
    drop(observer);
    thread.finish();
    let lines = lines(&path);
    assert_eq!(messages(&lines), [Signed::Statement(statement, false), Signed::Certificate(certificate)]);
    assert!(matches!(lines.first(), Some(Some(Line::Start { complete: true, .. }))), "{lines:?}");
    assert!(matches!(lines[3], Some(Line::Malformed { peer: 3, bytes: 1, .. })), "{lines:?}");
    assert!(matches!(lines.last(), Some(Some(Line::Stop { messages: 2, .. }))), "{lines:?}");
}

#[test]
fn what_does_not_fit_into_the_queue_is_counted_and_the_file_says_so_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("received.jsonl");
    let (sender, receiver) = sync_channel(1);
    let queue = Arc::new(Queue::default());
    let writer = Writer::open(&path, receiver, queue.clone()).unwrap();
    let mut observer = Observer { sender, queue };
    for view in 1..=3 {
        observer.received(&frame(FrameKind::Statement, signed(view).to_bytes()));
    }
    drop(observer);
    writer.run();
    let lines = lines(&path);
    assert!(matches!(lines.first(), Some(Some(Line::Start { complete: false, .. }))), "{lines:?}");
    assert!(lines.iter().any(|line| matches!(line, Some(Line::Incomplete { lost: 2, .. }))), "{lines:?}");
    assert_eq!(messages(&lines), [Signed::Statement(signed(1), false)]);
}

#[test]
fn a_disk_that_takes_nothing_more_leaves_a_file_that_is_marked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("received.jsonl");
    let (sender, receiver) = sync_channel(1);
    let queue = Arc::new(Queue::default());
    let mut writer = Writer::open(&path, receiver, queue.clone()).unwrap();
    // Behind the last byte that a file can have.
    let end = writer.end;
    writer.end = i64::MAX as u64;
    let mut text = "a line\n".to_owned();
    writer.write(&mut text);
    assert_eq!(queue.lost.load(Ordering::Relaxed), 1);
    writer.end = end;
    writer.file.set_len(end).unwrap();
    drop(sender);
    writer.run();
    let lines = lines(&path);
    assert!(matches!(lines.first(), Some(Some(Line::Start { complete: false, .. }))), "{lines:?}");
    assert!(lines.iter().any(|line| matches!(line, Some(Line::Incomplete { lost: 1, .. }))), "{lines:?}");
}

#[test]
fn a_line_that_a_kill_cut_off_is_ended_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("received.jsonl");
    std::fs::write(&path, "{\"line\":\"mess").unwrap();
    let (mut observer, thread) = open(&path).unwrap();
    observer.received(&frame(FrameKind::Statement, signed(9).to_bytes()));
    drop(observer);
    thread.finish();
    let lines = lines(&path);
    assert_eq!(lines[0], None);
    assert!(matches!(lines[1], Some(Line::Start { complete: true, .. })), "{lines:?}");
    assert_eq!(messages(&lines), [Signed::Statement(signed(9), false)]);
}
