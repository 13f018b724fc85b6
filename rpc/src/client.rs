//! A typed client of [`crate::proto`], for the command line, the load generator and tests.

pub use crate::proto::account_service_client::AccountServiceClient;
pub use crate::proto::block_service_client::BlockServiceClient;
pub use crate::proto::node_service_client::NodeServiceClient;
pub use crate::proto::subscription_service_client::SubscriptionServiceClient;
pub use crate::proto::transaction_service_client::TransactionServiceClient;

use crate::proto::{self, TransactionDetail};
use crate::refusal::{REASON_KEY, RESUME_KEY, RETRY_KEY};
use minuet_core::codec::CodecError;
use minuet_core::finality_proof::FinalityProof;
use minuet_core::{Address, B256, Bytes, Height, TxHash, U256};
use std::time::Duration;
use thiserror::Error;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection whose node does not answer is given up after about the sum of both.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest answer that is read: a block of 2 MiB with all its fields and envelopes.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Why a call gave no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Not a URL, or nobody listens there.
    #[error("cannot connect to {url}: {reason}; is the node running and this its gRPC address?")]
    Connect {
        /// As given.
        url: String,
        /// The cause.
        reason: String,
    },
    /// The node's refusal, or a connection that broke.
    #[error("{}", describe(.0))]
    Refused(Box<Status>),
    /// The node's answer lacks or garbles a field.
    #[error("the node's answer is of no use: {0}")]
    BadAnswer(&'static str),
    /// The node's finality proof does not decode.
    #[error("the node's proof is of no use: {0}")]
    BadProof(CodecError),
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

impl ClientError {
    /// The node's stable word, such as `nonce_too_low`.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused(status) => reason(status),
            _ => None,
        }
    }
}

/// How a caller names a final block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichBlock {
    /// The newest that the node has.
    Latest,
    /// By its height.
    Height(Height),
    /// By its hash.
    Hash(B256),
}

/// Why one transaction of several was not admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As a single submission's error would have.
    pub code: Code,
    /// The stable word.
    pub reason: String,
    /// What to do.
    pub message: String,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

fn describe(status: &Status) -> String {
    match reason(status) {
        Some(reason) => format!("{} ({reason})", status.message()),
        None => format!("{} ({:?})", status.message(), status.code()),
    }
}

fn number(status: &Status, key: &str) -> Option<u64> {
    status.metadata().get(key)?.to_str().ok()?.parse().ok()
}

/// The stable word of a refusal, from `minuet-reason`.
#[must_use]
pub fn reason(status: &Status) -> Option<&str> {
    status.metadata().get(REASON_KEY)?.to_str().ok()
}

/// When to try again, from `minuet-retry-after-ms`.
#[must_use]
pub fn retry_after(status: &Status) -> Option<Duration> {
    number(status, RETRY_KEY).map(Duration::from_millis)
}

/// Where a subscriber that was too slow goes on, from `minuet-resume-height`.
#[must_use]
pub fn resume_height(status: &Status) -> Option<Height> {
    number(status, RESUME_KEY).map(Height)
}

/// One connection to one node, shared by all clones. Calls may be made concurrently from clones.
#[derive(Clone, Debug)]
pub struct Client {
    /// AccountService.
    pub accounts: AccountServiceClient<Channel>,
    /// BlockService.
    pub blocks: BlockServiceClient<Channel>,
    /// TransactionService.
    pub transactions: TransactionServiceClient<Channel>,
    /// NodeService.
    pub node: NodeServiceClient<Channel>,
    /// SubscriptionService.
    pub subscriptions: SubscriptionServiceClient<Channel>,
}

