//! D-BEFORE-SEND and D-FAIL-STOP as the operating system sees them: one validator of six runs under strace.
//!
//! What is sent is encrypted, so a send cannot be matched with what it carries. The argument goes over what arrives
//! instead. All processes read one clock. strace tells when each write to the journal was made, with its bytes, and when
//! the sync behind it returned; the five others write down when each signed message came ([`crate::traces`]). A statement
//! is in a write, byte for byte, as the journal's record of it. So for each statement of the validator that anybody
//! received, alone or within a certificate, the sync behind its record must have returned before it *arrived*.
//!
//! That a statement was sent too early and arrived late could hide behind that, where a sync takes as long as a packet. So
//! strace holds back every sync for fifty milliseconds *before* the kernel does it: what is sent before the sync
//! returns arrives, on this machine, tens of milliseconds before that, and is seen.

use crate::harness::{MINUET, Network, VALIDATORS, signal, text};
use minuet_consensus::record::{Own, Record};
use minuet_core::{B256, View};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const VICTIM: u16 = 3;
const STORAGE: i32 = 6;
const SECTOR: usize = 512;
const HELD_BACK_US: u64 = 50_000;
const FLAGS: [&str; 4] = ["--trace-received", "received.jsonl", "--set", "storage.journal_segment_mb=1"];

/// What a validator said: in which view, and for which block if it was a vote for one.
type Statement = (u64, Option<B256>);

/// The records that say so: as leader a proposal's is as good as the vote's, and both are always written together.
fn record(statement: &Statement) -> Vec<u8> {
    let (view, digest) = *statement;
    let own = digest.map_or(Own::Nullify, Own::Notarize);
    Record::Own { view: View(view), own }.to_journal().payload.to_vec()
}

/// A system call on a file of the journal, in the order in which they ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    /// What was written, without the byte that begins every sector.
    Write(Vec<u8>),
    /// When a sync returned, in microseconds; whether it succeeded.
    Sync(u64, bool),
}

fn unescaped(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|digits| u8::from_str_radix(&digits[..2], 16).unwrap()).collect()
}

fn micros(seconds: &str) -> u64 {
    let (whole, fraction) = seconds.split_once('.').unwrap();
    assert_eq!(fraction.len(), 6, "{seconds}");
    whole.parse::<u64>().unwrap() * 1_000_000 + fraction.parse::<u64>().unwrap()
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    Some(rest.split_once(close)?.0)
}

/// The journal's calls in what `strace -f -ttt -T -y -xx` wrote. A call that other threads' calls interrupt has two
/// lines, one as it begins and one as it ends.
fn calls(log: &str) -> Vec<Call> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((time, call)) = rest.trim_start().split_once(' ') else { continue };
        if call.ends_with("<unfinished ...>") {
            begun.insert(thread, call);
            continue;
        }
        let is_resumed = call.starts_with("<... ");
        let beginning = if is_resumed { begun.remove(thread).unwrap_or_default() } else { call };
        let path = between(beginning, "<", ">").map(unescaped).unwrap_or_default();
        if !String::from_utf8_lossy(&path).contains("/data/journal/") {
            continue;
        }
        if beginning.starts_with("pwrite64(") {
            let bytes = unescaped(between(beginning, ", \"", "\"").expect("a write has its bytes"));
            let bare = bytes.chunks(SECTOR).flat_map(|sector| &sector[1..]).copied().collect();
            calls.push(Call::Write(bare));
        } else if beginning.starts_with("fdatasync(") {
            let (_, took) = call.rsplit_once('<').expect("how long it took is told");
            // The time of a line is that of its beginning; that of a second line is the end.
            let took = if is_resumed { 0 } else { micros(took.trim_end_matches('>')) };
            calls.push(Call::Sync(micros(time) + took, call.contains(" = 0")));
        }
    }
    calls
}

