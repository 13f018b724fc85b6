//! A real server on a free port, a real client, a chain in memory and a thread that answers as the pool.

mod calls;
mod limits;
mod proofs;
mod reads;
mod streams;
mod submit;

use crate::client::{Client, ClientError};
use crate::{
    CallObserver, ChainSource, PeerSource, PeerView, Role, RpcConfig, RpcContext, RpcHandle, finalized_bell, spawn,
};
use minuet_core::account::{Account, EMPTY_ROOT_HASH};
use minuet_core::block::Body;
use minuet_core::bls::BlsSecretKey;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::evidence::Evidence;
use minuet_core::fees::FeeRules;
use minuet_core::genesis::{Genesis, GenesisFile, GenesisValidator};
use minuet_core::header::{BlockHeader, HeaderParts};
use minuet_core::mempool_errors::AdmissionError;
use minuet_core::messages::{FinalizedBlock, PoolStatus, Submission};
use minuet_core::receipt::Receipt;
use minuet_core::ring::{Doorbell, Receiver, Sender, Waiter, ring};
use minuet_core::statement::Statement;
use minuet_core::status::NodeStatus;
use minuet_core::store::StoreError;
use minuet_core::transaction::{EmptyList, Transaction, UnsignedTransaction, transactions_root};
use minuet_core::{Address, B256, Bytes, Digest, Epoch, Height, PeerId, TimeMs, TxHash, U256, ValidatorIndex, View};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

pub const BASE_FEE: u64 = 1_000_000;
pub const SENDER: Address = Address::repeat_byte(0x11);

pub fn genesis() -> Genesis {
    let validators = (1u8..=6).map(|seed| {
        let bls = BlsSecretKey::from_ikm(&[seed; 32]);
        GenesisValidator {
            bls_key: bls.public_key().as_bytes().to_vec().into(),
            proof_of_possession: bls.prove_possession().as_bytes().to_vec().into(),
            network_key: Ed25519SecretKey::from_bytes(&[seed; 32]).public_key().as_bytes().into(),
            fee_recipient: Address::repeat_byte(seed),
        }
    });
    let file = GenesisFile {
        version: 1,
        chain_id: 7,
        time_ms: 1_000_000,
        fees: FeeRules::default(),
        statement_scheme: Default::default(),
        validators: validators.collect(),
        accounts: BTreeMap::new(),
    };
    Genesis::new(file).unwrap()
}

/// A signed transfer; `nonce` makes it another one.
pub fn transfer(nonce: u64) -> Arc<Transaction> {
    let key = Ed25519SecretKey::from_bytes(&[9; 32]);
    let unsigned = UnsignedTransaction {
        chain_id: 7,
        nonce,
        max_priority_fee_per_gas: 5,
        max_fee_per_gas: 2_000_000,
        gas_limit: 21_000,
        to: Address::repeat_byte(0x22),
        value: U256::from(1_000u64),
        data: Bytes::new(),
        access_list: EmptyList,
        public_key: key.public_key(),
    };
    Arc::new(unsigned.sign(&key, &B256::repeat_byte(1)))
}

#[derive(Default)]
struct Chain {
    blocks: Vec<FinalizedBlock>,
    index: BTreeMap<TxHash, (Height, u32)>,
    evidence: BTreeMap<Vec<u8>, Evidence>,
    certificates: BTreeMap<Height, Certificate>,
    oldest: u64,
    broken: bool,
}

/// A finalized chain in memory.
#[derive(Clone)]
pub struct FakeChain(Arc<Mutex<Chain>>);

impl FakeChain {
    pub fn new(genesis: &Genesis) -> Self {
        let block = FinalizedBlock {
            header: Arc::new(genesis.header().clone()),
            transactions: Arc::new([]),
            receipts: Arc::new([]),
            body_bytes: 0,
            stored_at_us: 0,
        };
        Self(Arc::new(Mutex::new(Chain { blocks: vec![block], ..Chain::default() })))
    }

    /// Makes the next block final in the store and returns its announcement. It took 2.5 ms.
    pub fn push(&self, transactions: &[Arc<Transaction>]) -> FinalizedBlock {
        let mut chain = self.0.lock().unwrap();
        let parent = Arc::clone(&chain.blocks.last().unwrap().header);
        let envelopes: Vec<Bytes> = transactions.iter().map(|transaction| transaction.envelope().clone()).collect();
        let height = parent.height().next();
        let receipts: Vec<Receipt> = (1..=transactions.len() as u64).map(|n| Receipt::transfer(n * 21_000)).collect();
        let parts = HeaderParts {
            epoch: Epoch(0),
            view: View(height.0 * 2),
            parent_view: parent.view(),
            proposer: ValidatorIndex(3),
            parent: parent.digest(),
            height,
            time: TimeMs(1_000_100 + height.0 * 100),
            beneficiary: Address::repeat_byte(3),
            state_root: B256::repeat_byte(5),
            transactions_root: if envelopes.is_empty() { EMPTY_ROOT_HASH } else { transactions_root(&envelopes) },
            receipts_root: EMPTY_ROOT_HASH,
            gas_limit: 210_000_000,
            gas_used: 21_000 * transactions.len() as u64,
            base_fee: BASE_FEE,
        };
        let block = FinalizedBlock {
            stored_at_us: parts.time.0 * 1000 + 2500,
            header: Arc::new(BlockHeader::seal(&parts)),
            transactions: transactions.into(),
            receipts: receipts.into(),
            body_bytes: envelopes.iter().map(|envelope| envelope.len()).sum(),
        };
        for (index, transaction) in (0u32..).zip(transactions) {
            chain.index.insert(transaction.hash(), (height, index));
        }
        chain.blocks.push(block.clone());
        block
    }

