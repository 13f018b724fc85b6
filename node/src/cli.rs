//! The command line: names, help texts, defaults. Never does: anything.

use crate::config::{LogFormat, Overrides};
use clap::{Args, Parser, Subcommand};
use minuet_core::scheme::StatementScheme;
use minuet_core::{Address, U256};
use std::path::PathBuf;

/// Where commands look for a node.
pub const DEFAULT_NODE: &str = "http://127.0.0.1:50051";

/// A BFT chain node: blocks are final after propose and vote.
#[derive(Debug, Parser)]
#[command(name = "minuet", version, after_help = crate::exit::help(), disable_help_subcommand = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Print one JSON object on standard output at the end, also for failures
    #[arg(long, global = true)]
    pub json: bool,
    /// error, warn, info, debug, trace, or per module as RUST_LOG takes it
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Form of log lines on standard error
    #[arg(long, global = true, value_enum, value_name = "FORM")]
    pub log_format: Option<LogFormat>,
    /// Stop when standard input is closed, so that nothing outlives what started it
    #[arg(long, global = true, hide = true)]
    pub exit_with_stdin: bool,
}

impl Global {
    /// The log options, as the configuration takes them.
    #[must_use]
    pub fn log(&self) -> (Option<&str>, Option<LogFormat>) {
        (self.log_level.as_deref(), self.log_format)
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a whole network on this machine: keys, genesis, one process per validator
    Localnet(LocalnetArgs),
    /// Run one node
    Node(NodeArgs),
    /// Make a validator's keys, or show their public side
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Put a genesis together, show it or check it
    #[command(subcommand)]
    Genesis(GenesisCommand),
    /// Check a node's configuration, or show it with all overrides
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Move a validator to another directory or machine, look at its journal, or begin one anew after a loss
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Make an account, or ask a node about one
    #[command(subcommand)]
    Account(AccountCommand),
    /// Send a transfer and wait until it is final
    Transfer(TransferArgs),
    /// Ask what became of a transaction
    Tx(TxArgs),
    /// Show a final block
    Block(BlockArgs),
    /// Show how a node, or a whole localnet, is doing
    Status(StatusArgs),
    /// Show the evidence of misbehaviour that a node keeps
    Evidence(EvidenceArgs),
    /// Send transfers at a rate or as fast as they become final, and reconcile each with the chain
    Load(LoadArgs),
    /// Run the production rules, drivers and journal through simulated networks, disks and faults, seed by seed
    Simulate(crate::simulate::SimulateArgs),
    /// Measure what this machine allows validators that share it, and how near to it the last measured figures are
    Limits(crate::limits::LimitsArgs),
    /// Check what nodes received from each other ('node --trace-received')
    #[command(subcommand)]
    Trace(TraceCommand),
    /// Run six validators under load and show where the time of a transfer and of a view goes
    Breakdown(crate::breakdown::BreakdownArgs),
    /// Kill, stop and cut off the validators of a network on this machine, under load, and check that all holds
    Chaos(ChaosArgs),
    /// Compact the database of a node that does not run, and say what each column holds: a measurement
    #[command(hide = true)]
    Compact {
        /// The node's configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

/// `minuet localnet`
#[derive(Clone, Debug, Args)]
pub struct LocalnetArgs {
    /// Validators, 6 by default; six tolerate one faulty
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub validators: Option<u16>,
    /// Where keys, genesis, configurations, data and logs go; reused if it is there
    #[arg(long, default_value = "localnet")]
    pub dir: PathBuf,
    /// Delete what an earlier localnet made in the directory, then start anew
    #[arg(long)]
    pub reset: bool,
    /// Stop after so many seconds with a summary; fails if the chain did not advance
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub for_seconds: Option<u64>,
    /// Peers on PORT+i/udp, APIs on PORT+100+i, metrics on PORT+200+i, dashboards on PORT+300+i, instead of 9000+i,
    /// 50051+i, 9090 with 9091+i, and 8080+i
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=65_000))]
    pub base_port: Option<u16>,
    /// Funded development accounts, 1000 by default, for 'transfer --dev-account' and 'load'
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub accounts: Option<u32>,
    /// Existing accounts with a small balance, 100000 by default, which 'load' sends to
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    pub recipients: Option<u32>,
    /// How validators sign: 'ed25519', by default up to 32 of them, or 'bls'
    #[arg(long, value_name = "SCHEME", value_parser = crate::genesis::scheme)]
    pub statement_scheme: Option<StatementScheme>,
    /// Every validator appends what it receives to received.jsonl in its directory, for 'trace check'
    #[arg(long)]
    pub trace_received: bool,
    /// Start a Prometheus beside the validators, with rules and alerts, on port 9091 or PORT+250 (above 50
    /// validators PORT+200 and their number); Debian's package has it
    #[arg(long)]
    pub observe: bool,
}

