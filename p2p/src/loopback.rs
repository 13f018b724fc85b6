//! What QUIC costs on this machine: two endpoints on loopback with the settings and the mutual keys of the service, each on
//! a thread and an event loop of its own, as in a node.
//!
//! Owns: a measurement, for `minuet limits`. Never does: touch a running service, listen beyond loopback, outlive its call.

use crate::config::P2pConfig;
use crate::frame::HEADER_BYTES;
use crate::tls::TlsKey;
use crate::transport::Dialling;
use minuet_core::alloy_primitives::bytes::Bytes;
use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use minuet_core::wire::FrameKind;
use quinn::{Endpoint, ReadExactError, RecvStream, SendStream, VarInt};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// What goes back and forth: as long as the longest statement's frame.
const PING_BYTES: usize = HEADER_BYTES + FrameKind::Statement.max_bytes();
/// Before anything counts: the path's packet size is found meanwhile.
const WARM_UP_PINGS: u32 = 100;
/// Written and read at once.
const CHUNK_BYTES: usize = 256 << 10;
/// For one side to do its next step; far above what any takes.
const LIMIT: Duration = Duration::from_secs(10);

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Pings one after the other, for so long.
    pub back_to_back: Duration,
    /// Pings with a pause before each.
    pub idle_pings: u32,
    /// That pause.
    pub idle_pause: Duration,
    /// Bytes one way as fast as they go, for so long.
    pub bulk: Duration,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loopback {
    /// Microseconds from one thread to the other, wake-up included, pings one after the other; the median.
    pub one_way_us: f64,
    /// The same after a pause.
    pub one_way_idle_us: f64,
    /// Processor time of both sides together for one of all these pings, or its answer.
    pub cpu_us_per_message: f64,
    /// One way, one stream.
    pub bytes_per_second: f64,
    /// Processor time of both sides together for a byte of that, in nanoseconds.
    pub cpu_ns_per_byte: f64,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
#[error("QUIC on loopback: {0}")]
pub struct LoopbackError(String);

fn failed(what: &'static str) -> impl Fn(&dyn fmt::Display) -> LoopbackError {
    move |error| LoopbackError(format!("{what}: {error}"))
}

/// Measures. `thread_cpu` is the calling thread's processor time so far.
///
/// # Errors
/// When the system gives no socket, thread or event loop, or the endpoints do not reach each other.
pub fn measure(plan: &Plan, thread_cpu: fn() -> Duration) -> Result<Loopback, LoopbackError> {
    let (server, client) = (Side::new()?, Side::new()?);
    let (address, server_key, client_key) = (server.address, server.key, client.key);
    std::thread::scope(|scope| {
        let serve = move || server.run(client_key, |endpoint, _| serve(endpoint, thread_cpu));
        let thread = std::thread::Builder::new().name("loopback".to_owned()).spawn_scoped(scope, serve);
        let thread = thread.map_err(|error| failed("no thread")(&error))?;
        let asked = client.run(server_key, |endpoint, dialling| async move {
            let config = dialling.client(server_key).map_err(|error| failed("settings")(&error))?;
            let connecting = endpoint.connect_with(config, address, "minuet");
            let connection = connecting
                .map_err(|error| failed("dialling")(&error))?
                .await
                .map_err(|error| failed("dialling")(&error))?;
            ask(&connection, plan, thread_cpu).await
        });
        let served = thread.join().map_err(|_| LoopbackError("the answering side panicked".to_owned()))?;
        // What the asking side says of a failure follows from what the answering side says.
        let (served, asked) = (served?, asked?);
        let bytes = served.bytes.max(1) as f64;
        let cpu = asked.bulk_cpu + served.cpu;
        // Each ping is a message, and so is its answer.
        let pings = asked.pings_cpu / asked.pings.max(1) + served.pings_cpu / served.pings.max(1);
        Ok(Loopback {
            one_way_us: asked.one_way_us,
            one_way_idle_us: asked.one_way_idle_us,
            cpu_us_per_message: pings.as_secs_f64() * 1e6 / 2.0,
            bytes_per_second: bytes / served.took.as_secs_f64().max(1e-9),
            cpu_ns_per_byte: cpu.as_secs_f64() * 1e9 / bytes,
        })
    })
}

/// One of the two, before it runs.
struct Side {
    socket: UdpSocket,
    address: SocketAddr,
    key: Ed25519PublicKey,
    dialling: Dialling,
    runtime: Runtime,
}

impl Side {
    fn new() -> Result<Self, LoopbackError> {
        let secret = Ed25519SecretKey::generate().map_err(|error| failed("no key")(&error))?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| failed("no socket")(&error))?;
        let address = socket.local_addr().map_err(|error| failed("no socket")(&error))?;
        let tls = TlsKey::new(&secret).map_err(|error| failed("TLS")(&error))?;
        let dialling = Dialling::new(tls, &P2pConfig::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed("no event loop")(&error))?;
        Ok(Self { socket, address, key: secret.public_key(), dialling, runtime })
    }

    /// Runs it to its end on the calling thread.
    fn run<T, F: Future<Output = Result<T, LoopbackError>>>(
        self,
        other: Ed25519PublicKey,
        work: impl FnOnce(Endpoint, Dialling) -> F,
    ) -> Result<T, LoopbackError> {
        let Self { socket, dialling, runtime, .. } = self;
        runtime.block_on(async {
            let endpoint =
                dialling.endpoint(socket, Some([other].into())).map_err(|error| failed("endpoint")(&error))?;
            let outcome = work(endpoint.clone(), dialling).await;
            // Here after a failure too: the other side ends at once.
            endpoint.close(VarInt::from_u32(0), b"measured");
            let _ = timeout(LIMIT, endpoint.wait_idle()).await;
            outcome
        })
    }
}

