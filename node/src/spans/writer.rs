//! The writing side: a thread that looks at the queue now and then and appends what is there.

use super::layer::SpanLayer;
use super::line::{Line, Moment};
use crate::exit::{Exit, Failure};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Moments that may wait to be written: at ten thousand transfers a second, more than half a second of them.
const QUEUE: usize = 65_536;
/// How often the queue is looked at. Whoever tells of a moment wakes nobody.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The writing thread. It writes what is queued and ends with this value.
#[derive(Debug)]
pub struct SpanThread {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for SpanThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the spans panicked");
        }
    }
}

/// Opens the file, behind what it holds, and starts the thread; `None` without a path.
///
/// # Errors
/// A file that cannot be written, or no thread.
pub fn open(path: &Path) -> Result<Option<(SpanLayer, SpanThread)>, Failure> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let (layer, writer) = make(path, QUEUE)?;
    let (stop, stopped) = channel();
    let thread = std::thread::Builder::new().name("minuet-spans".to_owned()).spawn(move || writer.run(&stopped));
    let thread = thread.map_err(|error| Failure::new(Exit::Generic, format!("the system gives no thread: {error}")))?;
    Ok(Some((layer, SpanThread { stop: Some(stop), thread: Some(thread) })))
}

/// Both ends of a queue.
pub(super) fn make(path: &Path, queue: usize) -> Result<(SpanLayer, Writer), Failure> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(|error| {
        Failure::new(Exit::DataDirectory, format!("spans {}: cannot be written: {error}", path.display()))
    })?;
    let (sender, moments) = sync_channel(queue);
    let lost = Arc::new(AtomicU64::new(0));
    let writer = Writer { file: BufWriter::new(file), path: path.to_owned(), moments, lost: lost.clone() };
    Ok((SpanLayer::new(sender, lost), writer))
}

pub(super) struct Writer {
    file: BufWriter<File>,
    path: PathBuf,
    moments: Receiver<Moment<&'static str>>,
    lost: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn run(mut self, stopped: &Receiver<()>) {
        loop {
            let ends = stopped.recv_timeout(LOOK_EVERY) != Err(RecvTimeoutError::Timeout);
            if let Err(error) = self.write() {
                tracing::error!(%error, file = %self.path.display(), "spans are not written any more");
                return;
            }
            if ends {
                return;
            }
        }
    }

    /// All that is queued, and what was lost meanwhile.
    fn write(&mut self) -> std::io::Result<()> {
        // No more than the queue held: what comes meanwhile has its turn.
        for _ in 0..QUEUE {
            let Ok(moment) = self.moments.try_recv() else { break };
            self.line(&Line::Moment(moment))?;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "spans are incomplete: the queue to the file was full");
            self.line(&Line::Lost { lost })?;
        }
        self.file.flush()
    }

    fn line(&mut self, line: &Line<&'static str>) -> std::io::Result<()> {
        serde_json::to_writer(&mut self.file, line)?;
        self.file.write_all(b"\n")
    }
}
