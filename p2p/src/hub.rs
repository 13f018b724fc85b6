//! What all tasks of the service share: the peers with their links and conduct, the rings' ends, the counters.

use crate::closing::CloseReason;
use crate::config::{P2pConfig, PeerEntry};
use crate::hello::Hello;
use crate::inlets::Inlets;
use crate::link::Link;
use crate::score::{self, Score};
use crate::stats::{P2pStats, PeerInfo, Reject};
use minuet_core::ed25519::Ed25519PublicKey;
use minuet_core::messages::NetworkCommand;
use minuet_core::status::NodeStatus;
use minuet_core::wire::{FrameKind, Lane, Offence, Recipients};
use minuet_core::{Bytes, PeerId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The same complaint about the same peer is logged once in so long.
const LOG_PAUSE: Duration = Duration::from_secs(30);
/// A link that lived for so long was a success: attempts start again without a pause.
const STABLE_AFTER: Duration = Duration::from_secs(1);

/// Bytes that may wait for a follower on each lane, but at least one frame: strangers get little of this node's memory.
const FOLLOWER_QUEUE_BYTES: usize = 1 << 20;

#[derive(Debug, Default)]
struct Conduct {
    link: Option<Arc<Link>>,
    score: Score,
    last_offence: &'static str,
    was_stable: bool,
    last_error: Option<String>,
}

/// A peer, connected or not.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) entry: PeerEntry,
    conduct: Mutex<Conduct>,
    /// The link came or went. Only the peer's dialling task waits for it.
    pub(crate) changed: Notify,
}

impl Slot {
    pub(crate) fn is_linked(&self) -> bool {
        crate::lock(&self.conduct).link.is_some()
    }

    pub(crate) fn banned_for(&self) -> Option<Duration> {
        crate::lock(&self.conduct).score.banned_for(Instant::now())
    }

    /// Whether the last link, if any, lived long enough to be called one.
    pub(crate) fn was_stable(&self) -> bool {
        crate::lock(&self.conduct).was_stable
    }

    fn link(&self) -> Option<Arc<Link>> {
        crate::lock(&self.conduct).link.clone()
    }

    fn new(entry: PeerEntry) -> Arc<Self> {
        Arc::new(Self { entry, conduct: Mutex::new(Conduct::default()), changed: Notify::new() })
    }

    fn info(&self, is_follower: bool) -> PeerInfo {
        let conduct = crate::lock(&self.conduct);
        let link = conduct.link.as_deref();
        PeerInfo {
            peer: self.entry.peer,
            key: self.entry.key,
            follower: is_follower,
            address: link.map(|link| link.connection.remote_address()).or(self.entry.address),
            connected: link.is_some(),
            rtt_us: link.map_or(0, |link| u64::try_from(link.connection.rtt().as_micros()).unwrap_or(u64::MAX)),
            since_ms: link.map_or(0, |link| link.since_ms),
            bytes_in: link.map_or(0, |link| link.bytes_in.get()),
            bytes_out: link.map_or(0, |link| link.bytes_out.get()),
            bans: conduct.score.bans(),
            banned_for_ms: conduct
                .score
                .banned_for(Instant::now())
                .map_or(0, |left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1)),
            score: conduct.score.points(),
            last_error: conduct.last_error.clone(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) config: P2pConfig,
    /// What this node says of itself; the recipient is filled in.
    own: Hello,
    /// Validators.
    pub(crate) slots: BTreeMap<PeerId, Arc<Slot>>,
    /// Nodes that only follow, with numbers from the first one beyond the committee's on. At most `max_followers`.
    followers: Mutex<BTreeMap<PeerId, Arc<Slot>>>,
    first_follower: PeerId,
    keys: BTreeMap<Ed25519PublicKey, PeerId>,
    pub(crate) inlets: Mutex<Inlets>,
    pub(crate) stats: Arc<P2pStats>,
    status: Arc<NodeStatus>,
    logged: Mutex<BTreeMap<(Option<PeerId>, u32), Instant>>,
}

impl Hub {
    pub(crate) fn new(
        config: P2pConfig,
        own: Hello,
        inlets: Inlets,
        stats: Arc<P2pStats>,
        status: Arc<NodeStatus>,
    ) -> Self {
        let others = config.peers.iter().filter(|entry| entry.peer != own.sender);
        let keys = others.clone().map(|entry| (entry.key, entry.peer)).collect();
        let slots = others.map(|entry| (entry.peer, Slot::new(entry.clone()))).collect();
        let validators = config.peers.iter().map(|entry| entry.peer).chain([own.sender]);
        let highest = validators.filter(|peer| *peer != PeerId::FOLLOWER).max().map_or(0, |peer| peer.0);
        let hub = Self {
            config,
            own,
            slots,
            followers: Mutex::default(),
            first_follower: PeerId(highest.saturating_add(1)),
            keys,
            inlets: Mutex::new(inlets),
            stats,
            status,
            logged: Mutex::new(BTreeMap::new()),
        };
        hub.refresh();
        hub
    }

