//! A headless Chromium and its protocol (JSON over two pipes, each message ends with a zero byte).

use crate::harness::{LIMIT, output, spawn};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// It talks to nobody but the page: no updates, no sign-in, no lists of bad sites.
const FLAGS: [&str; 14] = [
    "--headless=new",
    "--remote-debugging-pipe",
    // Its sandbox does not run as root, which continuous integration is; it only ever sees our own pages.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--password-store=basic",
];

/// Descriptors 3 and 4 are the browser's ends of the protocol.
const WITH_PIPES: &str = r#"exec 3<"$1" 4>"$2"; shift 2; exec "$@""#;

/// A browser; it ends with this value.
pub struct Chromium {
    child: Child,
    to: Mutex<File>,
    inbox: Arc<Inbox>,
    next_id: AtomicU64,
    _home: tempfile::TempDir,
}

/// What happened in a page.
#[derive(Clone)]
pub struct Event {
    pub session: String,
    pub method: String,
    pub params: Value,
}

#[derive(Default)]
struct Inbox {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Default)]
struct Said {
    answers: BTreeMap<u64, Value>,
    events: Vec<Event>,
    has_ended: bool,
}

impl Chromium {
    pub fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (to, from) = (home.path().join("to"), home.path().join("from"));
        assert!(output(Command::new("mkfifo").args([&to, &from])).status.success(), "mkfifo");
        let mut command = Command::new("sh");
        command.args(["-c", WITH_PIPES, "sh"]).args([&to, &from]).arg("chromium").args(FLAGS);
        command.arg(format!("--user-data-dir={}", home.path().join("profile").display())).arg("about:blank");
        let child = spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        // In this order: the shell opens them so, and each waits for the other end.
        let to = OpenOptions::new().write(true).open(to).unwrap();
        let from = File::open(from).unwrap();
        let inbox = Arc::new(Inbox::default());
        let reader = inbox.clone();
        std::thread::spawn(move || reader.read(from));
        Self { child, to: Mutex::new(to), inbox, next_id: AtomicU64::new(1), _home: home }
    }

    /// Asks the browser, or a page by its session. `None` if there was no answer in time.
    pub fn ask(&self, session: Option<&str>, method: &str, params: Value) -> Option<Value> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        let sent = self.to.lock().unwrap().write_all(&bytes);
        assert!(sent.is_ok(), "chromium has ended: is it installed ('make setup')?");
        let answer = self.inbox.answer(id)?;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        Some(answer["result"].clone())
    }

    /// Waits until what has happened, everywhere and in order, is enough; whether it was in time.
    pub fn until(&self, is_enough: impl Fn(&[Event]) -> bool) -> bool {
        let is_open = |said: &mut Said| !is_enough(&said.events) && !said.has_ended;
        let waited = self.inbox.more.wait_timeout_while(self.inbox.said.lock().unwrap(), LIMIT, is_open);
        !waited.unwrap().1.timed_out()
    }

    /// What happened so far in a page, in order.
    pub fn events(&self, session: &str, method: &str) -> Vec<Value> {
        let said = self.inbox.said.lock().unwrap();
        let events = said.events.iter().filter(|event| event.session == session && event.method == method);
        events.map(|event| event.params.clone()).collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Inbox {
    fn read(&self, from: File) {
        let mut from = BufReader::new(from);
        let mut bytes = Vec::new();
        while from.read_until(0, &mut bytes).is_ok_and(|read| read > 0) {
            if bytes.pop() == Some(0) {
                self.put(serde_json::from_slice(&bytes).unwrap());
            }
            bytes.clear();
        }
        self.said.lock().unwrap().has_ended = true;
        self.more.notify_all();
    }

    fn put(&self, message: Value) {
        let mut said = self.said.lock().unwrap();
        if let Some(id) = message["id"].as_u64() {
            said.answers.insert(id, message);
        } else {
            let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
            let event = Event { session: text("sessionId"), method: text("method"), params: message["params"].clone() };
            said.events.push(event);
        }
        drop(said);
        self.more.notify_all();
    }

    fn answer(&self, id: u64) -> Option<Value> {
        let is_open = |said: &mut Said| !said.answers.contains_key(&id) && !said.has_ended;
        let waited = self.more.wait_timeout_while(self.said.lock().unwrap(), LIMIT, is_open);
        let (mut said, _) = waited.unwrap();
        let answer = said.answers.remove(&id);
        assert!(answer.is_some() || !said.has_ended, "chromium has ended: is it installed ('make setup')?");
        answer
    }
}
