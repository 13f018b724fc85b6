//! A real server on a free port, clients on plain sockets, a chain in memory.

mod clients;
mod pages;
mod stream;

use crate::server::{Shared, start};
use crate::{BlockSource, FleetEntry, PeerLink, PeerSource, VisualizerConfig, VisualizerContext, VisualizerHandle};
use minuet_core::account::EMPTY_ROOT_HASH;
use minuet_core::block::Body;
use minuet_core::bls::BlsSecretKey;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::fees::FeeRules;
use minuet_core::genesis::{Genesis, GenesisFile, GenesisValidator};
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::statement::Statement;
use minuet_core::status::NodeStatus;
use minuet_core::store::StoreError;
use minuet_core::transaction::transactions_root;
use minuet_core::views::{ShownBlock, ViewWriter};
use minuet_core::{Address, B256, Bytes, Digest, Epoch, Height, PeerId, TimeMs, ValidatorIndex, View};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Far above what anything here takes.
const LIMIT: Duration = Duration::from_secs(30);
/// For clients that do not read.
const PATIENCE: Duration = Duration::from_millis(300);

fn key(seed: u8) -> BlsSecretKey {
    BlsSecretKey::from_ikm(&[seed; 32])
}

fn genesis(chain_id: u64) -> Genesis {
    let validators = (1u8..=6).map(|seed| GenesisValidator {
        bls_key: key(seed).public_key().as_bytes().to_vec().into(),
        proof_of_possession: key(seed).prove_possession().as_bytes().to_vec().into(),
        network_key: Ed25519SecretKey::from_bytes(&[seed; 32]).public_key().as_bytes().into(),
        fee_recipient: Address::repeat_byte(seed),
    });
    let file = GenesisFile {
        version: 1,
        chain_id,
        time_ms: 1_000_000,
        fees: FeeRules::default(),
        statement_scheme: Default::default(),
        validators: validators.collect(),
        accounts: BTreeMap::new(),
    };
    Genesis::new(file).unwrap()
}

type Stored = (Arc<BlockHeader>, Body, Option<Certificate>);

/// A stored chain in memory.
#[derive(Clone)]
struct Chain(Arc<Mutex<Vec<Stored>>>);

impl Chain {
    /// Makes the next block final, with so many transactions.
    fn push(&self, transactions: usize, root: u8) -> Arc<BlockHeader> {
        let mut chain = self.0.lock().unwrap();
        let parent = chain.last().unwrap().0.clone();
        let body = Body { transactions: (0..transactions).map(|n| Bytes::from(n.to_be_bytes().to_vec())).collect() };
        let root_of_body = if transactions == 0 { EMPTY_ROOT_HASH } else { transactions_root(&body.transactions) };
        let header = Arc::new(BlockHeader::seal(&HeaderParts {
            epoch: Epoch(0),
            view: View(parent.view().0 + 1),
            parent_view: parent.view(),
            proposer: ValidatorIndex(3),
            parent: parent.digest(),
            height: parent.height().next(),
            time: TimeMs(parent.time().0 + 100),
            beneficiary: Address::repeat_byte(3),
            state_root: B256::repeat_byte(root),
            transactions_root: root_of_body,
            receipts_root: EMPTY_ROOT_HASH,
            gas_limit: 210_000_000,
            gas_used: 21_000 * transactions as u64,
            base_fee: 1_000_000,
        }));
        let vote = Statement::Notarize { view: header.view(), digest: header.digest() };
        let context = minuet_core::statement::SigningContext { genesis: B256::ZERO, epoch: Epoch(0) };
        let signatures = (0..5u16).map(|index| {
            let key = key(u8::try_from(index).unwrap() + 1);
            (ValidatorIndex(index), vote.sign(ValidatorIndex(index), &key, &context).signature)
        });
        let certificate =
            Certificate::assemble(CertificateKind::Finalization, &vote, 6, &signatures.collect::<Vec<_>>()).unwrap();
        chain.push((header.clone(), body, Some(certificate)));
        header
    }

    fn at<T>(&self, height: Height, read: impl Fn(&Stored) -> T) -> Option<T> {
        self.0.lock().unwrap().get(usize::try_from(height.0).unwrap()).map(read)
    }
}

impl BlockSource for Chain {
    fn tip(&self) -> Result<(Height, Digest), StoreError> {
        let chain = self.0.lock().unwrap();
        Ok(chain.last().map(|(header, ..)| (header.height(), header.digest())).unwrap())
    }
    fn oldest(&self) -> Result<Height, StoreError> {
        Ok(Height(0))
    }
    fn header(&self, height: Height) -> Result<Option<Arc<BlockHeader>>, StoreError> {
        Ok(self.at(height, |(header, ..)| header.clone()))
    }
    fn body(&self, height: Height) -> Result<Option<Body>, StoreError> {
        Ok(self.at(height, |(_, body, _)| body.clone()))
    }
    fn certificate(&self, height: Height) -> Result<Option<Certificate>, StoreError> {
        Ok(self.at(height, |(.., certificate)| certificate.clone()).flatten())
    }
}