struct Served {
    pings: u32,
    pings_cpu: Duration,
    bytes: u64,
    took: Duration,
    cpu: Duration,
}

/// Sends every ping back; then takes in what comes.
async fn serve(endpoint: Endpoint, thread_cpu: fn() -> Duration) -> Result<Served, LoopbackError> {
    let incoming = timeout(LIMIT, endpoint.accept()).await.ok().flatten();
    let incoming = incoming.ok_or_else(|| LoopbackError("nobody dialled".to_owned()))?;
    let connection = incoming.await.map_err(|error| failed("accepting")(&error))?;
    let mut pongs = connection.open_uni().await.map_err(|error| failed("opening")(&error))?;
    let mut pings = connection.accept_uni().await.map_err(|error| failed("opening")(&error))?;
    let mut frame = [0; PING_BYTES];
    let (mut count, cpu) = (0_u32, thread_cpu());
    loop {
        match pings.read_exact(&mut frame).await {
            Ok(()) => pongs.write_all(&frame).await.map_err(|error| failed("answering")(&error))?,
            Err(ReadExactError::FinishedEarly(0)) => break,
            Err(error) => return Err(failed("reading")(&error)),
        }
        count = count.saturating_add(1);
    }
    let pings_cpu = thread_cpu().saturating_sub(cpu);
    let mut bulk = connection.accept_uni().await.map_err(|error| failed("opening")(&error))?;
    let (begun, cpu, mut bytes) = (Instant::now(), thread_cpu(), 0_u64);
    while let Some(chunk) = bulk.read_chunk(CHUNK_BYTES, true).await.map_err(|error| failed("reading")(&error))? {
        bytes = bytes.saturating_add(chunk.bytes.len() as u64);
    }
    let served =
        Served { pings: count, pings_cpu, bytes, took: begun.elapsed(), cpu: thread_cpu().saturating_sub(cpu) };
    // The other side leaves when all has been acknowledged.
    let _ = timeout(LIMIT, connection.closed()).await;
    Ok(served)
}

struct Asked {
    pings: u32,
    pings_cpu: Duration,
    one_way_us: f64,
    one_way_idle_us: f64,
    bulk_cpu: Duration,
}

