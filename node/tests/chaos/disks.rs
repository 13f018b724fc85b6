//! Disks that refuse: a limit on the size of files, a full one, a read-only one. The last two are file systems in memory,
//! in a mount namespace that nobody else sees, which takes root.

use crate::chance::Chance;
use crate::harness::{MINUET, Network, Node, VALIDATORS, Witness, output, same_everywhere, spawn, text};
use crate::kills::{SteadyLoad, recovered, spread};
use crate::setting;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const DATA_DIRECTORY: i32 = 5;
const STORAGE: i32 = 6;

/// Ended by itself with this code, and said all of this.
fn ended(node: Node, code: i32, parts: &[&str]) {
    let (status, said) = node.wait();
    assert_eq!(status.code(), Some(code), "{said}");
    for part in parts {
        assert!(said.contains(part), "'{part}' is missing in: {said}");
    }
}

pub fn limits(chance: &mut Chance) -> String {
    let rounds = setting("MINUET_CHAOS_LIMITS", 8);
    let mut network = Network::start();
    let witness = Witness::of(&network);
    let mut load = SteadyLoad::start(&network, 40);
    let mut times = Vec::new();
    for round in 1..=rounds {
        load.goes_on();
        chance.moment(0..1_500);
        let victim = chance.index(VALIDATORS);
        // Within what it has written, somewhere: which file is met first is chance too.
        network.node(victim).limit_file_size(chance.below(256 << 10));
        let node = network.take(victim);
        let data = network.home(victim).join("data");
        ended(node, STORAGE, &[text(&data), "File too large"]);
        let begun = Instant::now();
        network.start_one(victim);
        let took = recovered(&network, begun);
        eprintln!("chaos: limit {round} of {rounds}: validator {victim} is back after {} ms", took.as_millis());
        times.push(took);
        witness.is_content();
    }
    load.finish();
    let top = same_everywhere(&network, witness);
    let times = spread(&mut times);
    format!("{rounds} refusals, each exit code {STORAGE}; {top} blocks; start until a new block on all: {times}")
}

/// A process that keeps a mount namespace with a file system of its own in a validator's data directory.
struct Disk {
    keeper: Child,
    data: PathBuf,
}

impl Disk {
    /// With what the directory holds; `None` where mounting is not permitted.
    fn of(data: &Path, megabytes: u32) -> Option<Self> {
        let script = r#"set -e
            mount --make-rprivate /
            cp -a "$0" "$0.copy"
            mount -t tmpfs -o "size=$1m,mode=700" minuet-chaos "$0"
            cp -a "$0.copy/." "$0/"
            rm -r "$0.copy"
            echo mounted
            cat"#;
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(data).arg(megabytes.to_string());
        let mut keeper = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()));
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let disk = Self { keeper, data: data.to_owned() };
        (line.trim() == "mounted").then_some(disk)
    }

    /// Runs what follows where the file system is seen.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.keeper.id())).args(["--mount", "--", program]);
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = output(self.inside(program).args(arguments));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Writes until nothing fits any more; where.
    fn fill(&self) -> PathBuf {
        let inside = format!("/proc/{}/root{}", self.keeper.id(), text(&self.data));
        let filler = Path::new(&inside).join("filler");
        let mut file = File::create(&filler).unwrap();
        for size in [1 << 20, 4096, 1] {
            let block = vec![1; size];
            while file.write_all(&block).is_ok() {}
        }
        filler
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

const NOT_PERMITTED: &str = "skipped: mounting is not permitted here; run it as root";

pub fn full(chance: &mut Chance) -> String {
    // Small files: what is reserved ahead is soon used up.
    let small = ["--set", "storage.write_buffer_mb=1", "--set", "storage.journal_segment_mb=1"];
    let mut network = Network::with(&small);
    let witness = Witness::of(&network);
    let load = SteadyLoad::start(&network, 40);
    let victim = chance.index(VALIDATORS);
    let data = network.home(victim).join("data");
    assert_eq!(network.take(victim).stop().code(), Some(0));
    let Some(disk) = Disk::of(&data, 160) else { return NOT_PERMITTED.to_owned() };
    network.launch_by(disk.inside(MINUET), victim);
    network.node(victim).says("the node runs");
    chance.moment(1_000..4_000);

    let filler = disk.fill();
    ended(network.take(victim), STORAGE, &[text(&data), "No space left"]);
    // As long as nothing is done about it, it does not start.
    network.launch_by(disk.inside(MINUET), victim);
    let (status, said) = network.take(victim).wait();
    assert!([DATA_DIRECTORY, STORAGE].contains(&status.code().unwrap_or_default()), "{said}");
    assert!(said.contains(text(&data)) && said.contains("No space left"), "{said}");

    fs::remove_file(filler).unwrap();
    let begun = Instant::now();
    network.launch_by(disk.inside(MINUET), victim);
    network.node(victim).says("the node runs");
    let took = recovered(&network, begun);
    load.finish();
    let top = same_everywhere(&network, witness);
    drop(network);
    let took = took.as_millis();
    format!("stopped with exit code {STORAGE}; with room again, a new block on all after {took} ms; {top} blocks")
}

pub fn read_only(chance: &mut Chance) -> String {
    let mut network = Network::start();
    let witness = Witness::of(&network);
    let load = SteadyLoad::start(&network, 40);
    let victim = chance.index(VALIDATORS);
    let data = network.home(victim).join("data");
    network.view(victim).carries(20);
    assert_eq!(network.take(victim).stop().code(), Some(0));
    let Some(disk) = Disk::of(&data, 160) else { return NOT_PERMITTED.to_owned() };
    for (part, code) in [("", DATA_DIRECTORY), ("db", STORAGE), ("journal", STORAGE)] {
        let place = data.join(part);
        disk.run("mount", &["--bind", text(&place), text(&place)]);
        disk.run("mount", &["-o", "remount,bind,ro", text(&place)]);
        network.launch_by(disk.inside(MINUET), victim);
        let named = text(&data.join(part)).trim_end_matches('/').to_owned();
        ended(network.take(victim), code, &[&named, "Read-only file system"]);
        disk.run("umount", &[text(&place)]);
    }
    let begun = Instant::now();
    network.launch_by(disk.inside(MINUET), victim);
    network.node(victim).says("the node runs");
    let took = recovered(&network, begun);
    load.finish();
    let top = same_everywhere(&network, witness);
    drop(network);
    format!("refused, by name; once writable, a new block on all after {} ms; {top} blocks", took.as_millis())
}
