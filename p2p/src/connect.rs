//! How connections come about: dialling with backoff, accepting, the handshake on either side.

use crate::closing::{CloseReason, describe, is_key_refusal, is_misconfiguration};
use crate::hello::{HELLO_BYTES, Hello, PREFIX_BYTES};
use crate::hub::{Hub, Slot};
use crate::link::{Link, run_link};
use crate::stats::Reject;
use crate::tls::proven_key;
use minuet_core::PeerId;
use minuet_core::ed25519::Ed25519PublicKey;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, Incoming, ReadExactError, RecvStream, SendStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

/// Handshakes with strangers at a time; beyond half of it they must first show that their address is theirs.
const HANDSHAKES: usize = 64;
/// Bytes on their way to a follower: a slow reader among strangers costs no more memory.
const FOLLOWER_SEND_WINDOW_BYTES: u64 = 2 << 20;
/// Above all lanes.
const HANDSHAKE_PRIORITY: i32 = 100;
/// Complaints are limited by kind: close codes, and these.
const KEY_COMPLAINT: u32 = 1000;
const REACH_COMPLAINT: u32 = 1001;

/// Why a connection did not become a link.
enum Failure {
    /// The other side or the network ended it.
    Lost(ConnectionError),
    /// This side refuses it.
    Refused(CloseReason),
    /// It was not even tried.
    Local(String),
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        Self::Lost(error)
    }
}

impl From<CloseReason> for Failure {
    fn from(reason: CloseReason) -> Self {
        Self::Refused(reason)
    }
}

/// Pauses that double, with jitter, so that a committee that starts together does not dial in step.
#[derive(Debug)]
struct Backoff {
    min_ms: u64,
    max_ms: u64,
    next_ms: u64,
}

impl Backoff {
    fn pause(&mut self) -> Duration {
        let base = self.next_ms;
        self.next_ms = base.saturating_mul(2).min(self.max_ms);
        let spread = (base / 2).max(1);
        let random = getrandom::u64().unwrap_or_default() % spread;
        Duration::from_millis(base - base / 4 + random)
    }

    const fn reset(&mut self) {
        self.next_ms = self.min_ms;
    }
}

/// Sees to it that there is a link to the peer, for ever.
pub(crate) async fn keep_connected(hub: Arc<Hub>, endpoint: Endpoint, client: ClientConfig, slot: Arc<Slot>) {
    let Some(address) = slot.entry.address else { return };
    let peer = slot.entry.peer;
    let (min_ms, max_ms) = (hub.config.reconnect_min_ms, hub.config.reconnect_max_ms);
    let mut backoff = Backoff { min_ms, max_ms, next_ms: min_ms };
    let own = hub.hello_to(peer).sender;
    // Nobody dials a follower.
    let dials_first = own < peer || own == PeerId::FOLLOWER;
    let head_start = Duration::from_millis(if dials_first { 0 } else { hub.config.dial_head_start_ms });
    loop {
        if wait_until_alone(&slot).await {
            if slot.was_stable() {
                backoff.reset();
            } else if linked_within(&slot, backoff.pause()).await {
                continue;
            }
        }
        if linked_within(&slot, head_start).await {
            continue;
        }
        let Err(failure) = dial(&hub, &endpoint, &client, peer, address).await else { continue };
        hub.stats.failed_dials.add(1);
        report(&hub, Some(peer), &format!("peer {peer} at {address}"), failure);
        let _ = linked_within(&slot, backoff.pause()).await;
    }
}

/// Waits while there is a link or a ban; true if there was a link.
async fn wait_until_alone(slot: &Slot) -> bool {
    let mut was_linked = false;
    loop {
        if slot.is_linked() {
            was_linked = true;
            slot.changed.notified().await;
        } else if let Some(left) = slot.banned_for() {
            tokio::time::sleep(left).await;
        } else {
            return was_linked;
        }
    }
}