    /// This node's hello to a peer.
    pub(crate) const fn hello_to(&self, recipient: PeerId) -> Hello {
        Hello { recipient, ..self.own }
    }

    /// Which validator's key this is.
    pub(crate) fn peer_of(&self, key: &Ed25519PublicKey) -> Option<PeerId> {
        self.keys.get(key).copied()
    }

    /// Whether the peer only follows.
    pub(crate) fn is_follower(&self, peer: PeerId) -> bool {
        peer >= self.first_follower
    }

    /// A follower's number: the one that its key had before, a free one, or that of a follower which is gone.
    ///
    /// # Errors
    /// [`CloseReason::Full`].
    pub(crate) fn admit(&self, key: Ed25519PublicKey) -> Result<PeerId, CloseReason> {
        let limit = self.config.max_followers;
        let mut followers = crate::lock(&self.followers);
        if let Some((peer, _)) = followers.iter().find(|(_, slot)| slot.entry.key == key) {
            return Ok(*peer);
        }
        let free = (self.first_follower.0..).map(PeerId).take(limit).find(|peer| !followers.contains_key(peer));
        let gone = || {
            let gone = followers.iter().filter(|(_, slot)| !slot.is_linked());
            gone.min_by_key(|(_, slot)| slot.banned_for().is_some()).map(|(peer, _)| *peer)
        };
        let peer = free.or_else(gone).ok_or(CloseReason::Full(limit))?;
        followers.insert(peer, Slot::new(PeerEntry { peer, address: None, key }));
        Ok(peer)
    }

    fn slot(&self, peer: PeerId) -> Option<Arc<Slot>> {
        self.slots.get(&peer).cloned().or_else(|| crate::lock(&self.followers).get(&peer).cloned())
    }

    /// Makes a connection whose handshake is done the peer's link, unless the present one is to stay.
    ///
    /// Both sides decide alike: the connection dialled by the lower index stays; a process that was started anew, or
    /// that dials again because it lost the connection, replaces what was there.
    ///
    /// # Errors
    /// What to close the new connection with.
    pub(crate) fn install(
        &self,
        peer: PeerId,
        connection: &quinn::Connection,
        instance: u64,
        dialled_here: bool,
    ) -> Result<Arc<Link>, CloseReason> {
        let Some(slot) = self.slot(peer) else { return Err(CloseReason::Internal) };
        let is_preferred = dialled_here == (self.own.sender < peer);
        let mut conduct = crate::lock(&slot.conduct);
        if let Some(left) = conduct.score.banned_for(Instant::now()) {
            return Err(CloseReason::Banned { seconds: left.as_secs() + 1, offence: conduct.last_offence });
        }
        let previous = conduct.link.take();
        if let Some(link) = &previous
            && link.is_open()
            && link.instance == instance
            && link.is_preferred
            && !is_preferred
        {
            conduct.link = previous;
            return Err(CloseReason::Duplicate);
        }
        let link = Arc::new(Link::new(peer, connection.clone(), instance, is_preferred));
        conduct.link = Some(Arc::clone(&link));
        let mut inlets = crate::lock(&self.inlets);
        if previous.is_some() {
            inlets.down(peer, self.is_follower(peer));
        }
        inlets.up(peer, self.is_follower(peer));
        drop((inlets, conduct));
        if let Some(old) = previous {
            old.close(if old.instance == instance { CloseReason::Duplicate } else { CloseReason::Replaced });
        }
        self.stats.connections.add(1);
        slot.changed.notify_one();
        self.refresh();
        tracing::info!(peer = peer.0, address = %link.connection.remote_address(), dialled_here, "peer up");
        Ok(link)
    }