/// When the sync behind a record first returned with success.
fn durable_at(calls: &[Call], record: &[u8]) -> Option<u64> {
    let holds =
        |call: &Call| matches!(call, Call::Write(bytes) if bytes.windows(record.len()).any(|window| window == record));
    let written = calls.iter().position(holds)?;
    calls[written..].iter().find_map(|call| match call {
        Call::Sync(returned, true) => Some(*returned),
        _ => None,
    })
}

/// Statements that were received although they were not durable by then.
fn too_early(calls: &[Call], received: &BTreeMap<Statement, u64>) -> Vec<String> {
    let mut found = Vec::new();
    for (statement, time_us) in received {
        match durable_at(calls, &record(statement)) {
            None => found.push(format!("{statement:?} was received and is not durable at all")),
            Some(durable) if durable > *time_us => {
                found.push(format!("{statement:?} was received {} us before it was durable", durable - time_us));
            }
            Some(_) => {}
        }
    }
    found
}

/// What the others received of a validator above a view, and when first.
fn received(network: &Network, of: u16, above: u64) -> BTreeMap<Statement, u64> {
    let mut received: BTreeMap<Statement, u64> = BTreeMap::new();
    for index in (0..VALIDATORS).filter(|index| *index != of) {
        let text = fs::read_to_string(network.home(index).join("received.jsonl")).unwrap();
        // The last line may be under way.
        for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            assert_ne!(line["line"], "incomplete", "validator {index} lost a part of its trace");
            let is_signer = match line["signers"].as_str() {
                Some(bitmap) => u8::from_str_radix(&bitmap[..2], 16).unwrap() >> of & 1 == 1,
                None => line["signer"] == of,
            };
            let view = line["view"].as_u64().unwrap_or(0);
            if line["line"] == "message" && is_signer && view > above {
                let digest = line["digest"].as_str().map(|digest| digest.parse().unwrap());
                let time_us = line["time_us"].as_u64().unwrap();
                let first = received.entry((view, digest)).or_insert(time_us);
                *first = time_us.min(*first);
            }
        }
    }
    received
}

/// A network whose validator runs under strace, with these options more; and above which view it speaks there.
fn under_strace(options: impl FnOnce(&Network) -> Vec<String>) -> (Network, PathBuf, u64) {
    let mut network = Network::with(&FLAGS);
    network.view(0).goes_on(5);
    assert!(network.take(VICTIM).stop().success());
    // What it has said before is in no log; the others, who go on, are ahead of that soon.
    let before = received(&network, VICTIM, 0).into_keys().map(|(view, _)| view).max().unwrap_or(0);
    network.view(0).turns(3);
    let log = network.dir().join("strace.log");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-ttt", "-T", "-y", "-xx", "-s", "2097152", "-e", "trace=pwrite64,fdatasync"]);
    strace.args(options(&network)).arg("-o").arg(&log).arg(MINUET);
    network.launch_by(strace, VICTIM);
    (network, log, before)
}

fn read(log: &Path) -> Vec<Call> {
    calls(&fs::read_to_string(log).unwrap())
}

#[test]
fn no_statement_arrives_anywhere_before_the_sync_behind_its_record_returned() {
    let delay = format!("inject=fdatasync:delay_enter={HELD_BACK_US}");
    let (mut network, log, before) = under_strace(|_| vec!["-e".to_owned(), delay]);
    network.node(VICTIM).says("the node runs");
    let from = network.view(0).height();
    network.view(0).first_final(None, |block| block.proposer == u32::from(VICTIM) && block.height > from + 15);
    // To the node itself; strace ends as the node does.
    signal("TERM", fs::read_to_string(network.home(VICTIM).join("data/LOCK")).unwrap().trim().parse().unwrap());
    assert!(network.take(VICTIM).wait().0.success());
    let (calls, received) = (read(&log), received(&network, VICTIM, before));
    assert!(received.len() >= 8, "it hardly said anything: {received:?}");
    assert_eq!(too_early(&calls, &received), Vec::<String>::new());
    // Every sync was held back: had a statement been sent meanwhile, it would have come long before.
    let margin = |(statement, time_us): (&Statement, &u64)| time_us - durable_at(&calls, &record(statement)).unwrap();
    let closest = received.iter().map(margin).min().unwrap();
    assert!(closest < HELD_BACK_US, "the clocks are not the same: nothing came within {closest} us of its sync");
}