/// Waits for so long; true as soon as there is a link.
async fn linked_within(slot: &Slot, pause: Duration) -> bool {
    let deadline = Instant::now() + pause;
    while !slot.is_linked() {
        if timeout_at(deadline, slot.changed.notified()).await.is_err() {
            return slot.is_linked();
        }
    }
    true
}

async fn dial(
    hub: &Arc<Hub>,
    endpoint: &Endpoint,
    client: &ClientConfig,
    peer: PeerId,
    address: std::net::SocketAddr,
) -> Result<(), Failure> {
    let connecting = endpoint
        .connect_with(client.clone(), address, "minuet")
        .map_err(|error| Failure::Local(format!("cannot be dialled: {error}")))?;
    let limit = Duration::from_millis(hub.config.handshake_timeout_ms);
    let connection = timeout(limit, connecting).await.map_err(|_| ConnectionError::TimedOut)??;
    let link = refuse_or(&connection, limit, greet(hub, &connection, peer)).await?;
    tokio::spawn(run_link(Arc::clone(hub), link));
    Ok(())
}

/// Bounds a handshake in time and closes the connection with the reason when it fails here.
async fn refuse_or(
    connection: &Connection,
    limit: Duration,
    handshake: impl Future<Output = Result<Arc<Link>, Failure>>,
) -> Result<Arc<Link>, Failure> {
    let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    let outcome =
        timeout(limit, handshake).await.unwrap_or_else(|_| Err(CloseReason::HandshakeTimeout(limit_ms).into()));
    if let Err(Failure::Refused(reason)) = &outcome {
        reason.close(connection);
    }
    outcome
}

/// The dialler's side: the link is there when the other side has said that it accepts.
async fn greet(hub: &Hub, connection: &Connection, peer: PeerId) -> Result<Arc<Link>, Failure> {
    let (mut send, mut recv) = connection.open_bi().await?;
    say(&mut send, connection, &hub.hello_to(peer)).await?;
    let answer = hear(&mut recv, connection, hub.hello_to(peer).version).await?;
    answer.check(&hub.hello_to(peer), Some(peer))?;
    Ok(hub.install(peer, connection, answer.instance, true)?)
}

/// The other side. A key of nobody's is a follower's, if it says so; its number is given here.
async fn welcome(hub: &Hub, connection: &Connection, key: Ed25519PublicKey) -> Result<Arc<Link>, Failure> {
    let (mut send, mut recv) = connection.accept_bi().await?;
    let known = hub.peer_of(&key);
    let own = hub.hello_to(known.unwrap_or(PeerId::FOLLOWER));
    let hello = hear(&mut recv, connection, own.version).await?;
    if known.is_none() && hello.sender != PeerId::FOLLOWER {
        return Err(CloseReason::UnknownKey(key).into());
    }
    hello.check(&own, Some(own.recipient))?;
    let peer = match known {
        Some(peer) => peer,
        None => {
            connection.set_send_window(FOLLOWER_SEND_WINDOW_BYTES);
            hub.admit(key)?
        }
    };
    let link = hub.install(peer, connection, hello.instance, false)?;
    // A failure here ends the connection, which the link's watcher sees.
    if let Err(Failure::Refused(reason)) = say(&mut send, connection, &own).await {
        hub.close(&link, reason);
    }
    Ok(link)
}

async fn say(send: &mut SendStream, connection: &Connection, hello: &Hello) -> Result<(), Failure> {
    let failed = |_| lost_or(connection, "the handshake's stream was stopped");
    let _ = send.set_priority(HANDSHAKE_PRIORITY);
    send.write_all(&hello.encode()).await.map_err(failed)?;
    let _ = send.finish();
    Ok(())
}

