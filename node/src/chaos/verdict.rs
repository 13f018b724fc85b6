//! What must hold when all is over.

use super::fleet::violation;
use super::seen::{Found, Seen, in_chains};
use super::{Chaos, RECOVERY_LIMIT};
use crate::client::{block_on, connect, refused};
use crate::exit::Failure;
use crate::output::{Output, note_line};
use crate::trace::{Report, read_on};
use minuet_core::genesis::Genesis;
use minuet_core::{Address, Height, U256};
use minuet_rpc::client::{Client, ClientError};
use minuet_rpc::proto::GetEvidenceRequest;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What was found: nothing wrong.
pub(super) struct Judged {
    /// The height up to which all was held against each other.
    pub top: u64,
    /// The load's figures.
    pub load: Value,
    /// Of all traces.
    pub report: Report,
}

impl Chaos {
    /// Ends the load, holds the nodes against each other, ends them, and checks all that they received.
    pub(super) fn finish(&mut self) -> Result<Output, Failure> {
        note_line("chaos: the load ends; all is checked");
        let load = self.load.take().map(super::Load::finish).transpose()?.unwrap_or_default();
        let top = self.highest();
        self.until(RECOVERY_LIMIT, "the same height on all", |chaos| chaos.all_show(top))?;
        let seen = self.witness.take().map(super::Witness::finish).unwrap_or_default();
        let top = seen.highest();
        let wrong = block_on(wrong_in(&self.urls, &self.genesis, &seen))?;
        if let Some(first) = wrong.first() {
            return Err(violation(format!("{} violations, the first: {first}", wrong.len())));
        }
        self.fleet.stop()?;
        if let Some(first) = self.fleet.alarms()?.first() {
            return Err(violation(first));
        }
        let report = self.report()?;
        Ok(self.output(Judged { top, load, report }))
    }

    fn report(&mut self) -> Result<Report, Failure> {
        let Some(mut book) = self.book.take() else { return Ok(Report::default()) };
        for tail in &mut self.tails {
            read_on(tail, &mut book)?;
        }
        let report = book.verify();
        if let Some(failure) = report.failure() {
            return Err(failure);
        }
        // All validators are honest here, and the network cannot change what is encrypted.
        match report.invalid.first() {
            Some(first) => Err(violation(format!("{} invalid signatures, the first: {first}", report.invalid.len()))),
            None if report.malformed > 0 => Err(violation(format!("{} malformed messages", report.malformed))),
            None => Ok(report),
        }
    }
}

async fn wrong_in(urls: &[String], genesis: &Genesis, seen: &Seen) -> Result<Vec<String>, Failure> {
    let top = seen.highest();
    let mut wrong = Vec::new();
    let mut chains = BTreeMap::new();
    for (index, url) in (0u16..).zip(urls) {
        let mut client = connect(url).await?;
        let (chain, burnt) = chain(&mut client, top).await.map_err(|error| refused(&error))?;
        let held = held(&mut client, genesis).await.map_err(|error| refused(&error))?;
        let initial = genesis.file().accounts.values().fold(U256::ZERO, |sum, balance| sum + balance);
        if held + burnt != initial {
            wrong.push(format!("validator {index}: {held} wei held and {burnt} burnt, {initial} were given out"));
        }
        let request = GetEvidenceRequest::default();
        let kept = client.node.get_evidence(request).await.map_err(|status| refused(&status.into()))?.into_inner();
        if !kept.evidence.is_empty() {
            wrong
                .push(format!("validator {index} keeps {} pieces of evidence against validators", kept.evidence.len()));
        }
        chains.insert(index, chain);
    }
    wrong.extend(in_chains(&chains, seen));
    Ok(wrong)
}

/// All final blocks from 1 up to a height, and the fees that they burnt.
async fn chain(client: &mut Client, top: u64) -> Result<(Vec<Found>, U256), ClientError> {
    let mut chain = Vec::new();
    let mut burnt = U256::ZERO;
    while (chain.len() as u64) < top {
        let mut events = client.subscribe_blocks(Some(Height(chain.len() as u64 + 1)), true).await?;
        // A reader that is too slow is told so, and asks again from where it was.
        while let Ok(Some(event)) = events.message().await {
            burnt += U256::from(event.gas_used) * U256::from(event.base_fee);
            chain.push(Found::of(&event));
            if chain.len() as u64 == top {
                break;
            }
        }
    }
    Ok((chain, burnt))
}

/// What all accounts have that the genesis gave something or that receive fees. Only empty blocks are made meanwhile.
async fn held(client: &mut Client, genesis: &Genesis) -> Result<U256, ClientError> {
    let fees_to = genesis.committee().iter().map(|(_, validator)| validator.fee_recipient);
    let holders: BTreeSet<Address> = genesis.file().accounts.keys().copied().chain(fees_to).collect();
    let mut held = U256::ZERO;
    for holder in &holders {
        held += client.balance(holder).await?;
    }
    Ok(held)
}