#[test]
fn a_sync_that_fails_is_the_last_of_the_node_and_nothing_that_it_was_to_make_durable_is_ever_heard() {
    let (mut network, log, before) = under_strace(|network| {
        // Of the journal only, whose segments are numbered without gaps.
        let journal = fs::canonicalize(network.home(VICTIM).join("data/journal")).unwrap();
        let names = fs::read_dir(&journal).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let newest: u64 =
            names.filter_map(|name| between(&name, "segment-", ".journal")?.parse().ok()).max().expect("a segment");
        let segments = (newest..newest + 10).map(|number| journal.join(format!("segment-{number:020}.journal")));
        let only = segments.flat_map(|segment| ["-P".to_owned(), text(&segment).to_owned()]);
        ["-e", "inject=fdatasync:error=EIO:when=25+"].map(str::to_owned).into_iter().chain(only).collect()
    });
    let (status, said) = network.take(VICTIM).wait();
    assert_eq!(status.code(), Some(STORAGE), "{said}");
    assert!(said.contains("nothing is signed") && said.contains("data/journal/segment-"), "{said}");
    // Long enough for anything that was under way.
    network.view(0).turns(12);
    let (calls, received) = (read(&log), received(&network, VICTIM, before));
    assert!(received.len() >= 3, "it hardly said anything: {received:?}");
    assert_eq!(too_early(&calls, &received), Vec::<String>::new());

    let failed = calls.iter().position(|call| matches!(call, Call::Sync(_, false))).expect("a sync failed");
    let Call::Sync(failed_at, _) = calls[failed] else { unreachable!("it is a sync") };
    let last = received.values().max().unwrap();
    assert!(*last < failed_at + HELD_BACK_US, "heard {} us after the sync that failed", last - failed_at);
    assert!(
        !calls[failed..].iter().any(|call| matches!(call, Call::Sync(_, true))),
        "a sync after the one that failed"
    );
}

mod self_check {
    use super::*;

    const STATEMENT: Statement = (7, None);

    fn log(journal: &str, result: &str) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
        let path = hex(format!("/x/data/{journal}/segment-1").as_bytes());
        let data = hex(&[b"C", &record(&STATEMENT)[..]].concat());
        format!(
            "12 100.000100 pwrite64(5<{path}>, \"{data}\", 48, 0 <unfinished ...>\n\
             13 100.000110 fdatasync(9<{path}>) = 0 (DELAYED) <0.000001>\n\
             12 100.000200 <... pwrite64 resumed>) = 48 <0.000100>\n\
             12 100.000300 fdatasync(5<{path}>) = {result} <0.050000>\n"
        )
    }

    fn found(log: &str, received_us: u64) -> usize {
        too_early(&calls(log), &BTreeMap::from([(STATEMENT, received_us)])).len()
    }

    #[test]
    fn only_a_successful_sync_of_the_journal_that_began_after_the_write_ended_makes_durable() {
        let returned = 100_050_300;
        assert_eq!(found(&log("journal", "0 (DELAYED)"), returned), 0);
        assert_eq!(found(&log("journal", "0 (DELAYED)"), returned - 1), 1);
        assert_eq!(found(&log("journal", "-1 EIO (Input/output error) (INJECTED)"), returned), 1);
        assert_eq!(found(&log("db", "0 (DELAYED)"), returned), 1);
        assert_eq!(too_early(&calls(&log("journal", "0")), &BTreeMap::from([((8, None), returned)])).len(), 1);
    }
}