    pub fn keep(&self, evidence: Evidence) {
        self.0.lock().unwrap().evidence.insert(evidence.key().to_vec(), evidence);
    }

    /// Blocks below are gone, but genesis.
    pub fn prune(&self, oldest: u64) {
        let mut chain = self.0.lock().unwrap();
        chain.oldest = oldest;
        chain.index.retain(|_, (height, _)| height.0 >= oldest);
    }

    /// Gives the newest block a finalization of its own, signed by these validators.
    pub fn certify(&self, signers: std::ops::Range<u16>) {
        let mut chain = self.0.lock().unwrap();
        let header = Arc::clone(&chain.blocks.last().unwrap().header);
        let statement = Statement::Notarize { view: header.view(), digest: header.digest() };
        let context = genesis().signing_context();
        let sign = |index: u16| {
            let key = BlsSecretKey::from_ikm(&[u8::try_from(index).unwrap() + 1; 32]);
            (ValidatorIndex(index), statement.sign(ValidatorIndex(index), &key, &context).signature)
        };
        let signatures: Vec<_> = signers.map(sign).collect();
        let certificate = Certificate::assemble(CertificateKind::Finalization, &statement, 6, &signatures).unwrap();
        chain.certificates.insert(header.height(), certificate);
    }

    pub fn break_storage(&self) {
        self.0.lock().unwrap().broken = true;
    }

    fn read<T>(&self, read: impl FnOnce(&Chain) -> T) -> Result<T, StoreError> {
        let chain = self.0.lock().unwrap();
        if chain.broken {
            return Err(StoreError::Io { path: "db".into(), operation: "get", reason: "gone".into() });
        }
        Ok(read(&chain))
    }

    fn at<T>(&self, height: Height, read: impl FnOnce(&FinalizedBlock) -> T) -> Result<Option<T>, StoreError> {
        self.read(|chain| {
            let is_kept = height.0 == 0 || height.0 >= chain.oldest;
            usize::try_from(height.0).ok().filter(|_| is_kept).and_then(|at| chain.blocks.get(at)).map(read)
        })
    }
}

impl ChainSource for FakeChain {
    fn tip(&self) -> Result<(Height, Digest), StoreError> {
        self.read(|chain| {
            let header = &chain.blocks.last().unwrap().header;
            (header.height(), header.digest())
        })
    }
    fn oldest(&self) -> Result<Height, StoreError> {
        self.read(|chain| Height(chain.oldest))
    }
    fn header_by_height(&self, height: Height) -> Result<Option<Arc<BlockHeader>>, StoreError> {
        self.at(height, |block| Arc::clone(&block.header))
    }
    fn height_by_digest(&self, digest: &Digest) -> Result<Option<Height>, StoreError> {
        self.read(|chain| {
            let is_kept = |height: &Height| height.0 == 0 || height.0 >= chain.oldest;
            let mut headers = chain.blocks.iter().map(|block| &block.header);
            headers.find(|header| header.digest() == *digest).map(|header| header.height()).filter(is_kept)
        })
    }
    fn body(&self, height: Height) -> Result<Option<Body>, StoreError> {
        self.at(height, |block| Body {
            transactions: block.transactions.iter().map(|t| t.envelope().clone()).collect(),
        })
    }
    fn receipts(&self, height: Height) -> Result<Option<Vec<Receipt>>, StoreError> {
        self.at(height, |block| block.receipts.to_vec())
    }
    fn certificate(&self, height: Height) -> Result<Option<Certificate>, StoreError> {
        self.read(|chain| chain.certificates.get(&height).cloned())
    }
    fn evidence(&self, from: &[u8], limit: usize) -> Result<Vec<Evidence>, StoreError> {
        self.read(|chain| chain.evidence.range(from.to_vec()..).take(limit).map(|(_, piece)| piece.clone()).collect())
    }
    fn transaction_location(&self, hash: &TxHash) -> Result<Option<(Height, u32)>, StoreError> {
        self.read(|chain| chain.index.get(hash).copied())
    }
    fn account(&self, address: &Address) -> Result<Option<Account>, StoreError> {
        self.read(|_| (*address == SENDER).then(|| Account { nonce: 4, ..Account::with_balance(U256::MAX) }))
    }
}