struct Peers(Mutex<Vec<PeerLink>>);

impl PeerSource for Peers {
    fn peers(&self) -> Vec<PeerLink> {
        self.0.lock().unwrap().clone()
    }
}

/// A node, as far as its dashboard sees it.
struct Bench {
    writer: ViewWriter,
    status: Arc<NodeStatus>,
    chain: Chain,
    peers: Arc<Peers>,
    shared: Arc<Shared>,
    server: VisualizerHandle,
}

impl Bench {
    fn new() -> Self {
        Self::with(8, 7, Vec::new(), 0)
    }

    fn with(max_clients: usize, chain_id: u64, fleet: Vec<FleetEntry>, index: u16) -> Self {
        let (writer, status, genesis) = (ViewWriter::new(), Arc::new(NodeStatus::default()), genesis(chain_id));
        let first = (Arc::new(genesis.header().clone()), Body::default(), None);
        let chain = Chain(Arc::new(Mutex::new(vec![first])));
        let link = PeerLink { id: PeerId(1), address: "127.0.0.1:9001".to_owned(), ..PeerLink::default() };
        let peers = Arc::new(Peers(Mutex::new(vec![link])));
        status.peers.set(5);
        let context = VisualizerContext {
            genesis: Arc::new(genesis),
            status: status.clone(),
            views: writer.ring(),
            validator: Some(ValidatorIndex(index)),
            role: "validator",
            version: "1.2.3".to_owned(),
            chain: Arc::new(chain.clone()),
            peers: peers.clone(),
            max_clients,
        };
        let listen_address = "127.0.0.1:0".parse().unwrap();
        let config = VisualizerConfig { enabled: true, listen_address, fleet };
        let (server, shared) = start(&config, context, PATIENCE).unwrap();
        Self { writer, status, chain, peers, shared, server }
    }

    fn address(&self) -> SocketAddr {
        self.server.local_address()
    }

    fn enter(&mut self, view: u64) {
        self.writer.update(View(view), TimeMs(5_000 + view), |slot| {
            slot.is_entered = true;
            slot.leader = ValidatorIndex((view % 6) as u16);
        });
        self.writer.enter(View(view));
    }

    fn propose(&mut self, view: u64, header: &BlockHeader) {
        self.writer.update(View(view), TimeMs(5_000), |slot| {
            slot.block = Some(header.digest());
            slot.proposal = Some(ShownBlock {
                height: header.height(),
                parent_view: header.parent_view(),
                time: header.time(),
                tx_count: Some(2),
                bytes: Some(16),
                after_us: 900,
            });
        });
    }

    fn vote(&mut self, view: u64, validator: u16) {
        self.writer.update(View(view), TimeMs(5_000), |slot| slot.votes.insert(ValidatorIndex(validator)));
    }

    fn get(&self, path: &str) -> Answer {
        request(
            self.address(),
            &format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address()),
        )
    }

    fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
        serde_json::from_str(&answer.body).unwrap()
    }

    fn watch(&self, last_event_id: Option<u64>) -> Events {
        watch(self.address(), last_event_id)
    }
}

/// Opens the stream of events.
fn watch(address: SocketAddr, last_event_id: Option<u64>) -> Events {
    let id = last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    (&stream).write_all(format!("GET /api/events HTTP/1.1\r\nHost: localhost\r\n{id}\r\n").as_bytes()).unwrap();
    Events(BufReader::new(stream))
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Sends a request and reads until the server closes.
fn request(address: SocketAddr, text: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Answer { status, headers, body: body.to_owned() }
}

/// A client of the stream that reads.
struct Events(BufReader<TcpStream>);

impl Events {
    /// The next event: its number, kind and data. Whatever else is in the stream (chunks' sizes, comments) is skipped.
    fn next(&mut self) -> (u64, String, Value) {
        let (mut id, mut kind) = (0, String::new());
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).expect("events go on") > 0, "the server has closed the stream");
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(value) = line.strip_prefix("id: ") {
                id = value.parse().unwrap();
            } else if let Some(value) = line.strip_prefix("event: ") {
                kind = value.to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                return (id, kind, self.data(data));
            }
        }
    }

    /// A chunk may end inside a snapshot's line: what follows is its end.
    fn data(&mut self, begin: &str) -> Value {
        let mut text = begin.to_owned();
        while serde_json::from_str::<Value>(&text).is_err() {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).expect("events go on") > 0, "the server has closed the stream");
            let line = line.trim_end_matches(['\r', '\n']);
            if !line.is_empty() && !line.chars().all(|c| c.is_ascii_hexdigit()) {
                text.push_str(line);
            }
        }
        serde_json::from_str(&text).unwrap()
    }

    /// The next event of a kind.
    fn next_of(&mut self, wanted: &str) -> (u64, Value) {
        loop {
            let (id, kind, data) = self.next();
            if kind == wanted {
                return (id, data);
            }
        }
    }
}