async fn ask(
    connection: &quinn::Connection,
    plan: &Plan,
    thread_cpu: fn() -> Duration,
) -> Result<Asked, LoopbackError> {
    let mut pings = connection.open_uni().await.map_err(|error| failed("opening")(&error))?;
    let begun_cpu = thread_cpu();
    pings.write_all(&[0; PING_BYTES]).await.map_err(|error| failed("writing")(&error))?;
    let mut pongs = connection.accept_uni().await.map_err(|error| failed("opening")(&error))?;
    pongs.read_exact(&mut [0; PING_BYTES]).await.map_err(|error| failed("reading")(&error))?;
    for _ in 0..WARM_UP_PINGS {
        ping(&mut pings, &mut pongs).await?;
    }
    let (mut waking, until) = (Vec::new(), Instant::now() + plan.back_to_back);
    while waking.is_empty() || Instant::now() < until {
        waking.push(ping(&mut pings, &mut pongs).await?);
    }
    let mut idle = Vec::new();
    let mut ticks = tokio::time::interval(plan.idle_pause);
    for _ in 0..plan.idle_pings.max(1) {
        ticks.tick().await;
        idle.push(ping(&mut pings, &mut pongs).await?);
    }
    let count = 1 + WARM_UP_PINGS as usize + waking.len() + idle.len();
    let pings_cpu = thread_cpu().saturating_sub(begun_cpu);
    pings.finish().map_err(|error| failed("writing")(&error))?;

    let mut bulk = connection.open_uni().await.map_err(|error| failed("opening")(&error))?;
    let (chunk, cpu, until) = (Bytes::from(vec![0; CHUNK_BYTES]), thread_cpu(), Instant::now() + plan.bulk);
    while Instant::now() < until {
        bulk.write_chunk(chunk.clone()).await.map_err(|error| failed("writing")(&error))?;
    }
    bulk.finish().map_err(|error| failed("writing")(&error))?;
    bulk.stopped().await.map_err(|error| failed("writing")(&error))?;
    let bulk_cpu = thread_cpu().saturating_sub(cpu);
    let pings = u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Asked {
        pings,
        pings_cpu,
        one_way_us: half_of_median_us(&mut waking),
        one_way_idle_us: half_of_median_us(&mut idle),
        bulk_cpu,
    })
}

/// There and back.
async fn ping(pings: &mut SendStream, pongs: &mut RecvStream) -> Result<Duration, LoopbackError> {
    let begun = Instant::now();
    pings.write_all(&[0; PING_BYTES]).await.map_err(|error| failed("writing")(&error))?;
    pongs.read_exact(&mut [0; PING_BYTES]).await.map_err(|error| failed("reading")(&error))?;
    Ok(begun.elapsed())
}

fn half_of_median_us(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1e6 / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No processor clock is at hand here; time itself is one for a thread that does nothing else.
    fn time() -> Duration {
        static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        BEGUN.get_or_init(Instant::now).elapsed()
    }

    #[test]
    fn two_endpoints_with_the_settings_of_the_service_are_measured() {
        let ms = Duration::from_millis;
        let plan = Plan { back_to_back: ms(20), idle_pings: 5, idle_pause: ms(2), bulk: ms(50) };
        let measured = measure(&plan, time).unwrap();
        assert!(measured.one_way_us > 1.0 && measured.one_way_us < 100_000.0, "{measured:?}");
        assert!(measured.one_way_idle_us > 1.0 && measured.one_way_idle_us < 100_000.0, "{measured:?}");
        assert!(measured.cpu_us_per_message > 0.1 && measured.cpu_us_per_message < 100_000.0, "{measured:?}");
        assert!(measured.bytes_per_second > 1e6, "{measured:?}");
        assert!(measured.cpu_ns_per_byte > 0.0, "{measured:?}");
    }

    #[test]
    fn one_way_is_half_of_the_median_there_and_back() {
        let ms = Duration::from_millis;
        assert_eq!(half_of_median_us(&mut [ms(30), ms(10), ms(20)]), 10_000.0);
        assert_eq!(half_of_median_us(&mut []), 0.0);
    }

    #[test]
    fn an_endpoint_with_another_key_than_the_expected_one_ends_the_measurement() {
        let (server, client) = (Side::new().unwrap(), Side::new().unwrap());
        let (address, stranger) = (server.address, client.key);
        std::thread::scope(|scope| {
            // Both expect the client's own key.
            let serving = scope.spawn(move || server.run(stranger, |endpoint, _| serve(endpoint, time)));
            let dialled = client.run(stranger, |endpoint, dialling| async move {
                let connecting = endpoint.connect_with(dialling.client(stranger).unwrap(), address, "minuet").unwrap();
                connecting.await.map(drop).map_err(|error| failed("dialling")(&error))
            });
            assert!(dialled.unwrap_err().to_string().contains("wrong key"));
            assert!(serving.join().unwrap().is_err());
        });
    }
}
