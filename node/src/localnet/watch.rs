//! Watching nodes: one task per node follows its final blocks and asks for its status each second.

use minuet_rpc::client::Client;
use minuet_rpc::proto::{BlockEvent, GetStatusResponse};
use std::time::Duration;
use tokio::sync::mpsc;

const RETRY: Duration = Duration::from_millis(250);
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// What a watched node says.
#[derive(Debug)]
pub enum News {
    /// It answers, and so it is.
    Up(usize, Box<GetStatusResponse>),
    /// A block became final there.
    Block(usize, Box<BlockEvent>),
    /// Its vital signs.
    Status(usize, Box<GetStatusResponse>),
    /// It does not answer any more.
    Down(usize),
}

/// Follows a node for ever, connecting again whenever the connection breaks.
pub async fn follow(node: usize, url: String, news: mpsc::Sender<News>) {
    loop {
        if session(node, &url, &news).await.is_some() && news.send(News::Down(node)).await.is_err() {
            return;
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// One connection. `Some` if it was ever up.
async fn session(node: usize, url: &str, news: &mpsc::Sender<News>) -> Option<()> {
    let mut client = Client::connect(url).await.ok()?;
    let mut blocks = client.subscribe_blocks(None, false).await.ok()?;
    let status = client.status().await.ok()?;
    news.send(News::Up(node, Box::new(status))).await.ok()?;
    let mut tick = tokio::time::interval(STATUS_EVERY);
    loop {
        tokio::select! {
            event = blocks.message() => match event {
                Ok(Some(event)) => news.send(News::Block(node, Box::new(event))).await.ok()?,
                _ => return Some(()),
            },
            _ = tick.tick() => match client.status().await {
                Ok(status) => news.send(News::Status(node, Box::new(status))).await.ok()?,
                Err(_) => return Some(()),
            },
        }
    }
}
