//! The network that is looked at: a directory, free ports, six processes that record their moments.

use super::BreakdownArgs;
use crate::chaos::Fleet;
use crate::cli::{Global, LocalnetArgs};
use crate::client::block_on;
use crate::exit::{Exit, Failure};
use crate::localnet::{Manifest, SPANS_FILE, check_ports, home, prepare};
use minuet_rpc::client::Client;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// As many as a localnet has.
pub const VALIDATORS: u16 = 6;
/// Until a first block is final on all.
const START_LIMIT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Base ports are sought from here on, below those that systems give to clients: a network needs four groups of ports,
/// a hundred apart.
const FIRST_PORT: u16 = 29_300;
const GROUPS: u16 = 8;
const PORTS_OF_GROUP: u16 = 400;
const NETWORKS_OF_GROUP: u16 = 12;
const PORTS_OF_ONE: u16 = 8;

/// A running network. It ends with this value.
pub struct Network {
    /// Its processes.
    pub fleet: Fleet,
    /// Their interfaces.
    pub urls: Vec<String>,
}

impl Network {
    /// Starts what [`place`] made and waits until blocks become final on all nodes.
    ///
    /// # Errors
    /// A node that does not come up.
    pub fn start(manifest: &Manifest, dir: &Path, global: &Global, stop: &AtomicBool) -> Result<Self, Failure> {
        let arguments = (0..VALIDATORS).map(|_| ["--spans", SPANS_FILE].map(str::to_owned).to_vec());
        let mut fleet = Fleet::with(dir, global, arguments.collect());
        fleet.start()?;
        let urls = manifest.rpc_urls();
        until_final(&mut fleet, &urls, stop)?;
        Ok(Self { fleet, urls })
    }
}

/// Where a validator's moments are.
pub fn files(dir: &Path) -> impl Iterator<Item = PathBuf> {
    (0..VALIDATORS).map(move |index| home(dir, index).join(SPANS_FILE))
}

/// Makes keys, genesis and configurations in an empty directory, with ports that are free.
///
/// # Errors
/// The directory or the ports.
pub fn place(args: &BreakdownArgs, dir: &Path) -> Result<Manifest, Failure> {
    let make = |base_port| {
        prepare(&LocalnetArgs {
            validators: Some(VALIDATORS),
            dir: dir.to_owned(),
            reset: false,
            for_seconds: None,
            base_port: Some(base_port),
            accounts: Some(args.senders),
            recipients: Some(args.recipients),
            statement_scheme: None,
            trace_received: false,
            observe: false,
        })
    };
    if let Some(base_port) = args.base_port {
        let manifest = make(base_port)?;
        check_ports(&manifest)?;
        return Ok(manifest);
    }
    // The system's choice of a port says where the search begins, so that two networks do not meet.
    let chosen = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let begin = chosen.map_or(0, |address| address.port());
    let slots = GROUPS * NETWORKS_OF_GROUP;
    let mut last = None;
    for slot in (0..slots).map(|step| (begin % slots + step) % slots) {
        let (group, place) = (slot / NETWORKS_OF_GROUP, slot % NETWORKS_OF_GROUP);
        let manifest = make(FIRST_PORT + group * PORTS_OF_GROUP + place * PORTS_OF_ONE)?;
        match check_ports(&manifest) {
            Ok(()) => return Ok(manifest),
            Err(failure) => last = Some(failure),
        }
    }
    Err(last.unwrap_or_else(|| Failure::new(Exit::Network, "no port is free: name some with --base-port")))
}

/// Waits until every node shows a final block.
fn until_final(fleet: &mut Fleet, urls: &[String], stop: &AtomicBool) -> Result<(), Failure> {
    let begun = Instant::now();
    watched(fleet, stop, async |_| {
        if begun.elapsed() > START_LIMIT {
            return Err(Failure::new(Exit::NotAdvanced, "no block is final on all nodes: see their logs"));
        }
        let mut is_final = true;
        for url in urls {
            let height = async { Client::connect(url).await?.status().await.map(|status| status.height) };
            is_final &= height.await.is_ok_and(|height| height > 0);
        }
        Ok(is_final)
    })
}

/// Lets time pass while all run.
///
/// # Errors
/// A node ended, or this process was told to stop.
pub fn pass(fleet: &mut Fleet, time: Duration, stop: &AtomicBool) -> Result<(), Failure> {
    let end = Instant::now() + time;
    watched(fleet, stop, async |now| Ok(now >= end))
}

/// Looks every now and then until something holds.
fn watched(
    fleet: &mut Fleet,
    stop: &AtomicBool,
    holds: impl AsyncFn(Instant) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    block_on(async {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        loop {
            tick.tick().await;
            fleet.all_run()?;
            if stop.load(Ordering::Relaxed) {
                return Err(Failure::new(Exit::Generic, "told to stop"));
            }
            if holds(Instant::now()).await? {
                return Ok(());
            }
        }
    })
}
