//! Paths, headers and answers. Everything is read-only, from this origin alone, and works without any other host.

use crate::blocks::{self, NoBlock};
use crate::page::FILES;
use crate::server::Shared;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;

const JSON: &str = "application/json";
/// For the clients' own attempts after a broken connection.
const RETRY: &[u8] = b"retry: 1000\n\n";
const RETRY_SECONDS: &str = "5";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// On every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub fn router(shared: &Arc<Shared>) -> Router {
    let files = FILES.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        router.route(path, get(move || async move { file(text, kind) }))
    });
    files
        .route("/api/health", get(health))
        .route("/api/state", get(state))
        .route("/api/blocks/{height}", get(block))
        .route("/api/events", get(events))
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "there is nothing here: the page is at /") })
        .layer(from_fn_with_state(shared.clone(), guard))
        .with_state(shared.clone())
}

/// Refuses names that are not this machine's where only this machine can reach the server: a page elsewhere could have its
/// own name point here (DNS rebinding).
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let mut response = if is_meant(request.headers(), shared.local_address) {
        next.run(request).await
    } else {
        let text = format!("open this page as http://{}/: it answers to no other name", shared.local_address);
        refusal(StatusCode::MISDIRECTED_REQUEST, &text)
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a request's `Host` is a name of this machine, where only this machine can reach the listener `local`; elsewhere
/// any name is right.
#[must_use]
pub fn is_meant(headers: &HeaderMap, local: SocketAddr) -> bool {
    if !local.ip().is_loopback() {
        return true;
    }
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let is_port = |port: &str| port.chars().all(|c| c.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn file(text: &'static str, kind: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}

fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => (status, [(CONTENT_TYPE, JSON)], bytes).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn refusal(status: StatusCode, text: &str) -> Response {
    answer(status, &json!({"error": text}))
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let mut shown = shared.shown.lock().unwrap_or_else(PoisonError::into_inner);
    // Up to now: while nobody looks, the publisher does so once a second, which others would take for a lag.
    shown.finality.catch_up(&shared);
    let health = shown.health(&shared);
    drop(shown);
    answer(StatusCode::OK, &health)
}

async fn state(State(shared): State<Arc<Shared>>) -> Response {
    let shown = shared.shown.lock().unwrap_or_else(PoisonError::into_inner);
    let state = shared.feed.state(|id| shown.state(&shared, id));
    ([(CONTENT_TYPE, JSON)], state).into_response()
}

async fn block(State(shared): State<Arc<Shared>>, Path(height): Path<String>) -> Response {
    let Ok(height) = height.parse::<u64>() else {
        return refusal(StatusCode::NOT_FOUND, &format!("'{height}' is no height: use a whole number"));
    };
    let chain = shared.chain.clone();
    let read = tokio::task::spawn_blocking(move || blocks::read(chain.as_ref(), height)).await;
    match read {
        Ok(Ok(detail)) => answer(StatusCode::OK, &detail),
        Ok(Err(NoBlock::NotThere(text))) => refusal(StatusCode::NOT_FOUND, &text),
        Ok(Err(NoBlock::Failed(error))) => {
            refusal(StatusCode::INTERNAL_SERVER_ERROR, &format!("the storage cannot be read: {error}"))
        }
        Err(_) => refusal(StatusCode::SERVICE_UNAVAILABLE, "the node is stopping"),
    }
}

/// The stream of events. Ends with an error when the client is too far behind.
async fn events(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let Ok(place) = shared.clients.clone().try_acquire_owned() else {
        let text = format!(
            "{} clients are connected already, as many as this node serves: close one, or try again later",
            shared.max_clients
        );
        let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, &text);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
        return response;
    };
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let subscription = {
        let shown = shared.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shared.feed.subscribe(last_seen, |id| shown.state(&shared, id))
    };
    let mut first = subscription.first;
    first.push_front(Bytes::from_static(RETRY));
    let live = BroadcastStream::new(subscription.live).map(move |batch| {
        // The client's place is free again when this stream is dropped.
        let _held = &place;
        batch
    });
    let stream = tokio_stream::iter(first).map(Ok).chain(live);
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(stream)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_meant_by(host: &str, local: &str) -> bool {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).unwrap())]);
        is_meant(&headers, local.parse().unwrap())
    }

    #[test]
    fn on_the_loopback_only_names_of_the_loopback_are_answered() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.0.0.1", "[::1]:8080", "[::1]", "127.1.2.3:1"]
        {
            assert!(is_meant_by(host, "127.0.0.1:8080"), "{host}");
        }
        for host in
            ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil", "10.0.0.1", "", "::"]
        {
            assert!(!is_meant_by(host, "127.0.0.1:8080"), "{host}");
        }
        assert!(!is_meant(&HeaderMap::new(), "127.0.0.1:8080".parse().unwrap()));
        assert!(is_meant_by("dashboard.example", "0.0.0.0:8080"));
    }
}
