//! One hostile validator, on the network service that honest ones use: it has a genuine key, is let in by the handshake,
//! and says as much as half a processor can that is old, of no use yet, or forged. Whoever bans it is called again as soon
//! as the ban is over. A process of its own, so that its processor time is its own.

use crate::setting;
use minuet_core::certificate::Certificate;
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::genesis::Genesis;
use minuet_core::messages::{NetworkCommand, PeerEvent, UrgentCommand};
use minuet_core::ring::{Doorbell, Waiter};
use minuet_core::scheme::{StatementKey, StatementSignature};
use minuet_core::statement::{SignedStatement, SigningContext, Statement};
use minuet_core::wire::{FrameKind, Lane, Recipients};
use minuet_core::{Bytes, Digest, PeerId, ValidatorIndex, View};
use minuet_p2p::{ConsensusEnds, MempoolEnds, P2pConfig, P2pHandle, P2pIdentity, P2pRings, PeerEntry, bell, spawn};
use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Of everything that is sent, what honest nodes may not even score: nobody bans for it, so it can go on.
const UNPUNISHED_PERCENT: u64 = 98;
const KEPT_CERTIFICATES: usize = 256;
const BATCH: usize = 32;
/// How long it goes on forging, whatever becomes of it.
const FORGING: Duration = Duration::from_secs(90);
const LIMIT: Duration = Duration::from_secs(900);
const TICK_MS: u128 = 10;

#[derive(Default)]
struct Tally {
    stale: u64,
    far_future: u64,
    forged: u64,
}

struct Attacker {
    consensus: ConsensusEnds,
    mempool: MempoolEnds,
    service: P2pHandle,
    waiter: Waiter,
    begun: Instant,
    up: BTreeSet<PeerId>,
    /// Genuine ones that it was sent.
    certificates: VecDeque<Certificate>,
    newest: View,
    stale: Vec<Bytes>,
    far_future: Vec<Bytes>,
    signature: StatementSignature,
    me: ValidatorIndex,
    tally: Tally,
    step: usize,
}

fn secret(path: &Path) -> [u8; 32] {
    let file: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    let bytes = hex::decode(file["secret"].as_str().unwrap()).unwrap();
    bytes.try_into().unwrap()
}

/// Peers and own address, from the configuration of the validator that it stands in for.
fn network(home: &Path, genesis: &Genesis) -> P2pConfig {
    let config: toml::Table = fs::read_to_string(home.join("config.toml")).unwrap().parse().unwrap();
    let peers = config["p2p"]["peers"].as_array().unwrap();
    let address = |index: ValidatorIndex| {
        let entry = peers.iter().find(|peer| peer["index"].as_integer() == Some(index.0.into()))?;
        Some(entry["address"].as_str().unwrap().parse().unwrap())
    };
    let entry = |(index, validator): (ValidatorIndex, &minuet_core::committee::Validator)| PeerEntry {
        peer: index.peer(),
        address: address(index),
        key: validator.network_key,
    };
    P2pConfig {
        listen_address: config["p2p"]["listen_address"].as_str().unwrap().parse().unwrap(),
        peers: genesis.committee().iter().map(entry).collect(),
        ..P2pConfig::default()
    }
}

fn signed(statement: Statement, me: ValidatorIndex, key: &dyn StatementKey, context: &SigningContext) -> Bytes {
    statement.sign(me, key, context).to_bytes().into()
}

impl Attacker {
    fn start(home: &Path, genesis: &Genesis, me: ValidatorIndex) -> Self {
        let key = |name: &str| Ed25519SecretKey::from_bytes(&secret(&home.join(name)));
        // A localnet of six signs with its network keys.
        let (network_key, key) = (key("network.key"), key("network.key"));
        let (own, sleeper) = bell();
        let (thread_bell, waiter) = Doorbell::new();
        let (rings, consensus, mempool) = P2pRings::connect(&own, &thread_bell, &thread_bell);
        let identity = P2pIdentity::new(me.peer(), network_key, genesis);
        let service = spawn(network(home, genesis), identity, rings, sleeper, Default::default()).unwrap();
        let context = genesis.signing_context();
        let both = |view: View| {
            let notarize = Statement::Notarize { view, digest: Digest::repeat_byte(7) };
            [notarize, Statement::Nullify { view }].map(|statement| signed(statement, me, &key, &context))
        };
        let signature = Statement::Nullify { view: View(1) }.sign(me, &key, &context).signature;
        Self {
            stale: (1..=8).map(View).flat_map(both).collect(),
            far_future: [1 << 20, 1 << 40, u64::MAX - 1, u64::MAX].map(View).into_iter().flat_map(both).collect(),
            consensus,
            mempool,
            service,
            waiter,
            begun: Instant::now(),
            up: BTreeSet::new(),
            certificates: VecDeque::new(),
            newest: View(1),
            signature,
            me,
            tally: Tally::default(),
            step: 0,
        }
    }