impl Client {
    /// Connects to `http://host:port`; `host:port` does too.
    ///
    /// # Errors
    /// [`ClientError::Connect`].
    pub async fn connect(url: &str) -> Result<Self, ClientError> {
        let failed = |error: tonic::transport::Error| {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            ClientError::Connect { url: url.to_owned(), reason: cause }
        };
        let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let endpoint = Endpoint::from_shared(full).map_err(failed)?;
        let endpoint = endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT);
        let channel = endpoint.connect().await.map_err(failed)?;
        Ok(Self::over(channel))
    }

    /// A client over a channel of one's own making.
    #[must_use]
    pub fn over(channel: Channel) -> Self {
        Self {
            accounts: AccountServiceClient::new(channel.clone()),
            blocks: BlockServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES),
            transactions: TransactionServiceClient::new(channel.clone()),
            node: NodeServiceClient::new(channel.clone()),
            subscriptions: SubscriptionServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES),
        }
    }

    /// Chain identity, progress, vital signs.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn status(&mut self) -> Result<proto::GetStatusResponse, ClientError> {
        Ok(self.node.get_status(proto::GetStatusRequest {}).await?.into_inner())
    }

    /// Final balance in wei.
    ///
    /// # Errors
    /// The node's refusal, or a balance that is no number.
    pub async fn balance(&mut self, address: &Address) -> Result<U256, ClientError> {
        let request = proto::GetBalanceRequest { address: address.to_vec().into() };
        let answer = self.accounts.get_balance(request).await?.into_inner();
        decimal(&answer.balance)
    }

    /// The nonce that a new transaction should carry, waiting ones included.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn next_nonce(&mut self, address: &Address) -> Result<u64, ClientError> {
        let request = proto::GetNonceRequest { address: address.to_vec().into() };
        Ok(self.accounts.get_nonce(request).await?.into_inner().next)
    }

    /// Submits a signed envelope.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn submit(&mut self, envelope: Bytes) -> Result<TxHash, ClientError> {
        let request = proto::SubmitTransactionRequest { envelope: envelope.0 };
        hash(&self.transactions.submit_transaction(request).await?.into_inner().hash)
    }

    /// Submits up to 512 signed envelopes with one call; an outcome each, in order.
    ///
    /// # Errors
    /// The node's refusal of all of them, or an answer that does not fit.
    pub async fn submit_many(&mut self, envelopes: Vec<Bytes>) -> Result<Vec<Result<TxHash, Refusal>>, ClientError> {
        let count = envelopes.len();
        let transactions = envelopes.into_iter().map(|envelope| envelope.0).collect();
        let request = proto::SubmitTransactionsRequest { transactions };
        let results = self.transactions.submit_transactions(request).await?.into_inner().results;
        if results.len() != count {
            return Err(ClientError::BadAnswer("there is not one result for each transaction"));
        }
        results.into_iter().map(submit_result).collect()
    }

    /// Submits and waits until final, dropped or timed out (at most 60 s).
    ///
    /// # Errors
    /// The node's refusal to admit it.
    pub async fn submit_and_wait(
        &mut self,
        envelope: Bytes,
        timeout: Duration,
    ) -> Result<proto::SubmitAndWaitResponse, ClientError> {
        let timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX).clamp(1, 60_000);
        let request = proto::SubmitAndWaitRequest { envelope: envelope.0, timeout_ms };
        Ok(self.transactions.submit_and_wait(request).await?.into_inner())
    }

    /// What became of a transaction.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn transaction(&mut self, hash: &TxHash) -> Result<proto::GetTransactionResponse, ClientError> {
        let request = proto::GetTransactionRequest { hash: hash.to_vec().into() };
        Ok(self.transactions.get_transaction(request).await?.into_inner())
    }

    /// The newest final block.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn latest_block(&mut self, detail: TransactionDetail) -> Result<proto::Block, ClientError> {
        let request = proto::GetLatestBlockRequest { detail: detail.into() };
        block(self.blocks.get_latest_block(request).await?.into_inner())
    }

    /// The final block at a height.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn block_at(&mut self, height: Height, detail: TransactionDetail) -> Result<proto::Block, ClientError> {
        let request = proto::GetBlockByHeightRequest { height: height.0, detail: detail.into() };
        block(self.blocks.get_block_by_height(request).await?.into_inner())
    }

    /// The final block with a hash.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn block(&mut self, hash: &B256, detail: TransactionDetail) -> Result<proto::Block, ClientError> {
        let request = proto::GetBlockRequest { hash: hash.to_vec().into(), detail: detail.into() };
        block(self.blocks.get_block(request).await?.into_inner())
    }

    /// What proves a final block to whoever has the genesis. Nothing of it is verified here but its form.
    ///
    /// # Errors
    /// The node's refusal, or an answer that is no proof.
    pub async fn finality_proof(&mut self, which: WhichBlock) -> Result<FinalityProof, ClientError> {
        use proto::get_finalization_request::Block as Wire;
        let block = match which {
            WhichBlock::Latest => None,
            WhichBlock::Height(height) => Some(Wire::Height(height.0)),
            WhichBlock::Hash(hash) => Some(Wire::Hash(hash.to_vec().into())),
        };
        let answer = self.blocks.get_finalization(proto::GetFinalizationRequest { block }).await?.into_inner();
        FinalityProof::from_parts(&answer.header_rlps, &answer.certificate_rlp).map_err(ClientError::BadProof)
    }

    /// Final blocks from a height on, or from now on.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn subscribe_blocks(
        &mut self,
        from: Option<Height>,
        with_hashes: bool,
    ) -> Result<Streaming<proto::BlockEvent>, ClientError> {
        let from_height = from.map(|height| height.0);
        let request = proto::SubscribeBlocksRequest { from_height, include_transaction_hashes: with_hashes };
        Ok(self.subscriptions.subscribe_blocks(request).await?.into_inner())
    }
}

fn submit_result(answer: proto::SubmitResult) -> Result<Result<TxHash, Refusal>, ClientError> {
    use proto::submit_result::Result as Outcome;
    match answer.result.ok_or(ClientError::BadAnswer("a result is missing"))? {
        Outcome::Hash(bytes) => hash(&bytes).map(Ok),
        Outcome::Refusal(refusal) => Ok(Err(Refusal {
            code: i32::try_from(refusal.code).map_or(Code::Unknown, Code::from),
            reason: refusal.reason,
            message: refusal.message,
            retry_after: refusal.retry_after_ms.map(Duration::from_millis),
        })),
    }
}

fn block(answer: proto::GetBlockResponse) -> Result<proto::Block, ClientError> {
    answer.block.ok_or(ClientError::BadAnswer("the block is missing"))
}

/// A hash from an answer.
///
/// # Errors
/// Not 32 bytes.
pub fn hash(bytes: &[u8]) -> Result<B256, ClientError> {
    B256::try_from(bytes).map_err(|_| ClientError::BadAnswer("a hash is not 32 bytes"))
}

/// An amount from an answer.
///
/// # Errors
/// Not a decimal number of at most 256 bits.
pub fn decimal(text: &str) -> Result<U256, ClientError> {
    U256::from_str_radix(text, 10).map_err(|_| ClientError::BadAnswer("an amount is not a decimal number"))
}
