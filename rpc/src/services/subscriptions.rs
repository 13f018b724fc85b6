//! SubscriptionService: one task a subscriber, which follows the feed and stops as soon as its reader is too slow.

use super::{Services, Shared};
use crate::convert::{FinalEntry, address_field, block_event, hash_field, transaction_event};
use crate::proto;
use crate::proto::subscription_service_server::SubscriptionService;
use crate::refusal::{RESUME_KEY, invalid, refuse, stopping};
use minuet_core::{Address, Height, TxHash};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::Stream;
use tonic::{Code, Request, Response, Status};

/// Events that wait for the connection. Small: a block with 20,000 hashes has 640 kB.
const BLOCK_BUFFER: usize = 4;
const TRANSACTION_BUFFER: usize = 256;
/// Hashes or addresses of one filter.
const MAX_FILTER: usize = 1024;

/// Events, then at most one error.
pub struct Subscription<T> {
    events: mpsc::Receiver<T>,
    farewell: Arc<Mutex<Option<Status>>>,
    /// Held as long as the connection holds the stream, also when its task has ended.
    _permit: OwnedSemaphorePermit,
}

impl<T> Stream for Subscription<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(context).map(|event| match event {
            Some(event) => Some(Ok(event)),
            None => self.farewell.lock().unwrap_or_else(PoisonError::into_inner).take().map(Err),
        })
    }
}

fn too_slow(next: Height) -> Status {
    let text = format!("reader too slow: resubscribe from height {next}");
    let mut status = refuse(Code::ResourceExhausted, "reader_too_slow", text);
    status.metadata_mut().insert(RESUME_KEY, next.0.into());
    status
}

/// Where a subscriber stands.
struct Cursor {
    /// The first height that is not wholly handed over.
    next: Height,
    /// It has once had everything.
    has_caught_up: bool,
}

struct Pump<T> {
    shared: Arc<Shared>,
    events: mpsc::Sender<T>,
    tip: tokio::sync::watch::Receiver<Height>,
    cursor: Cursor,
}

impl<T: Send + 'static> Pump<T> {
    /// Runs until the reader leaves (`None`) or an error ends the subscription.
    async fn run(&mut self, make: impl Fn(&FinalEntry) -> Result<Vec<T>, Status>) -> Option<Status> {
        let shared = Arc::clone(&self.shared);
        let work = async {
            loop {
                if let Err(end) = self.step(&make).await {
                    return end;
                }
            }
        };
        tokio::select! {
            end = work => end,
            stopped = shared.stopped() => Some(stopped),
        }
    }

    async fn step(&mut self, make: &impl Fn(&FinalEntry) -> Result<Vec<T>, Status>) -> Result<(), Option<Status>> {
        let newest = *self.tip.borrow_and_update();
        if self.cursor.next > newest {
            self.cursor.has_caught_up = true;
            return tokio::select! {
                changed = self.tip.changed() => changed.map_err(|_| Some(stopping())),
                () = self.events.closed() => Err(None),
            };
        }
        let entry = self.shared.indexed_block(self.cursor.next).await.map_err(Some)?;
        for event in make(&entry).map_err(Some)? {
            self.hand_over(event).await?;
        }
        if self.events.is_closed() {
            return Err(None);
        }
        self.cursor.next = self.cursor.next.next();
        Ok(())
    }

    /// Waits for room, but not while the chain runs away. One that replays the past may be far behind, but not stand
    /// still.
    async fn hand_over(&mut self, event: T) -> Result<(), Option<Status>> {
        let newest = *self.tip.borrow_and_update();
        let behind_of = if self.cursor.has_caught_up { self.cursor.next } else { newest };
        let limit = behind_of.0.saturating_add(self.shared.config.max_subscriber_lag_blocks);
        let room = self.events.reserve();
        let ran_away = self.tip.wait_for(|newest| newest.0 > limit);
        tokio::select! {
            biased;
            room = room => {
                room.map_err(|_| None)?.send(event);
                Ok(())
            }
            _ = ran_away => Err(Some(too_slow(self.cursor.next))),
        }
    }
}