    /// Takes everything in, so that nobody has to wait for this peer, and keeps what can be said again.
    fn listen(&mut self) {
        while let Some(event) = self.consensus.events.try_recv() {
            match event {
                PeerEvent::Up(peer) => self.up.insert(peer),
                PeerEvent::Down(peer) => self.up.remove(&peer),
            };
        }
        while let Some(frame) = self.consensus.certificates.try_recv() {
            let Ok(certificate) = Certificate::from_bytes(&frame.0.payload) else { continue };
            self.newest = self.newest.max(certificate.view);
            self.certificates.push_back(certificate);
            if self.certificates.len() > KEPT_CERTIFICATES {
                self.certificates.pop_front();
            }
        }
        while self.consensus.consensus.try_recv().is_some() {}
        while self.consensus.bulk.try_recv().is_some() {}
        while self.mempool.events.try_recv().is_some() {}
        while self.mempool.transactions.try_recv().is_some() {}
    }

    /// One frame; false if there is no room.
    fn say(&mut self, kind: FrameKind, payload: Bytes) -> bool {
        let command = NetworkCommand::Send { to: Recipients::All, kind, payload };
        self.consensus.urgent.try_send(UrgentCommand(command)).is_ok()
    }

    /// Old or far ahead, all of it genuine.
    fn say_something_useless(&mut self) -> bool {
        self.step += 1;
        let peers = self.up.len() as u64;
        let (kind, payload, count) = match self.step % 3 {
            0 if !self.certificates.is_empty() => {
                let certificate = self.certificates[self.step % self.certificates.len()].to_bytes();
                (FrameKind::Certificate, certificate.into(), &mut self.tally.stale)
            }
            1 => {
                let statement = self.far_future[self.step % self.far_future.len()].clone();
                (FrameKind::Statement, statement, &mut self.tally.far_future)
            }
            _ => (FrameKind::Statement, self.stale[self.step % self.stale.len()].clone(), &mut self.tally.stale),
        };
        *count += peers;
        self.say(kind, payload)
    }

    /// Certificates of other views than were signed, statements with other signatures, bytes that are nothing.
    fn forge(&mut self) -> bool {
        self.step += 1;
        let view = self.newest.plus(1 + self.step as u64 % 8);
        let (kind, payload) = match self.step % 3 {
            0 => {
                let Some(mut certificate) = self.certificates.back().cloned() else { return true };
                certificate.view = view;
                (FrameKind::Certificate, certificate.to_bytes())
            }
            1 => {
                let statement = Statement::Nullify { view };
                let forged = SignedStatement { statement, signer: self.me, signature: self.signature };
                (FrameKind::Statement, forged.to_bytes())
            }
            _ => (FrameKind::Proposal, vec![0xc1; 64 + self.step % 64]),
        };
        self.tally.forged += self.up.len() as u64;
        self.say(kind, payload.into())
    }

    /// Frames that reached a connection.
    fn sent(&self) -> u64 {
        let lanes = [Lane::Certificates, Lane::Votes, Lane::Headers];
        lanes.iter().map(|lane| self.service.stats().lane(*lane).frames_out.get()).sum()
    }

    fn processor_ms(&self) -> u128 {
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let fields = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().skip(11);
        fields.take(2).map(|ticks| ticks.parse::<u128>().unwrap()).sum::<u128>() * TICK_MS
    }

    /// Rests while it has used more than half a processor, nobody listens, or nothing fits.
    fn rest(&self) {
        self.waiter.park_until(Some(Instant::now() + Duration::from_millis(2)), || false);
    }

    /// Says so much, as fast as it may.
    fn flood(&mut self, until: impl Fn(&Self) -> bool, say: impl Fn(&mut Self) -> bool) {
        while !until(self) && self.begun.elapsed() < LIMIT {
            self.listen();
            if self.up.is_empty() || self.processor_ms() * 2 > self.begun.elapsed().as_millis() {
                self.rest();
                continue;
            }
            if !(0..BATCH).all(|_| say(self)) {
                self.rest();
            }
        }
    }
}

pub fn run() -> ExitCode {
    let directory = PathBuf::from(std::env::var_os("MINUET_CHAOS_NETWORK").expect("'figures' names the network"));
    let me = ValidatorIndex(u16::try_from(setting("MINUET_CHAOS_INDEX", 5)).unwrap());
    let messages = setting("MINUET_CHAOS_MESSAGES", 1_000_000);
    let genesis = Genesis::from_json(&fs::read_to_string(directory.join("genesis.json")).unwrap()).unwrap();
    let mut attacker = Attacker::start(&directory.join(format!("validator-{}", me.0)), &genesis, me);
    let unpunished = messages / 100 * UNPUNISHED_PERCENT;
    attacker.flood(|attacker| attacker.sent() >= unpunished, Attacker::say_something_useless);
    let forging = Instant::now();
    attacker.flood(|_| forging.elapsed() > FORGING, Attacker::forge);
    // Whoever banned it hears nothing more; whoever did not yet hears the rest.
    attacker.flood(|attacker| attacker.sent() >= messages, Attacker::say_something_useless);
    let elapsed = attacker.begun.elapsed();
    let did = serde_json::json!({
        "sent": attacker.sent(),
        "stale": attacker.tally.stale,
        "far_future": attacker.tally.far_future,
        "forged": attacker.tally.forged,
        "seconds": elapsed.as_secs(),
        "processors": attacker.processor_ms() as f64 / elapsed.as_millis() as f64,
    });
    println!("{did}");
    ExitCode::SUCCESS
}
