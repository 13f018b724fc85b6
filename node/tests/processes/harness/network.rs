//! Six validators with a localnet's keys, genesis and funded accounts, each a process of its own that a test can kill
//! and start again.

use super::{MINUET, RPC_OFFSET, free_base_port, output, text};
use super::{Node, View};
use minuet_core::U256;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub const VALIDATORS: u16 = 6;

/// Two processors cannot run two networks at once.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

pub struct Network {
    dir: tempfile::TempDir,
    base: u16,
    nodes: Vec<Option<Node>>,
    _turn: MutexGuard<'static, ()>,
}

impl Network {
    /// Makes a localnet and starts its validators one by one.
    pub fn start() -> Self {
        let turn = turn();
        let (dir, base) = (tempfile::tempdir().unwrap(), free_base_port());
        let mut command = Command::new(MINUET);
        command.args(["localnet", "--for", "1", "--accounts", "10", "--recipients", "20", "--dir"]).arg(dir.path());
        let output = output(command.args(["--base-port", &base.to_string()]));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut network = Self { dir, base, nodes: (0..VALIDATORS).map(|_| None).collect(), _turn: turn };
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
        View::at(self.base + RPC_OFFSET + index)
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

    /// Starts a validator from its directory.
    pub fn start_one(&mut self, index: u16) {
        let node = Node::start(&self.home(index).join("config.toml"), self.view(index));
        self.nodes[usize::from(index)] = Some(node);
    }

    /// Starts all together, then waits until they run.
    pub fn start_all(&mut self) {
        let start = |index| Some(Node::spawn(&self.home(index).join("config.toml"), self.view(index)));
        self.nodes = (0..VALIDATORS).map(start).collect();
        for index in 0..VALIDATORS {
            self.node(index).says("the node runs");
        }
    }

    /// All nodes have this height, and the same block and state in a sample of heights up to it.
    pub fn agrees_up_to(&self, height: u64) {
        self.all().for_each(|(_, view)| view.reaches(height));
        let step = usize::try_from(height / 20 + 1).unwrap();
        let heights: BTreeSet<u64> = (0..=height).step_by(step).chain([height]).collect();
        let chain = |view: &View| {
            let blocks = view.blocks(heights.iter().copied()).into_iter();
            blocks.map(|block| (block.height, block.hash, block.state_root, block.receipts_root)).collect::<Vec<_>>()
        };
        let first = chain(&self.view(0));
        for (index, view) in self.all().skip(1) {
            assert_eq!(first, chain(&view), "validator {index} has another chain");
        }
    }

    /// No wei came from nowhere: what the accounts have and what was burnt is what the genesis gave out.
    pub fn supply_is_conserved(&self) {
        let genesis = std::fs::read_to_string(self.dir().join("genesis.json")).unwrap();
        let genesis: Value = serde_json::from_str(&genesis).unwrap();
        let amount = |text: &str| text.parse::<U256>().unwrap();
        let accounts = genesis["accounts"].as_object().unwrap();
        let initial = accounts.values().fold(U256::ZERO, |sum, balance| sum + amount(balance.as_str().unwrap()));
        let fees_to =
            genesis["validators"].as_array().unwrap().iter().map(|entry| entry["fee_recipient"].as_str().unwrap());
        let holders: BTreeSet<&str> = accounts.keys().map(String::as_str).chain(fees_to).collect();

        let view = self.view(VALIDATORS - 1);
        let mut held = U256::ZERO;
        for holder in holders {
            let answer = super::minuet(&["account", "balance", holder, "--node", &view.url]);
            held += amount(answer["balance"].as_str().unwrap());
        }
        let burnt = view
            .blocks(0..=view.height())
            .into_iter()
            .fold(U256::ZERO, |sum, block| sum + U256::from(block.gas_used) * U256::from(block.base_fee));
        assert!(burnt > U256::ZERO, "transfers were made");
        assert_eq!(held + burnt, initial, "in {}", text(self.dir()));
    }
}