/// Starts the task of one subscriber. It begins at `from`, else with the next block.
fn subscribe<T: Send + 'static>(
    shared: &Arc<Shared>,
    from: Option<u64>,
    buffer: usize,
    make: impl Fn(&FinalEntry) -> Result<Vec<T>, Status> + Send + Sync + 'static,
) -> Result<Response<Subscription<T>>, Status> {
    let permit = shared.limits.subscription()?;
    let tip = shared.feed.subscribe();
    let next = from.map_or_else(|| tip.borrow().next(), Height);
    let (events, receiver) = mpsc::channel(buffer);
    let farewell = Arc::new(Mutex::new(None));
    let subscription = Subscription { events: receiver, farewell: Arc::clone(&farewell), _permit: permit };
    let cursor = Cursor { next, has_caught_up: false };
    let mut pump = Pump { shared: Arc::clone(shared), events, tip, cursor };
    tokio::spawn(async move {
        let end = pump.run(make).await;
        *farewell.lock().unwrap_or_else(PoisonError::into_inner) = end;
        // Only now the stream sees its end, and finds the farewell.
        drop(pump);
    });
    Ok(Response::new(subscription))
}

struct Filter {
    hashes: BTreeSet<TxHash>,
    addresses: BTreeSet<Address>,
    all: bool,
}

impl Filter {
    fn new(request: &proto::SubscribeTransactionsRequest) -> Result<Self, Status> {
        for (field, length) in [("hashes", request.hashes.len()), ("addresses", request.addresses.len())] {
            if length > MAX_FILTER {
                let text =
                    format_args!("{length} entries, at most {MAX_FILTER} are allowed: use several subscriptions");
                return Err(invalid(field, "filter_too_long", text));
            }
        }
        let hashes = request.hashes.iter().map(|hash| hash_field("hashes", hash)).collect::<Result<_, _>>()?;
        let addresses = request.addresses.iter().map(|address| address_field("addresses", address));
        let filter = Self { hashes, addresses: addresses.collect::<Result<_, _>>()?, all: request.all };
        if !filter.all && filter.hashes.is_empty() && filter.addresses.is_empty() {
            return Err(invalid("all", "filter_empty", "give hashes or addresses, or set all to true"));
        }
        Ok(filter)
    }

    fn matching(&self, entry: &FinalEntry) -> Result<Vec<proto::TransactionEvent>, Status> {
        let transactions = (0u32..).zip(entry.transactions.iter());
        let matching = transactions.filter(|(_, transaction)| {
            self.all
                || self.hashes.contains(&transaction.hash())
                || self.addresses.contains(&transaction.sender())
                || self.addresses.contains(&transaction.fields().to)
        });
        matching.map(|(index, transaction)| Ok(transaction_event(transaction, entry.outcome(index)?))).collect()
    }
}

#[tonic::async_trait]
impl SubscriptionService for Services {
    type SubscribeBlocksStream = Subscription<proto::BlockEvent>;
    type SubscribeTransactionsStream = Subscription<proto::TransactionEvent>;

    async fn subscribe_blocks(
        &self,
        request: Request<proto::SubscribeBlocksRequest>,
    ) -> Result<Response<Self::SubscribeBlocksStream>, Status> {
        let proto::SubscribeBlocksRequest { from_height, include_transaction_hashes } = request.into_inner();
        let make = move |entry: &FinalEntry| Ok(vec![block_event(entry, include_transaction_hashes)]);
        subscribe(&self.0, from_height, BLOCK_BUFFER, make)
    }

    async fn subscribe_transactions(
        &self,
        request: Request<proto::SubscribeTransactionsRequest>,
    ) -> Result<Response<Self::SubscribeTransactionsStream>, Status> {
        let filter = Filter::new(request.get_ref())?;
        let make = move |entry: &FinalEntry| filter.matching(entry);
        subscribe(&self.0, request.get_ref().from_height, TRANSACTION_BUFFER, make)
    }
}