    /// Forgets a link whose connection has ended, unless another one has taken its place.
    pub(crate) fn remove(&self, link: &Arc<Link>, why: &str) {
        let Some(slot) = self.slot(link.peer) else { return };
        let mut conduct = crate::lock(&slot.conduct);
        if !conduct.link.as_ref().is_some_and(|current| Arc::ptr_eq(current, link)) {
            tracing::debug!(peer = link.peer.0, why, "an older connection ended");
            return;
        }
        conduct.link = None;
        conduct.was_stable = link.since.elapsed() >= STABLE_AFTER;
        conduct.last_error = Some(why.to_owned());
        crate::lock(&self.inlets).down(link.peer, self.is_follower(link.peer));
        drop(conduct);
        slot.changed.notify_one();
        self.refresh();
        tracing::info!(peer = link.peer.0, why, "peer down");
    }

    /// Closes a link for a reason of this node's; counts it, and blames the peer where it is to blame.
    pub(crate) fn close(&self, link: &Link, reason: CloseReason) {
        if !link.is_open() {
            return;
        }
        if let Some(reject) = reason.reject() {
            self.stats.reject(reject);
        }
        let is_offence =
            matches!(reason, CloseReason::BadFrame(_) | CloseReason::ExtraStream | CloseReason::NotAllowed(_));
        link.close(reason);
        if is_offence {
            self.punish(link.peer, score::BAD_FRAME_POINTS, "bad frame");
        }
    }

    /// Does what another thread asks for.
    pub(crate) fn execute(&self, command: NetworkCommand) {
        match command {
            NetworkCommand::Blame { peer, offence } => self.punish(peer, offence.points(), score::name(offence)),
            // A follower has nothing to say but its questions.
            NetworkCommand::Send { kind, .. } if self.own.sender == PeerId::FOLLOWER && kind != FrameKind::Request => {}
            NetworkCommand::Send { kind, ref payload, .. } if payload.len() > kind.max_bytes() => {
                // Peers would ban this node for it.
                let (kind, bytes, limit) = (kind.name(), payload.len(), kind.max_bytes());
                tracing::error!(kind, bytes, limit, "a frame above its limit was not sent");
                self.stats.reject(Reject::Oversized);
            }
            NetworkCommand::Send { to: Recipients::All, kind, payload } => {
                for slot in self.slots.values() {
                    if let Some(link) = slot.link() {
                        self.send(&link, kind, payload.clone());
                    }
                }
            }
            NetworkCommand::Send { to: Recipients::Followers, kind, payload } => {
                let followers: Vec<_> = crate::lock(&self.followers).values().cloned().collect();
                for link in followers.iter().filter_map(|slot| slot.link()) {
                    self.send(&link, kind, payload.clone());
                }
            }
            NetworkCommand::Send { to: Recipients::One(peer), kind, payload } => {
                match self.slot(peer).and_then(|slot| slot.link()) {
                    Some(link) => self.send(&link, kind, payload),
                    None => self.stats.lane(kind.lane()).dropped_out.add(1),
                }
            }
        }
    }

