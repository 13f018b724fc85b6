//! Calls as an observer counts them: which method, how it ended, how long the first answer took.
//!
//! Every call is told of exactly once, when its last byte is on the way or its caller is gone. Labels are bounded: methods
//! that are not of `minuet.v1` are one, and so are codes that no service here gives.

use http_body::{Body, Frame};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tonic::Code;
use tonic::codegen::{Bytes, Service, http};
use tower_layer::Layer;

/// Names of methods: those of `minuet.v1`, and `other` for health, reflection and what does not exist.
pub const CALL_METHODS: [&str; 18] = [
    "GetAccount",
    "GetBalance",
    "GetNonce",
    "GetBlock",
    "GetBlockByHeight",
    "GetLatestBlock",
    "GetFinalization",
    "SubmitTransaction",
    "SubmitTransactions",
    "SubmitAndWait",
    "GetTransaction",
    "GetStatus",
    "GetPeers",
    "GetEvidence",
    "GetHealth",
    "SubscribeBlocks",
    "SubscribeTransactions",
    "other",
];
/// How calls end: the codes that services here give, and `other`.
pub const CALL_CODES: [&str; 11] = [
    "ok",
    "cancelled",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "resource_exhausted",
    "failed_precondition",
    "unimplemented",
    "internal",
    "unavailable",
    "other",
];

/// A call that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedCall {
    /// Place in [`CALL_METHODS`].
    pub method: usize,
    /// Place in [`CALL_CODES`]; 0 is success.
    pub code: usize,
    /// From the request to the head of the answer: of a call with one answer all of it, of a subscription its opening.
    pub first_answer: Duration,
}

/// Is told of every call. Called on the interface's thread: must not wait for anything.
pub trait CallObserver: Send + Sync + 'static {
    /// A call has ended.
    fn ended(&self, call: EndedCall);
}

fn place_of_method(path: &str) -> usize {
    let other = CALL_METHODS.len() - 1;
    let Some((_, method)) = path.strip_prefix("/minuet.v1.").and_then(|rest| rest.split_once('/')) else {
        return other;
    };
    CALL_METHODS.iter().position(|name| *name == method).unwrap_or(other)
}

fn place_of_code(code: Code) -> usize {
    match code {
        Code::Ok => 0,
        Code::Cancelled => 1,
        Code::InvalidArgument => 2,
        Code::DeadlineExceeded => 3,
        Code::NotFound => 4,
        Code::ResourceExhausted => 5,
        Code::FailedPrecondition => 6,
        Code::Unimplemented => 7,
        Code::Internal => 8,
        Code::Unavailable => 9,
        _ => CALL_CODES.len() - 1,
    }
}

fn code_in(headers: &http::HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|value| Code::from_bytes(value.as_bytes()))
}

/// Tells of its call when it goes.
struct Call {
    observer: Arc<dyn CallObserver>,
    method: usize,
    started: Instant,
    first_answer: Option<Duration>,
    /// Unless something better is known: whoever asked went away.
    code: Code,
}

impl Drop for Call {
    fn drop(&mut self) {
        let first_answer = self.first_answer.unwrap_or_else(|| self.started.elapsed());
        self.observer.ended(EndedCall { method: self.method, code: place_of_code(self.code), first_answer });
    }
}

/// Puts a [`CallMeter`] around a service; none is needed where nobody observes.
#[derive(Clone)]
pub(crate) struct CallLayer(pub Option<Arc<dyn CallObserver>>);

impl<S> Layer<S> for CallLayer {
    type Service = CallMeter<S>;

    fn layer(&self, inner: S) -> CallMeter<S> {
        CallMeter { inner, observer: self.0.clone() }
    }
}

/// A service whose calls are told of.
#[derive(Clone)]
pub(crate) struct CallMeter<S> {
    inner: S,
    observer: Option<Arc<dyn CallObserver>>,
}

impl<S, Request, Answer> Service<http::Request<Request>> for CallMeter<S>
where
    S: Service<http::Request<Request>, Response = http::Response<Answer>>,
    S::Future: Send + 'static,
{
    type Response = http::Response<MeteredBody<Answer>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Request>) -> Self::Future {
        let call = self.observer.clone().map(|observer| Call {
            observer,
            method: place_of_method(request.uri().path()),
            started: Instant::now(),
            first_answer: None,
            code: Code::Cancelled,
        });
        let answering = self.inner.call(request);
        Box::pin(async move {
            let mut call = call;
            let outcome = answering.await;
            if let Some(call) = &mut call {
                call.first_answer = Some(call.started.elapsed());
                if outcome.is_err() {
                    call.code = Code::Internal;
                }
            }
            let (head, body) = outcome?.into_parts();
            if let (Some(call), Some(code)) = (&mut call, code_in(&head.headers)) {
                // An answer without a body has its code in its head.
                call.code = code;
            }
            Ok(http::Response::from_parts(head, MeteredBody { body, call }))
        })
    }
}

/// An answer on its way out; its code comes with its trailers.
pub(crate) struct MeteredBody<B> {
    body: B,
    call: Option<Call>,
}

impl<B> Body for MeteredBody<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let code = match &frame {
            Poll::Ready(Some(Ok(frame))) => frame.trailers_ref().and_then(code_in),
            Poll::Ready(Some(Err(_))) => Some(Code::Internal),
            _ => None,
        };
        if let (Some(code), Some(call)) = (code, &mut self.call) {
            call.code = code;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_methods_are_those_of_the_proto_file() {
        let proto = include_str!("../proto/minuet/v1/minuet.proto");
        let declared = proto.lines().filter_map(|line| line.trim().strip_prefix("rpc ")?.split_once('('));
        let declared: Vec<_> = declared.map(|(name, _)| name).collect();
        assert_eq!(declared, CALL_METHODS[..CALL_METHODS.len() - 1]);
    }

    #[test]
    fn paths_have_the_place_of_their_method_and_strangers_one_of_their_own() {
        let name = |path| CALL_METHODS[place_of_method(path)];
        assert_eq!(name("/minuet.v1.NodeService/GetStatus"), "GetStatus");
        assert_eq!(name("/minuet.v1.SubscriptionService/SubscribeBlocks"), "SubscribeBlocks");
        for path in ["/grpc.health.v1.Health/Check", "/minuet.v1.NodeService/Nothing", "/minuet.v1.GetStatus", "/", ""]
        {
            assert_eq!(name(path), "other", "{path}");
        }
    }

    #[test]
    fn codes_have_their_own_words() {
        for number in 0..=16 {
            let code = Code::from_i32(number);
            let word = CALL_CODES[place_of_code(code)];
            let camel: String = word.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect();
            assert!(word == "other" || camel == format!("{code:?}"), "{code:?} is {word}");
        }
    }
}
