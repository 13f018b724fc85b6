use super::*;
use minuet_core::spans::{ADMITTED, TARGET, VOTED};
use minuet_core::{B256, keccak256};
use std::path::Path;
use std::sync::mpsc::channel;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

fn lines(path: &Path) -> Vec<Option<Line>> {
    let mut lines = Vec::new();
    read(path, |line| lines.push(line)).unwrap();
    lines
}

/// Runs something under a layer that writes to this file.
fn recorded(path: &Path, work: impl FnOnce()) {
    let (layer, thread) = open(path).unwrap().unwrap();
    let layer = layer.with_filter(filter_fn(|event| event.target() == TARGET));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    drop(thread);
}

#[test]
fn a_moment_is_read_as_it_was_told_and_other_events_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spans.jsonl");
    let hash: B256 = keccak256("a transfer");
    let before = layer::monotonic_us();
    recorded(&path, || {
        tracing::trace!(name: ADMITTED, target: TARGET, hash = hash.as_slice());
        tracing::trace!(hash = hash.as_slice(), "something else");
        tracing::trace!(name: VOTED, target: TARGET, view = 7u64, count = 3u64);
    });
    let after = layer::monotonic_us();
    let found = lines(&path);
    let [Some(Line::Moment(first)), Some(Line::Moment(second))] = &found[..] else { panic!("{found:?}") };
    let first_eight = u64::from_be_bytes(hash[..8].try_into().unwrap());
    assert_eq!((first.name.as_str(), first.view, first.hash, first.count), (ADMITTED, None, Some(first_eight), None));
    assert_eq!((second.name.as_str(), second.view, second.hash, second.count), (VOTED, Some(7), None, Some(3)));
    assert!(before <= first.at_us && first.at_us <= second.at_us && second.at_us <= after, "{found:?}");
    assert!(std::fs::read_to_string(&path).unwrap().contains(&hash.to_string()[2..18]));
}

#[test]
fn what_does_not_fit_into_the_queue_is_counted_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spans.jsonl");
    let (layer, writer) = writer::make(&path, 2).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        (1..=5u64).for_each(|view| tracing::trace!(name: VOTED, target: TARGET, view));
    });
    let (stop, stopped) = channel();
    drop(stop);
    writer.run(&stopped);
    let found = lines(&path);
    let told = found.iter().flatten().map(|line| match line {
        Line::Moment(moment) => moment.view,
        Line::Lost { lost } => Some(100 + lost),
    });
    assert_eq!(told.collect::<Vec<_>>(), [Some(1), Some(2), Some(103)]);
}

#[test]
fn a_line_that_a_kill_cut_off_is_no_moment() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spans.jsonl");
    std::fs::write(&path, "{\"at_us\":1,\"name\":\"voted\",\"view\":2}\n{\"at_us\":1,\"na").unwrap();
    let found = lines(&path);
    assert!(matches!(&found[..], [Some(Line::Moment(_)), None]), "{found:?}");
}

#[test]
fn without_a_path_there_is_nothing_to_write_to() {
    assert!(open(Path::new("")).unwrap().is_none());
    let nowhere = open(Path::new("/nowhere/spans.jsonl")).unwrap_err();
    assert!(nowhere.message.contains("/nowhere/spans.jsonl"), "{nowhere}");
}