/// `minuet node`
#[derive(Clone, Debug, Args)]
pub struct NodeArgs {
    /// The node's configuration; config.example.toml shows every option
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Flags that win over file and environment.
    #[command(flatten)]
    pub overrides: Overrides,
}

/// `minuet keys`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make bls.key and network.key (mode 0600) and print the public entry for the genesis
    Generate {
        /// Directory of the key files; made if absent
        #[arg(long, default_value = ".")]
        dir: PathBuf,
        /// Receives the fees of this validator's blocks; by default the network key's own address
        #[arg(long, value_name = "ADDRESS")]
        fee_recipient: Option<Address>,
    },
    /// Print the public entry of existing keys; secrets are never shown
    Show {
        /// Directory of the key files
        #[arg(long, default_value = ".")]
        dir: PathBuf,
        /// As in 'keys generate'
        #[arg(long, value_name = "ADDRESS")]
        fee_recipient: Option<Address>,
    },
}

/// `minuet genesis`
#[derive(Debug, Subcommand)]
pub enum GenesisCommand {
    /// Put a genesis together from the validators' public entries
    New(GenesisNewArgs),
    /// Show what a genesis says and the hashes that name it
    Show {
        /// The genesis file
        file: PathBuf,
    },
    /// Check a genesis: keys, proofs of possession, duplicates, ranges
    Check {
        /// The genesis file
        file: PathBuf,
    },
}

/// `minuet genesis new`
#[derive(Clone, Debug, Args)]
pub struct GenesisNewArgs {
    /// Public entries from 'keys generate' (validator.json), in the order of their indexes
    #[arg(long = "validator", value_name = "FILE", required = true, num_args = 1..)]
    pub validators: Vec<PathBuf>,
    /// EIP-155 chain id, not 0
    #[arg(long)]
    pub chain_id: u64,
    /// ADDRESS=AMOUNT, as in 0xabc…=1000ether; may be repeated
    #[arg(long = "account", value_name = "ADDRESS=AMOUNT", value_parser = crate::amount::parse_account)]
    pub accounts: Vec<(Address, U256)>,
    /// Unix milliseconds, a whole second; now by default
    #[arg(long)]
    pub time_ms: Option<u64>,
    /// Gas per second at which the base fee stays as it is
    #[arg(long)]
    pub gas_target_per_second: Option<u64>,
    /// Gas of one block at most
    #[arg(long)]
    pub block_gas_limit: Option<u64>,
    /// Wei per gas below which the base fee never falls
    #[arg(long)]
    pub min_base_fee: Option<u64>,
    /// Wei per gas of the first block
    #[arg(long)]
    pub initial_base_fee: Option<u64>,
    /// How validators sign: 'ed25519', by default up to 32 of them, or 'bls'
    #[arg(long, value_name = "SCHEME", value_parser = crate::genesis::scheme)]
    pub statement_scheme: Option<StatementScheme>,
    /// Where to write it; must not exist
    #[arg(long, default_value = "genesis.json")]
    pub out: PathBuf,
}

/// `minuet config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check everything a node needs before it starts, and say what it would do
    Check {
        /// The node's configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Flags that win over file and environment.
        #[command(flatten)]
        overrides: Overrides,
    },
    /// Print the configuration with environment and flags applied
    Show {
        /// The node's configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Flags that win over file and environment.
        #[command(flatten)]
        overrides: Overrides,
    },
}

