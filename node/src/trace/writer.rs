//! The writing side: an observer on the network's thread that only queues, and a thread that takes frames apart and
//! writes lines.
//!
//! The network never waits: what does not fit into the queue, or onto the disk, is counted, logged as an error and
//! marked in the file, twice: by a line where it is missing, and by the `complete` of the start line, which is
//! overwritten in place and so needs no room on the disk.

use super::line::{Line, TRACE_VERSION, holds_signed, lines_of};
use crate::exit::{Exit, Failure};
use crate::run::unix_us;
use minuet_core::messages::PeerFrame;
use minuet_p2p::FrameObserver;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Frames that may wait to be written: seconds of a busy network.
const QUEUE_FRAMES: usize = 65_536;
/// Their bytes at most; only answers with blocks are large.
const QUEUE_BYTES: usize = 64 << 20;
/// Frames written together.
const BATCH_FRAMES: usize = 256;
/// A loss is noted after so long, even if nothing comes any more.
const LOOK: Duration = Duration::from_millis(200);

/// The start line up to its flag, and the flag's two values of one length.
const START: &str = r#"{"line":"start","complete":"#;
const COMPLETE: &str = "true ";
const INCOMPLETE: &str = "false";

#[derive(Debug)]
struct Received {
    time_us: u64,
    frame: PeerFrame,
}

/// What both sides count.
#[derive(Debug, Default)]
struct Queue {
    bytes: AtomicUsize,
    lost: AtomicU64,
}

impl Queue {
    /// Counts a loss; the first one of a series is logged.
    fn lose(&self, count: u64, why: &str) {
        if count > 0 && self.lost.fetch_add(count, Ordering::Relaxed) == 0 {
            tracing::error!(why, "TRACE INCOMPLETE: messages are missing in the trace of what was received");
        }
    }
}

/// The network's end.
#[derive(Debug)]
struct Observer {
    sender: SyncSender<Received>,
    queue: Arc<Queue>,
}

impl FrameObserver for Observer {
    fn received(&mut self, frame: &PeerFrame) {
        if !holds_signed(frame.kind) {
            return;
        }
        let bytes = frame.payload.len();
        let waiting = self.queue.bytes.fetch_add(bytes, Ordering::Relaxed);
        let received = Received { time_us: unix_us(), frame: frame.clone() };
        if waiting + bytes > QUEUE_BYTES || self.sender.try_send(received).is_err() {
            self.queue.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.queue.lose(1, "the queue to the file is full: the disk is too slow");
        }
    }
}

/// The writing thread. It ends when the network has dropped its observer.
#[derive(Debug)]
pub struct TraceThread(JoinHandle<()>);

impl TraceThread {
    /// Waits until everything that was received is written. The observer must be gone.
    pub fn finish(self) {
        if self.0.join().is_err() {
            tracing::error!("the thread that writes the trace panicked");
        }
    }
}

/// Opens the file, behind what it holds, and starts the thread.
///
/// # Errors
/// A file that cannot be written, or no thread.
pub fn open(path: &Path) -> Result<(Box<dyn FrameObserver>, TraceThread), Failure> {
    let (sender, receiver) = sync_channel(QUEUE_FRAMES);
    let queue = Arc::new(Queue::default());
    let writer = Writer::open(path, receiver, queue.clone()).map_err(|error| {
        Failure::new(Exit::DataDirectory, format!("trace {}: cannot be written: {error}", path.display()))
    })?;
    let thread = std::thread::Builder::new().name("minuet-trace".to_owned()).spawn(move || writer.run());
    let thread = thread.map_err(|error| Failure::new(Exit::Generic, format!("the system gives no thread: {error}")))?;
    tracing::info!(file = %path.display(), "every signed message that is received is written to a trace");
    Ok((Box::new(Observer { sender, queue }), TraceThread(thread)))
}

struct Writer {
    file: File,
    path: PathBuf,
    receiver: Receiver<Received>,
    queue: Arc<Queue>,
    /// The end of what is written.
    end: u64,
    /// Where the start line's flag is.
    flag: u64,
    messages: u64,
}

impl Writer {
    fn open(path: &Path, receiver: Receiver<Received>, queue: Arc<Queue>) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let mut end = file.metadata()?.len();
        if end > 0 {
            let mut last = [0];
            file.read_exact_at(&mut last, end - 1)?;
            if last != *b"\n" {
                // A kill cut the last line off.
                file.write_all_at(b"\n", end)?;
                end += 1;
            }
        }
        let (time_us, pid) = (unix_us(), std::process::id());
        let start = format!("{START}{COMPLETE},\"version\":{TRACE_VERSION},\"time_us\":{time_us},\"pid\":{pid}}}\n");
        file.write_all_at(start.as_bytes(), end)?;
        let flag = end + START.len() as u64;
        let end = end + start.len() as u64;
        Ok(Self { file, path: path.to_owned(), receiver, queue, end, flag, messages: 0 })
    }

    fn run(mut self) {
        let mut text = String::new();
        loop {
            match self.receiver.recv_timeout(LOOK) {
                Ok(first) => {
                    self.take(&first, &mut text);
                    for _ in 1..BATCH_FRAMES {
                        let Ok(more) = self.receiver.try_recv() else { break };
                        self.take(&more, &mut text);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.note_losses(&mut text);
            self.write(&mut text);
        }
        self.note_losses(&mut text);
        push(&mut text, &Line::Stop { time_us: unix_us(), messages: self.messages });
        self.write(&mut text);
    }

    fn take(&mut self, received: &Received, text: &mut String) {
        self.queue.bytes.fetch_sub(received.frame.payload.len(), Ordering::Relaxed);
        for line in lines_of(&received.frame, received.time_us) {
            self.messages += u64::from(matches!(line, Line::Message(_)));
            push(text, &line);
        }
    }

    fn note_losses(&mut self, text: &mut String) {
        let lost = self.queue.lost.swap(0, Ordering::Relaxed);
        if lost == 0 {
            return;
        }
        if let Err(error) = self.file.write_all_at(INCOMPLETE.as_bytes(), self.flag) {
            tracing::error!(%error, file = %self.path.display(), "TRACE INCOMPLETE, and the file cannot be marked so");
        }
        push(text, &Line::Incomplete { time_us: unix_us(), lost });
    }

    fn write(&mut self, text: &mut String) {
        match self.file.write_all_at(text.as_bytes(), self.end) {
            Ok(()) => self.end += text.len() as u64,
            Err(error) => {
                // Half a line must not stay behind; should this fail too, the next write overwrites it.
                let _ = self.file.set_len(self.end);
                let lost = text.lines().count() as u64;
                self.queue.lose(lost, &format!("{}: {error}", self.path.display()));
                let _ = self.file.write_all_at(INCOMPLETE.as_bytes(), self.flag);
            }
        }
        text.clear();
    }
}

fn push(text: &mut String, line: &Line) {
    match serde_json::to_string(line) {
        Ok(json) => {
            text.push_str(&json);
            text.push('\n');
        }
        Err(error) => tracing::error!(%error, "a line of the trace cannot be written"),
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