async fn hear(recv: &mut RecvStream, connection: &Connection, version: u32) -> Result<Hello, Failure> {
    let failed = |error| match error {
        ReadExactError::ReadError(quinn::ReadError::ConnectionLost(error)) => Failure::Lost(error),
        _ => lost_or(connection, "it ends early"),
    };
    let mut prefix = [0; PREFIX_BYTES];
    recv.read_exact(&mut prefix).await.map_err(failed)?;
    let theirs = Hello::read_version(&prefix)?;
    if theirs != version {
        // What follows may look different in another version.
        return Err(CloseReason::WrongVersion { theirs, ours: version }.into());
    }
    let mut rest = [0; HELLO_BYTES - PREFIX_BYTES];
    recv.read_exact(&mut rest).await.map_err(failed)?;
    Ok(Hello::decode_rest(theirs, &rest))
}

fn lost_or(connection: &Connection, text: &'static str) -> Failure {
    connection.close_reason().map_or(Failure::Refused(CloseReason::Malformed(text)), Failure::Lost)
}

/// Takes what comes, until the endpoint is closed.
pub(crate) async fn accept_all(hub: Arc<Hub>, endpoint: Endpoint) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    while let Some(incoming) = endpoint.accept().await {
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            hub.stats.reject(Reject::Busy);
            incoming.refuse();
            continue;
        };
        if places.available_permits() < HANDSHAKES / 2 && !incoming.remote_address_validated() && incoming.may_retry() {
            // Fails only for an address that is validated already.
            let _ = incoming.retry();
            continue;
        }
        let hub = Arc::clone(&hub);
        tokio::spawn(async move {
            let link = accept(&hub, incoming).await;
            drop(place);
            if let Some(link) = link {
                run_link(hub, link).await;
            }
        });
    }
}

async fn accept(hub: &Arc<Hub>, incoming: Incoming) -> Option<Arc<Link>> {
    let remote = incoming.remote_address();
    let limit = Duration::from_millis(hub.config.handshake_timeout_ms);
    let connected = timeout(limit, incoming.into_future()).await;
    let connection = match connected {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => {
            report(hub, None, &format!("a node at {remote}"), error.into());
            return None;
        }
        Err(_) => {
            hub.stats.reject(Reject::Handshake);
            return None;
        }
    };
    let Some(key) = proven_key(&connection) else {
        CloseReason::Malformed("no Ed25519 key").close(&connection);
        return None;
    };
    let peer = hub.peer_of(&key);
    match refuse_or(&connection, limit, welcome(hub, &connection, key)).await {
        Ok(link) => Some(link),
        Err(failure) => {
            let who = peer.map_or("a node".to_owned(), |peer| format!("peer {peer}"));
            report(hub, peer, &format!("{who} from {remote}"), failure);
            None
        }
    }
}

/// Counts and logs why there is no link.
fn report(hub: &Hub, peer: Option<PeerId>, who: &str, failure: Failure) {
    match failure {
        Failure::Refused(reason) => {
            if let Some(reject) = reason.reject() {
                hub.stats.reject(reject);
            }
            if reason == CloseReason::Duplicate {
                tracing::debug!(who, "a second connection is not needed");
                return;
            }
            hub.complain(peer, reason.code(), reason.is_misconfiguration(), format!("{who}: refused here: {reason}"));
        }
        Failure::Lost(error) => {
            let text = format!("{who}: {}", describe(&error));
            match &error {
                ConnectionError::ApplicationClosed(close)
                    if close.error_code.into_inner() == u64::from(CloseReason::Duplicate.code()) =>
                {
                    tracing::debug!("{text}");
                }
                ConnectionError::ApplicationClosed(close) => {
                    let code = u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX);
                    // Codes of strangers' invention must not fill the table of complaints.
                    let code = code.min(100);
                    hub.complain(peer, 100 + code, is_misconfiguration(code), text);
                }
                _ if is_key_refusal(&error) => {
                    hub.stats.reject(Reject::UnknownKey);
                    hub.complain(peer, KEY_COMPLAINT, true, text);
                }
                _ => hub.complain(peer, REACH_COMPLAINT, false, text),
            }
        }
        Failure::Local(text) => hub.complain(peer, REACH_COMPLAINT, true, format!("{who}: {text}")),
    }
}