/// `minuet journal`
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Disable the validator here for good, then write its journal to a file for the place where it is to run
    Export {
        /// The node's configuration; the node must not run
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Flags that win over file and environment.
        #[command(flatten)]
        overrides: Overrides,
        /// Where to write it (mode 0600); must not exist, unless it is this very export
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Take over an exported journal: the validator runs here from now on. The file is marked as used
    Import {
        /// The configuration of the node that takes over, with the same keys; its data directory has no journal
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Flags that win over file and environment.
        #[command(flatten)]
        overrides: Overrides,
        /// What 'journal export' wrote
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Show what a journal holds; changes nothing
    Show {
        /// The node's configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Flags that win over file and environment.
        #[command(flatten)]
        overrides: Overrides,
    },
    /// After the loss of a journal: begin a new one that signs above a view only. Dangerous: read docs/operations.md
    New {
        /// The node's configuration; the node must not run
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Flags that win over file and environment.
        #[command(flatten)]
        overrides: Overrides,
        /// Nothing is signed at or below this view: above all that the key can have signed in, by a wide margin
        #[arg(long, value_name = "VIEW")]
        above_view: u64,
    },
}

/// Which node to ask.
#[derive(Clone, Debug, Args)]
pub struct NodeUrl {
    /// The node's API
    #[arg(long = "node", value_name = "URL", default_value = DEFAULT_NODE)]
    pub url: String,
}

/// `minuet account`
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make a key file (mode 0600) and print its address
    New {
        /// The key file; must not exist
        file: PathBuf,
    },
    /// Print the address of a key file
    Show {
        /// Which account
        #[command(flatten)]
        signer: Signer,
    },
    /// Ask a node for balance and nonce
    Balance {
        /// 0x and 40 hexadecimal digits; or name a key with --from or --dev-account
        address: Option<Address>,
        /// Which account
        #[command(flatten)]
        signer: Signer,
        /// Which node
        #[command(flatten)]
        node: NodeUrl,
    },
}

/// A key of ours.
#[derive(Clone, Debug, Args)]
pub struct Signer {
    /// Key file of the account, from 'account new', or a validator's network.key
    #[arg(long, value_name = "KEYFILE", conflicts_with = "dev_account")]
    pub from: Option<PathBuf>,
    /// A funded development account of the localnet in --dir
    #[arg(long, value_name = "NUMBER")]
    pub dev_account: Option<u32>,
    /// The localnet of --dev-account
    #[arg(long, default_value = "localnet")]
    pub dir: PathBuf,
}

/// `minuet transfer`
#[derive(Clone, Debug, Args)]
pub struct TransferArgs {
    /// Who pays
    #[command(flatten)]
    pub signer: Signer,
    /// Who receives
    #[arg(long, value_name = "ADDRESS")]
    pub to: Address,
    /// How much, as in 1.5ether, 20gwei, or a whole number of wei
    #[arg(long, value_name = "AMOUNT", value_parser = crate::amount::parse)]
    pub value: U256,
    /// Sequence number; by default the next one that the node knows of
    #[arg(long)]
    pub nonce: Option<u64>,
    /// Wei per gas at most; by default twice the base fee
    #[arg(long, value_name = "AMOUNT", value_parser = crate::amount::parse_price)]
    pub max_fee_per_gas: Option<u128>,
    /// Wei per gas for the proposer
    #[arg(long, value_name = "AMOUNT", value_parser = crate::amount::parse_price, default_value = "0")]
    pub priority_fee_per_gas: u128,
    /// Bytes to carry along, in hexadecimal
    #[arg(long, value_name = "HEX")]
    pub data: Option<minuet_core::Bytes>,
    /// Answer once the node has admitted it
    #[arg(long)]
    pub no_wait: bool,
    /// Wait until it is final (the default)
    #[arg(long, conflicts_with = "no_wait")]
    pub wait: bool,
    /// How long to wait for finality
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub timeout: u32,
    /// Which node
    #[command(flatten)]
    pub node: NodeUrl,
}

