//! Errors as clients see them: a gRPC code, words that say what to do, and one stable word in `minuet-reason`.

use minuet_core::Height;
use minuet_core::mempool_errors::AdmissionError;
use minuet_core::store::StoreError;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

/// Metadata key of the stable word.
pub const REASON_KEY: &str = "minuet-reason";
/// Metadata key of the milliseconds after which to try again.
pub const RETRY_KEY: &str = "minuet-retry-after-ms";
/// Metadata key of the height from which to subscribe again.
pub const RESUME_KEY: &str = "minuet-resume-height";

/// What a caller is told to wait where only time helps.
const RETRY_BUSY_MS: u64 = 50;
const RETRY_FULL_MS: u64 = 1000;

/// An error with its stable word.
pub fn refuse(code: Code, reason: &'static str, text: impl Into<String>) -> Status {
    let mut status = Status::new(code, text);
    status.metadata_mut().insert(REASON_KEY, MetadataValue::from_static(reason));
    status
}

/// A field that is not what it must be.
pub fn invalid(field: &str, reason: &'static str, text: impl std::fmt::Display) -> Status {
    refuse(Code::InvalidArgument, reason, format!("{field}: {text}"))
}

/// A limit that time lifts.
pub fn exhausted(reason: &'static str, retry_after_ms: u64, text: impl std::fmt::Display) -> Status {
    let text = format!("{text}; try again in {retry_after_ms} ms");
    let mut status = refuse(Code::ResourceExhausted, reason, text);
    status.metadata_mut().insert(RETRY_KEY, retry_after_ms.into());
    status
}

/// The node is going down.
pub fn stopping() -> Status {
    refuse(Code::Unavailable, "node_stopping", "the node is stopping: ask another node or wait for its restart")
}

/// A node that hands no transactions on.
pub fn read_only() -> Status {
    let text = "this node only follows the chain and takes no transactions: submit to a validator";
    refuse(Code::FailedPrecondition, "read_only_node", text)
}

/// A read that failed. All such failures stop the node (D-FAIL-STOP), so the cause is for its operator.
pub fn store_failed(error: &StoreError) -> Status {
    tracing::error!(%error, "a read for a client failed");
    match error {
        StoreError::Io { .. } => refuse(
            Code::Unavailable,
            "storage_unavailable",
            "the node cannot read its storage: ask another node; its log names the cause",
        ),
        _ => refuse(
            Code::Internal,
            "storage_damaged",
            "the node's storage is damaged: ask another node; its log names the cause",
        ),
    }
}

/// A block that was final and is no longer kept.
pub fn pruned(height: Height, oldest: Height) -> Status {
    let text = format!(
        "block {height} is no longer kept: the oldest that this node keeps is {oldest}; ask a node that keeps all history"
    );
    refuse(Code::NotFound, "pruned", text)
}

/// Final data contradict each other.
pub fn inconsistent(what: impl std::fmt::Display) -> Status {
    tracing::error!(%what, "final data are inconsistent");
    refuse(Code::Internal, "storage_damaged", format!("the node's storage is damaged ({what}): ask another node"))
}

/// The pool's refusal of a transaction.
pub fn admission(error: &AdmissionError) -> Status {
    use AdmissionError as E;
    let word = error.word();
    match error {
        E::Transaction(inner) => invalid("envelope", word, inner),
        E::FeeTooLow { .. } | E::GasLimitTooHigh { .. } => invalid("envelope", word, error),
        E::NonceTooLow { .. } | E::NonceGap { .. } | E::InsufficientBalance { .. } | E::Underpriced { .. } => {
            refuse(Code::FailedPrecondition, word, error.to_string())
        }
        E::SenderFull { .. } | E::PoolFull => exhausted(word, RETRY_FULL_MS, error),
        E::Busy => exhausted(word, RETRY_BUSY_MS, error),
        E::Unavailable => refuse(Code::Unavailable, word, error.to_string()),
    }
}
