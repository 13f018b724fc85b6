//! A stretch of network between the node and one puppet, which loses what the test wants lost.

use crate::processes::LIMIT;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Datagrams up to this size carry acknowledgements and signs of life.
const SMALL_BYTES: usize = 100;
/// How often a silent relay looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);
const DATAGRAM_BYTES: usize = 65_536;

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    is_narrow: AtomicBool,
    /// Bytes in large datagrams that still pass from the puppet to the node while the relay is narrow.
    left: AtomicI64,
    node: Mutex<Option<SocketAddr>>,
}

/// Forwards datagrams between the node, which knows the relay's address as the puppet's, and the puppet.
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Relay {
    pub fn to(puppet: SocketAddr) -> Self {
        let socket = || {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            socket.set_read_timeout(Some(LOOK)).unwrap();
            Arc::new(socket)
        };
        let (front, back) = (socket(), socket());
        back.connect(puppet).unwrap();
        let (address, shared) = (front.local_addr().unwrap(), Arc::new(Shared::default()));
        let threads = vec![inwards(&front, &back, &shared), outwards(&front, &back, &shared)];
        Self { address, shared, threads }
    }

    /// Where the node finds the puppet.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on only so many more bytes of what the puppet says reach the node, besides its signs of life.
    pub fn narrow(&self, bytes: usize) {
        self.shared.left.store(i64::try_from(bytes).unwrap(), SeqCst);
        self.shared.is_narrow.store(true, SeqCst);
    }

    /// Waits until those bytes are used up.
    pub fn waits_used_up(&self) {
        let begun = std::time::Instant::now();
        while self.shared.left.load(SeqCst) > 0 {
            assert!(begun.elapsed() < LIMIT, "the relay was not used up");
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Node to puppet: everything.
fn inwards(front: &Arc<UdpSocket>, back: &Arc<UdpSocket>, shared: &Arc<Shared>) -> JoinHandle<()> {
    let (front, back, shared) = (front.clone(), back.clone(), shared.clone());
    std::thread::spawn(move || {
        let mut buffer = vec![0; DATAGRAM_BYTES];
        while !shared.stop.load(SeqCst) {
            if let Ok((length, from)) = front.recv_from(&mut buffer) {
                *shared.node.lock().unwrap() = Some(from);
                // A datagram that cannot be sent is a lost one.
                let _ = back.send(&buffer[..length]);
            }
        }
    })
}

/// Puppet to node: everything, or what is left.
fn outwards(front: &Arc<UdpSocket>, back: &Arc<UdpSocket>, shared: &Arc<Shared>) -> JoinHandle<()> {
    let (front, back, shared) = (front.clone(), back.clone(), shared.clone());
    std::thread::spawn(move || {
        let mut buffer = vec![0; DATAGRAM_BYTES];
        while !shared.stop.load(SeqCst) {
            let Ok(length) = back.recv(&mut buffer) else { continue };
            if length > SMALL_BYTES && shared.is_narrow.load(SeqCst) {
                let bytes = i64::try_from(length).unwrap();
                if shared.left.fetch_sub(bytes, SeqCst) < bytes {
                    continue;
                }
            }
            let node = *shared.node.lock().unwrap();
            if let Some(node) = node {
                let _ = front.send_to(&buffer[..length], node);
            }
        }
    })
}
