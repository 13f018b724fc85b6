//! A network between validators that can fail: every pair of them speaks through a UDP socket of this process, which
//! loses, delays and holds back packets as it is told. No privileges and no kernel modules are needed.
//!
//! One socket serves a pair. Each of the two knows it as the other's address; who sent a packet is told from where it
//! came. QUIC does the rest: to the validators this is a path like any other.

use super::chance::Chance;
use super::plan::{Fault, cut_links};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

/// The largest packet that UDP carries.
const PACKET_BYTES: usize = 64 << 10;
/// A narrow link holds back so much; what comes beyond is lost, as in any router.
const LONGEST_QUEUE: Duration = Duration::from_millis(300);

/// What one direction of a link does to packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Nothing passes.
    pub is_cut: bool,
    /// Of a thousand packets so many are lost.
    pub loss_permille: u16,
    /// Each takes at least so much longer,
    pub delay: Duration,
    /// and at most so much more.
    pub jitter: Duration,
    /// 0: any.
    pub bytes_per_second: u64,
}

/// Packets since the start.
#[derive(Debug, Default)]
struct Counters {
    passed: AtomicU64,
    lost: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    rules: Mutex<BTreeMap<(u16, u16), Rule>>,
    counters: Counters,
}

impl Shared {
    fn rule(&self, from: u16, to: u16) -> Rule {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.get(&(from, to)).copied().unwrap_or_default()
    }
}

/// The network. It ends with this value.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    addresses: BTreeMap<(u16, u16), SocketAddr>,
    n: u16,
    runtime: Option<Runtime>,
}

impl Proxy {
    /// Between validators that listen at these addresses.
    ///
    /// # Errors
    /// No sockets, or no thread.
    pub fn between(listen: &[SocketAddr], seed: u64) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("chaos-proxy").enable_all().build()?;
        let shared = Arc::new(Shared { rules: Mutex::default(), counters: Counters::default() });
        let mut addresses = BTreeMap::new();
        let numbered: Vec<(u16, SocketAddr)> = (0u16..).zip(listen.iter().copied()).collect();
        for (place, one) in numbered.iter().enumerate() {
            for other in &numbered[place + 1..] {
                let socket = runtime.block_on(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))?;
                let address = socket.local_addr()?;
                addresses.insert((one.0, other.0), address);
                addresses.insert((other.0, one.0), address);
                let chance = Chance::new(seed ^ (u64::from(one.0) << 32 | u64::from(other.0)));
                let pair =
                    Pair { socket, ends: [*one, *other], shared: shared.clone(), chance, wires: Default::default() };
                runtime.spawn(pair.carry());
            }
        }
        let n = u16::try_from(listen.len()).unwrap_or(u16::MAX);
        Ok(Self { shared, addresses, n, runtime: Some(runtime) })
    }

    /// Where a validator finds another one.
    #[must_use]
    pub fn address(&self, from: u16, to: u16) -> Option<SocketAddr> {
        self.addresses.get(&(from, to)).copied()
    }

    /// Lets a fault begin; it takes the place of the one before.
    pub fn fail(&self, fault: &Fault) {
        let everywhere = match fault {
            Fault::Lossy { permille } => Some(Rule { loss_permille: *permille, ..Rule::default() }),
            Fault::Slow { delay_ms, jitter_ms } => Some(Rule {
                delay: Duration::from_millis(*delay_ms),
                jitter: Duration::from_millis(*jitter_ms),
                ..Rule::default()
            }),
            Fault::Narrow { bytes_per_second } => Some(Rule { bytes_per_second: *bytes_per_second, ..Rule::default() }),
            Fault::Split(_) | Fault::Unheard(_) | Fault::Deaf(_) => None,
        };
        let rules: BTreeMap<(u16, u16), Rule> = match everywhere {
            Some(rule) => self.addresses.keys().map(|link| (*link, rule)).collect(),
            None => {
                let cut = Rule { is_cut: true, ..Rule::default() };
                cut_links(fault, self.n).into_iter().map(|link| (link, cut)).collect()
            }
        };
        *self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// Everything passes again.
    pub fn heal(&self) {
        self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Packets that passed and that were lost here since the start.
    #[must_use]
    pub fn packets(&self) -> (u64, u64) {
        let Counters { passed, lost } = &self.shared.counters;
        (passed.load(Ordering::Relaxed), lost.load(Ordering::Relaxed))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A packet on its way, due at a time; the number keeps the order of those that are due together.
type Waiting = Reverse<(Instant, u64, usize, Vec<u8>)>;

/// What a direction remembers.
#[derive(Debug, Default)]
struct Wire {
    /// When a narrow link has sent all that it holds back.
    free_at: Option<Instant>,
}

struct Pair {
    socket: UdpSocket,
    ends: [(u16, SocketAddr); 2],
    shared: Arc<Shared>,
    chance: Chance,
    /// By the place of the receiving end.
    wires: [Wire; 2],
}

impl Pair {
    async fn carry(mut self) {
        let mut buffer = vec![0; PACKET_BYTES];
        let mut waiting: BinaryHeap<Waiting> = BinaryHeap::new();
        let mut number = 0;
        loop {
            let due = waiting.peek().map(|Reverse((due, ..))| *due);
            let is_due = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => {
                    // An error here speaks of a packet sent before, to a validator that is down.
                    let Ok((length, from)) = received else { continue };
                    // Nobody else is carried.
                    let Some(sender) = self.ends.iter().position(|(_, address)| *address == from) else { continue };
                    let receiver = 1 - sender;
                    match self.due(sender, receiver, length) {
                        None => self.count(false),
                        Some(due) if due <= Instant::now() && waiting.is_empty() => {
                            self.send(receiver, &buffer[..length]).await;
                        }
                        Some(due) => {
                            number += 1;
                            waiting.push(Reverse((due, number, receiver, buffer[..length].to_vec())));
                        }
                    }
                }
                () = is_due => {
                    if let Some(Reverse((_, _, receiver, packet))) = waiting.pop() {
                        self.send(receiver, &packet).await;
                    }
                }
            }
        }
    }

    /// When a packet is to be sent on; `None`: it is lost.
    fn due(&mut self, sender: usize, receiver: usize, length: usize) -> Option<Instant> {
        let rule = self.shared.rule(self.ends[sender].0, self.ends[receiver].0);
        if rule.is_cut || self.chance.below(1000) < rule.loss_permille.into() {
            return None;
        }
        let mut due = Instant::now();
        if rule.bytes_per_second > 0 {
            let free_at = self.wires[receiver].free_at.map_or(due, |free_at| free_at.max(due));
            if free_at - due > LONGEST_QUEUE {
                return None;
            }
            due = free_at + Duration::from_secs_f64(length as f64 / rule.bytes_per_second as f64);
            self.wires[receiver].free_at = Some(due);
        }
        let jitter_us = u64::try_from(rule.jitter.as_micros()).unwrap_or(u64::MAX);
        Some(due + rule.delay + Duration::from_micros(self.chance.below(jitter_us)))
    }

    async fn send(&self, receiver: usize, packet: &[u8]) {
        // A validator that is down takes nothing: the same as lost.
        let sent = self.socket.send_to(packet, self.ends[receiver].1).await;
        self.count(sent.is_ok());
    }

    fn count(&self, has_passed: bool) {
        let Counters { passed, lost } = &self.shared.counters;
        if has_passed { passed } else { lost }.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
