//! One node's process, what it logs, and what its API says.

use super::log::Log;
use super::{LIMIT, MINUET, RPC_OFFSET, attempt, free_base_port, minuet, output, signal, spawn, text};
use minuet_core::{Address, Height, U256};
use minuet_rpc::client::{Client, ClientError};
use minuet_rpc::proto::{Block, BlockEvent, GetStatusResponse, TransactionDetail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

/// A running node. It ends with this value, and with the test's process.
pub struct Node {
    child: Child,
    log: Arc<Log>,
    pub view: View,
}

impl Node {
    /// Starts a node and waits until it runs.
    pub fn start(config: &Path, view: View) -> Self {
        let node = Self::spawn(config, view);
        node.says("the node runs");
        node
    }

    /// Starts a node.
    pub fn spawn(config: &Path, view: View) -> Self {
        Self::spawn_by(Command::new(MINUET), config, &[], view)
    }

    /// Starts a node by a command that ends in running the program, with flags.
    pub fn spawn_by(mut command: Command, config: &Path, flags: &[&str], view: View) -> Self {
        command.args(["node", "--exit-with-stdin", "--log-level", "info", "--config"]).arg(config).args(flags);
        let mut child = spawn(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()));
        let log = Log::of(child.stderr.take().unwrap());
        Self { child, log, view }
    }

    /// Waits until the log has this.
    pub fn says(&self, part: &str) -> String {
        self.log.says(part)
    }

    /// Whether the log has this already.
    pub fn has_said(&self, part: &str) -> bool {
        self.log.has(part).is_some()
    }

    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGSTOP: it keeps everything and does nothing.
    pub fn pause(&self) {
        signal("STOP", self.pid());
    }

    /// SIGCONT.
    pub fn resume(&self) {
        signal("CONT", self.pid());
    }

    /// From now on the kernel refuses its writes behind this byte of any file (EFBIG).
    pub fn limit_file_size(&self, bytes: u64) {
        let arguments = [format!("--pid={}", self.pid()), format!("--fsize={bytes}:{bytes}")];
        let output = output(Command::new("prlimit").args(arguments));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Bytes of memory in use, and the most since its start.
    pub fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let kilobytes = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells");
            line.trim_end_matches("kB").trim().parse().unwrap()
        };
        (kilobytes("VmRSS:") << 10, kilobytes("VmHWM:") << 10)
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// SIGKILL. Answers once the process is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGKILL to all before any is waited for.
    pub fn kill_all(nodes: Vec<Self>) {
        let mut nodes = nodes;
        nodes.iter_mut().for_each(|node| node.child.kill().unwrap());
        drop(nodes);
    }

    /// SIGTERM. Answers once the process is gone.
    pub fn stop(self) -> ExitStatus {
        signal("TERM", self.pid());
        self.wait().0
    }

    /// Waits for an end that comes by itself; how it ended and what it said.
    pub fn wait(mut self) -> (ExitStatus, String) {
        assert!(self.log.ends(), "it goes on:\n{}", self.log.text());
        (self.child.wait().unwrap(), self.log.text())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a node's API says.
#[derive(Clone)]
pub struct View {
    pub url: String,
}

impl View {
    pub fn at(port: u16) -> Self {
        Self { url: format!("http://127.0.0.1:{port}") }
    }

    /// Asks, within the limit, and must get an answer.
    pub fn ask<T>(&self, question: impl AsyncFnOnce(Client) -> Result<T, ClientError>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(async {
            tokio::time::timeout(LIMIT, async { question(Client::connect(&self.url).await?).await }).await
        });
        answer.unwrap_or_else(|_| panic!("{} gave no answer in time", self.url)).unwrap()
    }

    pub fn status(&self) -> GetStatusResponse {
        self.ask(async |mut client| client.status().await)
    }

    pub fn height(&self) -> u64 {
        self.status().height
    }

    /// Its height, if it answers.
    pub fn try_height(&self) -> Option<u64> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = async { Ok::<_, ClientError>(Client::connect(&self.url).await?.status().await?.height) };
        runtime.block_on(async { tokio::time::timeout(LIMIT, answer).await }).ok()?.ok()
    }

    pub fn latest(&self) -> Block {
        self.ask(async |mut client| client.latest_block(TransactionDetail::Unspecified).await)
    }

    pub fn block(&self, height: u64) -> Block {
        self.ask(async |mut client| client.block_at(Height(height), TransactionDetail::Hashes).await)
    }

    pub fn blocks(&self, heights: impl Iterator<Item = u64>) -> Vec<Block> {
        self.ask(async |mut client| {
            let mut blocks = Vec::new();
            for height in heights {
                blocks.push(client.block_at(Height(height), TransactionDetail::Unspecified).await?);
            }
            Ok(blocks)
        })
    }

    /// The first final block from this height on (from now on, if none is named) of which this holds.
    pub fn first_final(&self, from: Option<u64>, mut wanted: impl FnMut(&BlockEvent) -> bool) -> BlockEvent {
        self.ask(async |mut client| {
            let mut events = client.subscribe_blocks(from.map(Height), false).await?;
            loop {
                let event = events.message().await?.expect("the stream goes on while the node runs");
                if wanted(&event) {
                    return Ok(event);
                }
            }
        })
    }

    /// All final blocks from 1 up to this height, with the hashes of their transactions.
    pub fn chain(&self, top: u64) -> Vec<BlockEvent> {
        let mut chain = Vec::new();
        self.ask(async |mut client| {
            while (chain.len() as u64) < top {
                let mut events = client.subscribe_blocks(Some(Height(chain.len() as u64 + 1)), true).await?;
                // A reader that is too slow is told so, and asks again from where it was.
                while let Ok(Some(event)) = events.message().await {
                    chain.push(event);
                    if chain.len() as u64 == top {
                        break;
                    }
                }
            }
            Ok(())
        });
        chain
    }

    /// Final balances in wei.
    pub fn balances(&self, of: &[Address]) -> Vec<U256> {
        self.ask(async |mut client| {
            let mut balances = Vec::new();
            for address in of {
                balances.push(client.balance(address).await?);
            }
            Ok(balances)
        })
    }

    /// Waits until a height is final there.
    pub fn reaches(&self, height: u64) {
        self.first_final(Some(height), |_| true);
    }

    /// Waits until so many more blocks are final there.
    pub fn goes_on(&self, blocks: u64) -> u64 {
        let height = self.height() + blocks;
        self.reaches(height);
        height
    }

    /// Waits until so many transactions have become final from now on.
    pub fn carries(&self, transactions: u32) {
        let mut seen = 0;
        self.first_final(None, |event| {
            seen += event.transaction_count;
            seen >= transactions
        });
    }

    /// Waits until consensus has moved on by so many views, with or without final blocks.
    pub fn turns(&self, views: u64) {
        self.ask(async |mut client| {
            let mut tick = tokio::time::interval(std::time::Duration::from_millis(50));
            let target = client.status().await?.view + views;
            while client.status().await?.view < target {
                tick.tick().await;
            }
            Ok(())
        });
    }
}

/// A chain of one validator, which finalizes alone: enough for everything that concerns one node and its files.
pub struct Lone {
    pub dir: tempfile::TempDir,
    pub config: PathBuf,
    pub p2p: u16,
    pub rpc: u16,
}

impl Lone {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = free_base_port();
        let lone = Self { config: dir.path().join("node.toml"), dir, p2p: base, rpc: base + RPC_OFFSET };
        minuet(&["keys", "generate", "--dir", text(lone.dir.path())]);
        lone.make_genesis("genesis.json", 7);
        lone.configure("");
        lone
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn make_genesis(&self, name: &str, chain_id: u32) {
        let (entry, out) = (self.path("validator.json"), self.path(name));
        minuet(&[
            "genesis",
            "new",
            "--validator",
            text(&entry),
            "--chain-id",
            &chain_id.to_string(),
            "--out",
            text(&out),
        ]);
    }

    /// Writes the configuration, with these lines first.
    pub fn configure(&self, more: &str) {
        let Self { p2p, rpc, .. } = self;
        let sections = format!(
            "[p2p]\nlisten_address = \"127.0.0.1:{p2p}\"\n[rpc]\nlisten_address = \"127.0.0.1:{rpc}\"\n\
             [consensus]\nempty_block_delay_ms = 10\n"
        );
        fs::write(&self.config, format!("{more}\n{sections}")).unwrap();
    }

    pub fn start(&self) -> Node {
        Node::start(&self.config, View::at(self.rpc))
    }

    /// Runs it for so many blocks and stops it.
    pub fn run_for(&self, blocks: u64) {
        let node = self.start();
        node.view.goes_on(blocks);
        assert!(node.stop().success());
    }

    /// A start that has to fail with this code; what it says.
    pub fn refused(&self, code: i32, flags: &[&str]) -> String {
        super::refused(code, &[&["node", "--config", text(&self.config)], flags].concat())
    }

    /// What `config check` says, if it succeeds.
    pub fn is_accepted(&self) -> bool {
        attempt(&["config", "check", "--config", text(&self.config)]).status.success()
    }
}