/// `minuet tx`
#[derive(Clone, Debug, Args)]
pub struct TxArgs {
    /// The transaction's hash
    pub hash: minuet_core::B256,
    /// Which node
    #[command(flatten)]
    pub node: NodeUrl,
}

/// `minuet block`
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("verification").multiple(true).args(["verify", "proof"]))]
pub struct BlockArgs {
    /// A height, a block's hash, or 'latest'
    #[arg(default_value = "latest")]
    pub which: String,
    /// List the transactions' hashes
    #[arg(long)]
    pub transactions: bool,
    /// Trust no node: check by the block's finality proof that it is final on the chain of --genesis. With
    /// --transactions, also that the transactions are the block's
    #[arg(long, requires = "genesis")]
    pub verify: bool,
    /// The genesis file to check against
    #[arg(long, value_name = "FILE", requires = "verification")]
    pub genesis: Option<PathBuf>,
    /// Keep the proof, once it is checked, in a new file
    #[arg(long, value_name = "FILE", requires = "verify")]
    pub save_proof: Option<PathBuf>,
    /// Check a kept proof, without any node
    #[arg(long, value_name = "FILE", requires = "genesis", conflicts_with_all = ["url", "transactions", "save_proof"])]
    pub proof: Option<PathBuf>,
    /// Which node
    #[command(flatten)]
    pub node: NodeUrl,
}

/// `minuet status`
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Which node
    #[command(flatten)]
    pub node: NodeUrl,
    /// A table of all validators of the localnet in --dir, or of --nodes
    #[arg(long, conflicts_with = "url")]
    pub all: bool,
    /// A table of these nodes
    #[arg(long, value_name = "URL", value_delimiter = ',', conflicts_with = "url")]
    pub nodes: Vec<String>,
    /// The localnet of --all
    #[arg(long, default_value = "localnet")]
    pub dir: PathBuf,
}

/// `minuet evidence`
#[derive(Clone, Debug, Args)]
pub struct EvidenceArgs {
    /// Which node
    #[command(flatten)]
    pub node: NodeUrl,
}

/// `minuet load`
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("pace").required(true).args(["rate", "max"]))]
pub struct LoadArgs {
    /// Transfers per second, evenly spaced; latency counts from the scheduled moment
    #[arg(long, value_name = "PER_SECOND", value_parser = positive)]
    pub rate: Option<f64>,
    /// As many as become final: keeps --in-flight transfers under way
    #[arg(long)]
    pub max: bool,
    /// Seconds that count
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub duration: u64,
    /// Seconds before those, whose transfers are sent and reconciled but not timed
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub warmup: u64,
    /// Development accounts to send from
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub senders: u32,
    /// With --max: transfers under way over all senders. Too few leave blocks small; beyond what fills them, more only
    /// wait longer
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub in_flight: u32,
    /// Nodes to send to and to watch; by default all of the localnet
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub nodes: Vec<String>,
    /// The localnet whose accounts send
    #[arg(long, default_value = "localnet")]
    pub dir: PathBuf,
    /// Draws the recipients; the same seed draws the same
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seconds that transfers may take to become final after the last was sent. If all nodes are gone at a time, they
    /// are called until so long after the window; once one is back, everything without an end is sent again and has so
    /// long from then on
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub settle: u64,
    /// With --json: also the latencies of each second, by the moment at which transfers were due
    #[arg(long)]
    pub timeline: bool,
}

/// `minuet trace`
#[derive(Debug, Subcommand)]
pub enum TraceCommand {
    /// Check every signature in the traces of some nodes, and that no key contradicted itself; fails if one did, or if a
    /// trace is incomplete
    Check {
        /// What the nodes wrote, as many as there are
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The genesis file of their chain
        #[arg(long, value_name = "FILE")]
        genesis: PathBuf,
    },
}