struct OnePeer;
impl PeerSource for OnePeer {
    fn peers(&self) -> Vec<PeerView> {
        let peer = PeerView { id: PeerId(2), validator: Some(ValidatorIndex(2)), rtt_us: 40, ..PeerView::default() };
        vec![PeerView {
            address: "127.0.0.1:9002".into(),
            connected: true,
            bans: 2,
            banned_for_ms: 30,
            score: 50,
            ..peer
        }]
    }
    fn rejects(&self) -> Vec<(&'static str, u64)> {
        vec![("oversized", 3), ("busy", 0)]
    }
}

/// What the pool answers.
pub struct Answers {
    pub refuse: Option<AdmissionError>,
    pub status: PoolStatus,
    pub admitted: mpsc::UnboundedSender<TxHash>,
}

fn answer(mut requests: Receiver<Submission>, waiter: &Waiter, answers: &Mutex<Answers>) {
    while !requests.is_finished() {
        while let Some(request) = requests.try_recv() {
            let answers = answers.lock().unwrap();
            let admit = |envelope: &Bytes| match (&answers.refuse, Transaction::decode(envelope)) {
                (Some(error), _) => Err(error.clone()),
                (None, Ok(transaction)) => {
                    let _ = answers.admitted.send(transaction.hash());
                    Ok(transaction.hash())
                }
                (None, Err(error)) => Err(error.into()),
            };
            match request {
                Submission::Submit { envelope, reply } => reply(admit(&envelope)),
                Submission::SubmitMany { envelopes, reply } => reply(envelopes.iter().map(admit).collect()),
                Submission::Query { reply, .. } => reply(answers.status.clone()),
                Submission::NextNonce { reply, .. } => reply(Some(6)),
            }
        }
        waiter.park_until(None, || !requests.is_empty() || requests.is_abandoned());
    }
}

pub struct Node {
    pub chain: FakeChain,
    pub status: Arc<NodeStatus>,
    pub answers: Arc<Mutex<Answers>>,
    pub admitted: mpsc::UnboundedReceiver<TxHash>,
    pub finalized: Sender<FinalizedBlock>,
    pub client: Client,
    pub handle: RpcHandle,
}

impl Node {
    /// Finalizes a block in the store and announces it.
    pub fn finalize(&mut self, transactions: &[Arc<Transaction>]) -> FinalizedBlock {
        let block = self.chain.push(transactions);
        assert!(self.finalized.send_or_drop(block.clone()));
        block
    }
}

pub fn test_config() -> RpcConfig {
    let listen_address = "127.0.0.1:0".parse().unwrap();
    RpcConfig { listen_address, shutdown_ms: 50, drop_check_ms: 10, health_check_ms: 5, ..RpcConfig::default() }
}

/// A context over these parts, and the sender of final blocks.
pub fn context(chain: &FakeChain, submissions: Sender<Submission>) -> (RpcContext, Sender<FinalizedBlock>) {
    let (bell, finalized_bell) = finalized_bell();
    let (sender, finalized) = ring(&bell);
    let context = RpcContext {
        genesis: Arc::new(genesis()),
        status: Arc::default(),
        validator: Some(ValidatorIndex(1)),
        role: Role::Validator,
        version: "test".into(),
        chain: Arc::new(chain.clone()),
        peers: Arc::new(OnePeer),
        submissions,
        finalized,
        finalized_bell,
        calls: None,
    };
    (context, sender)
}

pub async fn start(config: RpcConfig) -> Node {
    start_as(Role::Validator, config).await
}

pub async fn start_as(role: Role, config: RpcConfig) -> Node {
    start_watched(role, config, None).await
}

/// The same with somebody who is told of every call.
pub async fn start_watched(role: Role, config: RpcConfig, calls: Option<Arc<dyn CallObserver>>) -> Node {
    let chain = FakeChain::new(&genesis());
    let (admitted_sender, admitted) = mpsc::unbounded_channel();
    let answers = Answers { refuse: None, status: PoolStatus::Unknown, admitted: admitted_sender };
    let answers = Arc::new(Mutex::new(answers));
    let (bell, waiter) = Doorbell::new();
    let (submissions, requests) = ring(&bell);
    let shared_answers = Arc::clone(&answers);
    std::thread::spawn(move || answer(requests, &waiter, &shared_answers));
    let (context, finalized) = context(&chain, submissions);
    let context = RpcContext { role, calls, ..context };
    let status = Arc::clone(&context.status);
    let handle = spawn(config, context).unwrap();
    let client = Client::connect(&handle.url()).await.unwrap();
    Node { chain, status, answers, admitted, finalized, client, handle }
}

/// The refusal's code, text and stable word.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> (tonic::Code, String, String) {
    match outcome {
        Err(ClientError::Refused(status)) => {
            let word = crate::client::reason(&status).unwrap_or_default().to_owned();
            (status.code(), status.message().to_owned(), word)
        }
        other => panic!("not refused: {other:?}"),
    }
}

pub async fn channel(node: &Node) -> tonic::transport::Channel {
    tonic::transport::Endpoint::from_shared(node.handle.url()).unwrap().connect().await.unwrap()
}
