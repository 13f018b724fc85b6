//! `minuet genesis`: putting a genesis together from public entries, showing and checking it.

#[cfg(test)]
pub mod tests;

use crate::cli::{GenesisCommand, GenesisNewArgs};
use crate::config::read_genesis;
use crate::exit::Failure;
use crate::output::Output;
use minuet_core::U256;
use minuet_core::genesis::{GENESIS_VERSION, Genesis, GenesisFile, GenesisValidator};
use minuet_core::scheme::StatementScheme;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Runs `genesis new`, `show` or `check`.
///
/// # Errors
/// Exit code 3 with what is wrong.
pub fn run(command: &GenesisCommand) -> Result<Output, Failure> {
    match command {
        GenesisCommand::New(args) => {
            let genesis = assemble(args)?;
            write(&args.out, &genesis)?;
            Ok(describe(&genesis, &format!("wrote {}\n", args.out.display())))
        }
        GenesisCommand::Show { file } => Ok(describe(&read_genesis(file)?, "")),
        GenesisCommand::Check { file } => Ok(describe(&read_genesis(file)?, "good\n")),
    }
}

/// Now, as a genesis needs it: a whole second, in milliseconds.
#[must_use]
pub fn current_second_ms() -> u64 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    seconds.saturating_mul(1000)
}

/// Reads the name of a scheme.
///
/// # Errors
/// Any other word.
pub fn scheme(name: &str) -> Result<StatementScheme, String> {
    let all = [StatementScheme::Bls, StatementScheme::Ed25519];
    let found = all.into_iter().find(|scheme| scheme.name() == name);
    found.ok_or_else(|| "expected 'bls' or 'ed25519'".to_owned())
}

fn assemble(args: &GenesisNewArgs) -> Result<Genesis, Failure> {
    let mut file = GenesisFile {
        version: GENESIS_VERSION,
        chain_id: args.chain_id,
        time_ms: args.time_ms.unwrap_or_else(current_second_ms),
        fees: Default::default(),
        statement_scheme: args.statement_scheme.unwrap_or(StatementScheme::for_committee_of(args.validators.len())),
        validators: args.validators.iter().map(|path| read_entry(path)).collect::<Result<_, _>>()?,
        accounts: BTreeMap::new(),
    };
    let fees = &mut file.fees;
    fees.gas_target_per_second = args.gas_target_per_second.unwrap_or(fees.gas_target_per_second);
    fees.block_gas_limit = args.block_gas_limit.unwrap_or(fees.block_gas_limit);
    fees.min_base_fee = args.min_base_fee.unwrap_or(fees.min_base_fee);
    fees.initial_base_fee = args.initial_base_fee.unwrap_or(fees.initial_base_fee.max(fees.min_base_fee));
    for (address, amount) in &args.accounts {
        if file.accounts.insert(*address, *amount).is_some() {
            return Err(Failure::config(format!("--account {address} is named twice")));
        }
    }
    Genesis::new(file).map_err(Failure::config)
}

fn read_entry(path: &Path) -> Result<GenesisValidator, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::config(format!("cannot read validator entry {}: {error}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::config(format!("{}: {error}; expected an entry from 'minuet keys generate'", path.display()))
    })
}

/// Writes a genesis to a new file. An existing one is never overwritten: nodes may run with it.
///
/// # Errors
/// Exit code 3: it exists, or cannot be written.
pub fn write(path: &Path, genesis: &Genesis) -> Result<(), Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::config(format!("cannot write {}: {error}", path.display()));
    let text = serde_json::to_string_pretty(genesis.file()).map_err(|error| refused(&error))?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| refused(&error))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| refused(&error))
}

fn describe(genesis: &Genesis, head: &str) -> Output {
    let file = genesis.file();
    let quorums = genesis.committee().quorums();
    let supply = file.accounts.values().fold(U256::ZERO, |sum, balance| sum.saturating_add(*balance));
    let mut lines = vec![
        format!("{head}chain id      {}", file.chain_id),
        format!("fingerprint   {}", genesis.fingerprint()),
        format!("block 0       {}", genesis.digest()),
        format!("state root    {}", genesis.header().ethereum().state_root),
        format!("time          {} ms", file.time_ms),
        format!("accounts      {} with {}", file.accounts.len(), crate::amount::ether(supply)),
        format!(
            "validators    {} (tolerates {} faulty; M={}, L={})",
            quorums.n(),
            quorums.f(),
            quorums.m(),
            quorums.l()
        ),
        format!("statements    signed with {}", file.statement_scheme),
    ];
    for (index, validator) in genesis.committee().iter() {
        lines.push(format!("  {index:>3}  network key {}  fees to {}", validator.network_key, validator.fee_recipient));
    }
    let json = json!({
        "ok": true, "chain_id": file.chain_id, "fingerprint": genesis.fingerprint(), "genesis_hash": genesis.digest(),
        "time_ms": file.time_ms, "accounts": file.accounts.len(), "supply": supply.to_string(),
        "validators": file.validators, "n": quorums.n(), "f": quorums.f(), "m": quorums.m(), "l": quorums.l(),
        "fees": file.fees, "statement_scheme": file.statement_scheme,
    });
    Output::new(lines.join("\n"), json)
}
