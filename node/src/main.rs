//! The `minuet` program: the node, and the commands that operate and use one.

mod amount;
mod breakdown;
mod chaos;
mod cli;
mod client;
mod config;
mod datadir;
mod devkeys;
mod exit;
mod genesis;
mod journal;
mod keys;
mod limits;
mod load;
mod localnet;
mod logging;
mod metrics;
mod output;
mod run;
mod simulate;
mod spans;
mod trace;
mod versions;

use clap::Parser as _;
use cli::{Cli, Command, Global, NodeArgs};
use config::{LogFormat, Prepared};
use exit::{Exit, Failure};
use output::Output;
use serde_json::{Value, json};
use std::process::ExitCode;

/// RocksDB's as well (decision 0020). Its settings are in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.global.json;
    let (line, failure) = match dispatch(&cli) {
        Ok(output) if json => (output.json.to_string(), output.failure),
        Ok(output) => (output.text, output.failure),
        Err(failure) if json => {
            let object = json!({"ok": false, "error": failure.message, "exit_code": failure.exit as u8});
            (object.to_string(), Some(failure))
        }
        Err(failure) => (String::new(), Some(failure)),
    };
    let written = if line.is_empty() { Ok(()) } else { output::result_line(line) };
    let unwritten = written.err().map(|error| Failure::new(Exit::Generic, format!("standard output: {error}")));
    match failure.or(unwritten) {
        None => ExitCode::SUCCESS,
        Some(failure) => {
            output::note_line(format_args!("minuet: {failure}"));
            failure.code()
        }
    }
}

fn dispatch(cli: &Cli) -> Result<Output, Failure> {
    // A node's configuration says how it logs, and what is broken down is recorded as log lines are.
    if !matches!(cli.command, Command::Node(_) | Command::Breakdown(_)) {
        // Simulated nodes warn all the time.
        let level = if matches!(cli.command, Command::Simulate(_)) { "off" } else { "warn" };
        logging::start(cli.global.log_level.as_deref(), level, cli.global.log_format.unwrap_or(LogFormat::Text), None)?;
    }
    if cli.global.exit_with_stdin {
        stop_with_stdin()?;
    }
    match &cli.command {
        Command::Keys(command) => keys::run(command),
        Command::Genesis(command) => genesis::run(command),
        Command::Config(command) => config::run(command, &cli.global),
        Command::Journal(command) => journal::run(command, &cli.global),
        Command::Localnet(args) => localnet::run(args, &cli.global),
        Command::Account(command) => client::account(command),
        Command::Transfer(args) => client::transfer(args),
        Command::Tx(args) => client::tx(args),
        Command::Block(args) => client::block(args),
        Command::Status(args) => client::status(args),
        Command::Evidence(args) => client::evidence(args),
        Command::Load(args) => load::run(args),
        Command::Limits(args) => limits::run(args),
        Command::Trace(command) => trace::run(command),
        Command::Breakdown(args) => breakdown::run(args, &cli.global),
        Command::Chaos(args) => chaos::run(args, &cli.global),
        Command::Compact { config } => {
            run::compact(Prepared::new(config::load(config, std::env::vars(), &Default::default(), cli.global.log())?)?)
        }
        Command::Node(args) => node(args, &cli.global),
        Command::Simulate(args) => simulate(args),
    }
}

fn simulate(args: &simulate::SimulateArgs) -> Result<Output, Failure> {
    match &args.regions.regions {
        Some(regions) => simulate::regions::run(regions, &args.regions, args.validators, args.seed),
        None => simulate::run(args),
    }
}

fn node(args: &NodeArgs, global: &Global) -> Result<Output, Failure> {
    fail_writes_beyond_a_limit()?;
    let config = config::load(&args.config, std::env::vars(), &args.overrides, global.log())?;
    let (spans, _written_until_the_end) = spans::open(&config.trace.spans)?.unzip();
    logging::start(global.log_level.as_deref(), &config.log.level, config.log.format, spans)?;
    run::run_node(config)?;
    Ok(Output::new("", Value::Object(serde_json::Map::new())))
}

/// A write beyond the system's limit on file sizes fails like any other and stops the node with the file's name
/// (D-FAIL-STOP). Without a handler, SIGXFSZ would end the process before it could say anything.
fn fail_writes_beyond_a_limit() -> Result<(), Failure> {
    let unread = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, unread)
        .map(drop)
        .map_err(|error| Failure::new(Exit::Generic, format!("signals cannot be received: {error}")))
}

/// Asks this process to stop, as SIGTERM does, once standard input is closed: its parent stops it or is gone.
fn stop_with_stdin() -> Result<(), Failure> {
    let wait = || {
        // Whatever is sent is of no interest; an error is an end too.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        if let Err(error) = signal_hook::low_level::raise(signal_hook::consts::SIGTERM) {
            tracing::error!(%error, "cannot stop after standard input was closed");
        }
    };
    let thread = std::thread::Builder::new().name("minuet-stdin".to_owned()).spawn(wait);
    thread.map(drop).map_err(|error| Failure::new(Exit::Generic, format!("cannot start a thread: {error}")))
}
