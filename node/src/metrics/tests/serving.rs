use super::super::server::spawn;
use super::scrape::{Scrape, get, get_as};
use super::{ALL, Bench};
use crate::run::unix_us;
use serde_json::Value;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

fn serve(bench: &Bench) -> (SocketAddr, crate::metrics::MetricsHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (listener.local_addr().unwrap(), spawn(listener, bench.observer()).unwrap())
}

/// Status, and the words of the reasons.
fn ready(address: SocketAddr) -> (u16, Vec<String>) {
    let (status, body) = get(address, "/readyz");
    let body: Value = serde_json::from_str(&body).unwrap();
    let reasons = body["reasons"].as_array().unwrap().iter();
    let words: Vec<_> = reasons.map(|reason| reason["reason"].as_str().unwrap().to_owned()).collect();
    assert_eq!(body["ready"], words.is_empty(), "{body}");
    (status, words)
}

#[test]
fn readiness_follows_what_the_services_say() {
    let bench = Bench::new();
    let (address, _handle) = serve(&bench);
    assert_eq!(ready(address), (503, ["not_finalizing", "too_few_peers"].map(str::to_owned).to_vec()));
    let status = Arc::clone(&bench.sources.status);
    status.height.set(100);
    status.known_height.set(100);
    status.block_time_ms.set(unix_us() / 1000 + 3_600_000);
    status.peers.set(4);
    assert_eq!(ready(address), (200, vec![]));
    assert_eq!(Scrape::of(address).value("minuet_node_ready"), 1.0);
    status.known_height.set(165);
    assert_eq!(ready(address), (503, vec!["syncing".to_owned()]));
    status.known_height.set(100);
    status.disk_free_bytes.set(255 << 20);
    assert_eq!(ready(address), (503, vec!["low_disk".to_owned()]));
    status.disk_free_bytes.set(256 << 20);
    status.block_time_ms.set(unix_us() / 1000 - 11_000);
    assert_eq!(ready(address), (503, vec!["not_finalizing".to_owned()]));
    status.block_time_ms.set(unix_us() / 1000 + 3_600_000);
    status.stopping.store(true, Relaxed);
    assert_eq!(ready(address), (503, vec!["stopping".to_owned()]));
    assert_eq!(get(address, "/livez").0, 200, "it lives until it is gone");
    assert_eq!(Scrape::of(address).value("minuet_node_ready"), 0.0);
}

#[test]
fn silent_clients_keep_nobody_out_and_other_paths_are_named() {
    let bench = Bench::new();
    let (address, handle) = serve(&bench);
    let mut silent: Vec<TcpStream> = (0..80).map(|_| TcpStream::connect(address).unwrap()).collect();
    silent[0].write_all(b"GET /metr").unwrap();
    assert_eq!(Scrape::of(address).names().len(), ALL.len() - 4, "all but those of rings");
    let (status, text) = get(address, "/");
    assert_eq!(status, 404);
    let (status, refusal) = get_as(address, "elsewhere.example", "/metrics");
    assert!(status == 421 && !refusal.contains("minuet_"), "another name for the loopback: {refusal}");
    assert!(["/metrics", "/livez", "/readyz"].iter().all(|path| text.contains(path)), "{text}");
    assert_eq!(get(address, "/livez"), (200, "{\"alive\":true}\n".to_owned()));
    handle.stop();
    assert!(TcpStream::connect(address).is_err(), "nothing listens any more");
}