    /// Transactions and sync are dropped when they do not fit: they are asked for again. Consensus is never dropped in
    /// silence: a peer that cannot take it is disconnected and told so.
    fn send(&self, link: &Link, kind: FrameKind, payload: Bytes) {
        let lane = kind.lane();
        let is_droppable = matches!(lane, Lane::Transactions | Lane::Sync);
        let limit = match (is_droppable, self.is_follower(link.peer)) {
            (_, true) => FOLLOWER_QUEUE_BYTES,
            (true, false) => self.config.droppable_queue_bytes,
            (false, false) => self.config.consensus_queue_bytes,
        };
        if let Err(waiting) = link.send(kind, payload, limit) {
            self.stats.lane(lane).dropped_out.add(1);
            if !is_droppable {
                self.close(link, CloseReason::TooSlow(waiting, lane.name()));
            }
        }
    }

    /// A peer goes on sending more than a lane takes.
    pub(crate) fn flooded(&self, peer: PeerId) {
        self.stats.reject(Reject::Flood);
        self.punish(peer, Offence::Flood.points(), score::name(Offence::Flood));
    }

    fn punish(&self, peer: PeerId, points: u64, offence: &'static str) {
        let Some(slot) = self.slot(peer) else { return };
        let first = Duration::from_millis(self.config.ban_ms);
        let longest = Duration::from_millis(self.config.ban_max_ms);
        let mut conduct = crate::lock(&slot.conduct);
        conduct.last_offence = offence;
        let ban = conduct.score.add(points, Instant::now(), first, longest);
        let link = conduct.link.clone();
        drop(conduct);
        tracing::debug!(peer = peer.0, points, offence, "peer blamed");
        let Some(ban) = ban else { return };
        self.stats.bans.add(1);
        let seconds = ban.as_secs();
        tracing::warn!(peer = peer.0, offence, seconds, "peer banned after repeated offences");
        if let Some(link) = link {
            self.close(&link, CloseReason::Banned { seconds, offence });
        }
    }

    /// Remembers why a connection did not come about and logs it, each complaint about each peer once in a while.
    pub(crate) fn complain(&self, peer: Option<PeerId>, kind: u32, is_grave: bool, text: String) {
        if let Some(slot) = peer.and_then(|peer| self.slot(peer)) {
            crate::lock(&slot.conduct).last_error = Some(text.clone());
        }
        let now = Instant::now();
        let mut logged = crate::lock(&self.logged);
        let is_news = logged.get(&(peer, kind)).is_none_or(|at| now.saturating_duration_since(*at) >= LOG_PAUSE);
        if is_news {
            logged.insert((peer, kind), now);
        }
        drop(logged);
        let peer = peer.map(|peer| peer.0);
        match (is_news, is_grave) {
            (true, true) => tracing::warn!(peer, "no connection: {text}"),
            (true, false) => tracing::info!(peer, "no connection: {text}"),
            (false, _) => tracing::debug!(peer, "no connection: {text}"),
        }
        self.stats.set_last_refusal(text);
    }

    /// Brings what observers see up to date.
    pub(crate) fn refresh(&self) {
        let mut peers: Vec<PeerInfo> = self.slots.values().map(|slot| slot.info(false)).collect();
        self.status.peers.set(peers.iter().filter(|peer| peer.connected).count() as u64);
        peers.extend(crate::lock(&self.followers).values().map(|slot| slot.info(true)));
        self.stats.set_peers(peers);
    }

    pub(crate) fn count_sent(&self, link: &Link, lane: Lane, frames: u64, bytes: u64) {
        let stats = self.stats.lane(lane);
        stats.frames_out.add(frames);
        stats.bytes_out.add(bytes);
        link.bytes_out.add(bytes);
        self.status.bytes_sent.add(bytes);
    }

    pub(crate) fn count_received(&self, link: &Link, lane: Lane, bytes: u64) {
        let stats = self.stats.lane(lane);
        stats.frames_in.add(1);
        stats.bytes_in.add(bytes);
        link.bytes_in.add(bytes);
        self.status.bytes_received.add(bytes);
    }
}
