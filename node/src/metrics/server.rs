//! The metrics over HTTP: `/metrics`, `/livez` and `/readyz`, on a thread of its own, so that nothing of it can hold up a
//! service.
//!
//! Invariant: a client costs little whatever it does: so many connections at a time, one request each, so many seconds.

use super::observer::Observer;
use crate::exit::{Exit, Failure};
use crate::run::unix_us;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use minuet_core::health::Reason;
use minuet_visualizer::is_meant;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

const THREAD: &str = "minuet-metrics";
/// The services' durations are taken so often.
const FOLD_EVERY: Duration = Duration::from_millis(500);
const MAX_CONNECTIONS: usize = 64;
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// A request's head has to come within this time: connections that ask nothing must not keep a supervisor from asking.
const HEAD_TIMEOUT: Duration = Duration::from_secs(1);
/// Between two attempts to accept where the first one failed.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

/// The running thread. Dropping it stops it.
pub struct MetricsHandle {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl MetricsHandle {
    /// Returns when the thread has ended; what is being answered is cut off.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread {THREAD} has panicked");
        }
    }
}

impl Drop for MetricsHandle {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts the thread on a bound address.
///
/// # Errors
/// When the system gives no thread or no timer.
pub fn spawn(listener: std::net::TcpListener, observer: Observer) -> Result<MetricsHandle, Failure> {
    let failed = |error: std::io::Error| Failure::new(Exit::Generic, format!("the metrics cannot be served: {error}"));
    listener.set_nonblocking(true).map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener).map_err(failed)?
    };
    let local = listener.local_addr().map_err(failed)?;
    let (stop, mut stopped) = watch::channel(false);
    let observer = Arc::new(Mutex::new(observer));
    let work = move || {
        runtime.block_on(async {
            tokio::select! {
                () = serve(listener, router(Arc::clone(&observer), local)) => {}
                () = fold(observer) => {}
                // A handle that is gone means the same.
                _ = stopped.wait_for(|stop| *stop) => {}
            }
        });
        runtime.shutdown_background();
    };
    let thread = std::thread::Builder::new().name(THREAD.to_owned()).spawn(work).map_err(failed)?;
    Ok(MetricsHandle { stop, thread: Some(thread) })
}

type Shared = Arc<Mutex<Observer>>;

fn lock(observer: &Shared) -> MutexGuard<'_, Observer> {
    observer.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now_ms() -> u64 {
    unix_us() / 1000
}

async fn fold(observer: Shared) {
    let mut ticks = interval(FOLD_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        lock(&observer).fold(now_ms());
    }
}

async fn serve(listener: TcpListener, router: Router) {
    let mut open = JoinSet::new();
    let mut pause = interval(ACCEPT_PAUSE);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        while open.len() >= MAX_CONNECTIONS {
            open.join_next().await;
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => drop(open.spawn(answer(stream, peer, router.clone()))),
                Err(error) => {
                    tracing::warn!(%error, "a connection to the metrics was not accepted");
                    pause.tick().await;
                }
            },
            Some(_) = open.join_next() => {}
        }
    }
}

/// One request: a client that wants more connects again.
async fn answer(stream: TcpStream, peer: SocketAddr, router: Router) {
    let mut http = http1::Builder::new();
    http.keep_alive(false).max_buf_size(16 << 10).timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match timeout(CONNECTION_TIMEOUT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%peer, %error, "a request for the metrics failed"),
        Err(_) => tracing::debug!(%peer, "a request for the metrics took too long"),
    }
}

/// A page elsewhere could have its own name point here (DNS rebinding), and read.
async fn guard(State(local): State<SocketAddr>, request: Request, next: Next) -> Response {
    if is_meant(request.headers(), local) {
        return next.run(request).await;
    }
    let text = format!("ask for http://{local}/metrics: no other name is answered here\n");
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

fn router(observer: Shared, local: SocketAddr) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .fallback(nothing)
        .layer(from_fn_with_state(local, guard))
        .with_state(observer)
}

async fn metrics(State(observer): State<Shared>) -> Response {
    let text = lock(&observer).text(now_ms());
    ([(header::CONTENT_TYPE, TEXT)], text).into_response()
}

async fn livez() -> Response {
    ([(header::CONTENT_TYPE, JSON)], "{\"alive\":true}\n").into_response()
}

async fn readyz(State(observer): State<Shared>) -> Response {
    let reasons = lock(&observer).reasons(now_ms());
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CONTENT_TYPE, JSON)], readiness(&reasons)).into_response()
}

/// JSON with a line for each reason.
fn readiness(reasons: &[Reason]) -> String {
    let line = |reason: &Reason| format!("\n{}", json!({"reason": reason.word(), "text": reason.to_string()}));
    let lines: Vec<String> = reasons.iter().map(line).collect();
    let end = if lines.is_empty() { "" } else { "\n" };
    format!("{{\"ready\":{},\"reasons\":[{}{end}]}}\n", reasons.is_empty(), lines.join(","))
}

async fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here: ask for /metrics, /livez or /readyz\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_json_with_a_line_for_each_reason() {
        let ready: serde_json::Value = serde_json::from_str(&readiness(&[])).unwrap();
        assert_eq!(ready, json!({"ready": true, "reasons": []}));
        let text = readiness(&[Reason::Stopping, Reason::Syncing { behind: 7 }]);
        assert_eq!(text.lines().count(), 4, "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = json!({"ready": false, "reasons": [
            {"reason": "stopping", "text": "the node is stopping"},
            {"reason": "syncing", "text": "catching up: 7 blocks behind the peers"},
        ]});
        assert_eq!(value, expected);
    }
}
