//! Six validators with a localnet's keys, genesis and funded accounts, each a process of its own that a test can kill
//! and start again.

use super::checker::Supply;
use super::{DASHBOARD_OFFSET, Log, MINUET, Node, RPC_OFFSET, View, free_base_port, minuet, output};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub const VALIDATORS: u16 = 6;
const NOT_ADVANCED: i32 = 10;

/// Two processors cannot run two networks at once.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

pub struct Network {
    dir: tempfile::TempDir,
    base: u16,
    nodes: Vec<Option<Node>>,
    /// What each process has said, those that are gone included.
    logs: Vec<(u16, Arc<Log>)>,
    /// For every node.
    flags: Vec<String>,
    _turn: MutexGuard<'static, ()>,
}

impl Network {
    /// Makes a localnet and starts its validators one by one.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same, all with these flags.
    pub fn with(flags: &[&str]) -> Self {
        let turn = turn();
        let (dir, base) = (tempfile::tempdir().unwrap(), free_base_port());
        let mut command = Command::new(MINUET);
        command.args(["localnet", "--for", "1", "--accounts", "10", "--recipients", "20", "--dir"]).arg(dir.path());
        let output = output(command.args(["--base-port", &base.to_string()]));
        // On a busy machine a second may pass without a block; it is there only to make the network.
        let made = output.status.success() || output.status.code() == Some(NOT_ADVANCED);
        assert!(made, "{}", String::from_utf8_lossy(&output.stderr));
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let nodes = (0..VALIDATORS).map(|_| None).collect();
        let mut network = Self { dir, base, nodes, logs: Vec::new(), flags, _turn: turn };
        network.start_all();
        network
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn home(&self, index: u16) -> PathBuf {
        self.dir().join(format!("validator-{index}"))
    }

    pub fn view(&self, index: u16) -> View {
        View::at(self.rpc_port(index))
    }

    pub const fn p2p_port(&self, index: u16) -> u16 {
        self.base + index
    }

    pub const fn rpc_port(&self, index: u16) -> u16 {
        self.base + RPC_OFFSET + index
    }

    pub const fn dashboard_port(&self, index: u16) -> u16 {
        self.base + DASHBOARD_OFFSET + index
    }

    pub fn all(&self) -> impl Iterator<Item = (u16, View)> {
        (0..VALIDATORS).map(|index| (index, self.view(index)))
    }

    pub fn node(&self, index: u16) -> &Node {
        self.nodes[usize::from(index)].as_ref().expect("it runs")
    }

    /// Takes the process out, to end it.
    pub fn take(&mut self, index: u16) -> Node {
        self.nodes[usize::from(index)].take().expect("it runs")
    }

    pub fn take_all(&mut self) -> Vec<Node> {
        self.nodes.iter_mut().filter_map(Option::take).collect()
    }

    /// Which validators' processes are there.
    pub fn running(&self) -> Vec<u16> {
        (0..VALIDATORS).filter(|index| self.nodes[usize::from(*index)].is_some()).collect()
    }

    /// Starts a validator from its directory and waits until it runs.
    pub fn start_one(&mut self, index: u16) {
        self.launch(index);
        self.node(index).says("the node runs");
    }

    /// Starts all that are not there together, then waits until they run.
    pub fn start_all(&mut self) {
        let missing: Vec<u16> = (0..VALIDATORS).filter(|index| !self.running().contains(index)).collect();
        missing.iter().for_each(|index| self.launch(*index));
        missing.iter().for_each(|index| drop(self.node(*index).says("the node runs")));
    }

    /// Starts a validator and does not wait for anything.
    pub fn launch(&mut self, index: u16) {
        self.launch_by(Command::new(MINUET), index);
    }

    /// The same by a command that ends in running the program.
    pub fn launch_by(&mut self, command: Command, index: u16) {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let node = Node::spawn_by(command, &self.home(index).join("config.toml"), &flags, self.view(index));
        self.logs.push((index, node.log().clone()));
        self.nodes[usize::from(index)] = Some(node);
    }

    /// A second process with a validator's keys, which have never been used as far as it can know, and ports and a data
    /// directory of its own. It is none of the network's nodes.
    pub fn double(&self, index: u16) -> Node {
        let home = self.dir().join("double");
        std::fs::create_dir(&home).unwrap();
        for name in ["config.toml", "bls.key", "network.key"] {
            std::fs::copy(self.home(index).join(name), home.join(name)).unwrap();
        }
        std::fs::write(home.join("bls.key.unused"), "").unwrap();
        let (p2p, rpc) = (self.base + VALIDATORS, self.base + RPC_OFFSET + VALIDATORS);
        let (p2p_flag, rpc_flag) = (format!("127.0.0.1:{p2p}"), format!("127.0.0.1:{rpc}"));
        let flags = ["--p2p-listen-address", &p2p_flag, "--rpc-listen-address", &rpc_flag];
        let flags = [&flags[..], &["--set", "metrics.enabled=false"]].concat();
        Node::spawn_by(Command::new(MINUET), &home.join("config.toml"), &flags, View::at(rpc))
    }

    /// All nodes have this height, and the same block and state in a sample of heights up to it.
    pub fn agrees_up_to(&self, height: u64) {
        self.agree_up_to(self.all(), height);
    }

    /// The same of some nodes.
    pub fn agree_up_to(&self, nodes: impl Iterator<Item = (u16, View)>, height: u64) {
        let step = usize::try_from(height / 20 + 1).unwrap();
        let heights: BTreeSet<u64> = (0..=height).step_by(step).chain([height]).collect();
        let mut first = None;
        for (index, view) in nodes {
            view.reaches(height);
            let blocks = view.blocks(heights.iter().copied()).into_iter();
            let chain: Vec<_> =
                blocks.map(|block| (block.height, block.hash, block.state_root, block.receipts_root)).collect();
            let first = first.get_or_insert_with(|| chain.clone());
            assert_eq!(*first, chain, "validator {index} has another chain");
        }
    }

    /// The nodes that a test has not taken out.
    pub fn in_place(&self) -> impl Iterator<Item = (u16, View)> {
        self.running().into_iter().map(|index| (index, self.view(index)))
    }

    /// No wei came from nowhere, on any node.
    pub fn supply_is_conserved(&self) {
        let genesis = std::fs::read_to_string(self.dir().join("genesis.json")).unwrap();
        let supply = Supply::of(&serde_json::from_str(&genesis).unwrap());
        self.in_place().for_each(|(index, view)| supply.is_conserved_at(index, &view));
    }

    /// No node has proof of two statements of one key that conflict, and none ended by a bug of its own.
    pub fn no_key_said_two_things(&self) {
        for (index, log) in &self.logs {
            for never in ["EQUIVOCATION", "SAFETY", "BUG:"] {
                assert_eq!(log.has(never), None, "validator {index}");
            }
        }
        for (index, view) in self.in_place() {
            let kept = minuet(&["evidence", "--node", &view.url]);
            assert_eq!(kept["evidence"], Value::Array(Vec::new()), "validator {index}");
        }
    }
}

impl Drop for Network {
    /// What a failed programme leaves behind is kept: directories, and what each process said.
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("MINUET_CHAOS").is_some() {
            self.dir.disable_cleanup(true);
            for (number, (index, log)) in self.logs.iter().enumerate() {
                let _ = std::fs::write(self.dir().join(format!("validator-{index}.{number}.log")), log.text());
            }
            eprintln!("kept: {}", self.dir().display());
        }
    }
}