/// `minuet chaos`
#[derive(Clone, Debug, Args)]
pub struct ChaosArgs {
    /// Draws every action; the same seed draws the same. By default a new one, which is printed
    #[arg(long)]
    pub seed: Option<u64>,
    /// So many times one validator is killed (-9). Without any of the four counts all kinds come, until --duration
    #[arg(long, value_name = "N")]
    pub kills: Option<u32>,
    /// So many times all are killed together
    #[arg(long, value_name = "N")]
    pub outages: Option<u32>,
    /// So many times one or two stand still (SIGSTOP)
    #[arg(long, value_name = "N")]
    pub pauses: Option<u32>,
    /// So many times the network between them fails: partitions, loss, delay, a narrow line
    #[arg(long, value_name = "N")]
    pub partitions: Option<u32>,
    /// No action begins after so many seconds: 90 without counts, else as long as they take
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub duration: Option<u64>,
    /// Transfers per second all the while
    #[arg(long, value_name = "PER_SECOND", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rate: u32,
    /// Where the network's files go; must not exist. Deleted at the end unless something was wrong
    #[arg(long, default_value = "chaos")]
    pub dir: PathBuf,
    /// Keep the files in any case
    #[arg(long)]
    pub keep: bool,
    /// Peers on PORT+i/udp, APIs on PORT+100+i, metrics on PORT+200+i, dashboards on PORT+300+i
    #[arg(long, value_name = "PORT", default_value_t = 24_000, value_parser = clap::value_parser!(u16).range(1..=65_000))]
    pub base_port: u16,
}

pub(crate) fn positive(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("'{text}' is not a number"))?;
    if rate > 0.0 && rate <= 1_000_000.0 { Ok(rate) } else { Err("must be above 0 and at most 1000000".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_lists_every_exit_code() {
        let help = Cli::command().render_long_help().to_string();
        for exit in crate::exit::Exit::ALL {
            assert!(help.contains(exit.meaning()), "{exit:?}");
        }
    }

    #[test]
    fn load_needs_exactly_one_pace() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("minuet load").is_err());
        assert!(parse("minuet load --rate 10 --max").is_err());
        assert!(parse("minuet load --rate 0").is_err());
        parse("minuet load --rate 10 --duration 60 --senders 1000 --json").unwrap();
        parse("minuet --json load --max").unwrap();
    }

    #[test]
    fn a_proof_is_always_checked_against_a_genesis() {
        for line in [
            "minuet block --verify",
            "minuet block --proof p",
            "minuet block --genesis g.json",
            "minuet block --save-proof p",
            "minuet block --genesis g.json --proof p --transactions",
            "minuet block --genesis g.json --proof p --node http://127.0.0.1:1",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
        Cli::try_parse_from("minuet block --genesis g.json --proof p".split(' ')).unwrap();
    }

    #[test]
    fn commands_parse_as_documented() {
        for line in [
            "minuet localnet --validators 6 --dir x --reset --for 10 --base-port 7000 --json",
            "minuet node --config a.toml --set log.level=debug --log-format json",
            "minuet keys generate --dir k",
            "minuet genesis new --validator a b c --chain-id 9 --account 0x0000000000000000000000000000000000000001=5ether",
            "minuet config check --config a.toml",
            "minuet account new k.key",
            "minuet transfer --dev-account 0 --to 0x0000000000000000000000000000000000000001 --value 1.5ether",
            "minuet block latest --node http://127.0.0.1:1",
            "minuet block 7 --verify --genesis g.json --save-proof p --transactions",
            "minuet block --verify --genesis g.json --proof p",
            "minuet status --all",
            "minuet evidence --json",
            "minuet simulate --regions global --protocol minimmit,simplex --seed 7 --plot p.svg --json",
            "minuet simulate --regions us-east-1:3,us-west-2:4 --real --bandwidth-mbit 100 --block-bytes 1000",
            "minuet node --config a.toml --trace-received received.jsonl",
            "minuet trace check a.jsonl b.jsonl --genesis g.json",
            "minuet limits --validators 11 --blocks-per-second 2.5 --dir d --figures f.json --quick --json",
            "minuet breakdown --rate 100 --duration 10 --dir d --json",
            "minuet chaos --seed 7 --kills 10 --outages 3 --json",
            "minuet status --all --nodes http://127.0.0.1:1,127.0.0.1:2",
            "minuet localnet --for 10 --json --exit-with-stdin",
            "minuet compact --config node.toml --json",
        ] {
            Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
