//! One page of the browser: what is done in it and what it shows.

use crate::chromium::{Chromium, Event};
use serde_json::{Value, json};
use std::path::Path;

/// Width and height of a window, and whether it is a phone.
#[derive(Clone, Copy)]
pub struct Window(pub u32, pub u32, pub bool);

pub struct Page<'a> {
    chromium: &'a Chromium,
    session: String,
    /// Scheme, host and port of the page.
    origin: String,
}

impl<'a> Page<'a> {
    /// Opens an address of ours in a new page that is watched from the first request on.
    pub fn open(chromium: &'a Chromium, origin: &str) -> Self {
        let ask = |method: &str, params: Value| chromium.ask(None, method, params).expect("the browser answers");
        let target = ask("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = ask("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let page = Self { chromium, session, origin: origin.to_owned() };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.ask(&format!("{domain}.enable"), json!({}));
        }
        page.ask("Page.navigate", json!({ "url": format!("{origin}/") }));
        // Its scripts have run then. What was there before it, an empty page, may still say that it is loaded.
        let is_loaded = |events: &[Event]| {
            let mut own = events.iter().filter(|event| event.session == page.session);
            let is_there =
                |event: &Event| event.params["frame"]["url"].as_str().is_some_and(|url| url.starts_with(origin));
            own.any(|event| event.method == "Page.frameNavigated" && is_there(event))
                && own.any(|event| event.method == "Page.loadEventFired")
        };
        assert!(chromium.until(is_loaded), "{origin} was not loaded in time");
        page
    }

    pub fn ask(&self, method: &str, params: Value) -> Value {
        self.chromium
            .ask(Some(&self.session), method, params)
            .unwrap_or_else(|| panic!("{method} was not answered in time"))
    }

    /// The value of an expression; of a promise, what it comes to.
    pub fn value(&self, expression: &str) -> Value {
        self.evaluate(expression).unwrap_or_else(|| panic!("no value in time: {expression}"))
    }

    fn evaluate(&self, expression: &str) -> Option<Value> {
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.chromium.ask(Some(&self.session), "Runtime.evaluate", params)?;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {}", answer["exceptionDetails"]);
        Some(answer["result"]["value"].clone())
    }

    /// Waits in the page until an expression is true; its value then. An expression that throws, because it speaks of
    /// a row that is not drawn yet, is not true yet; what it threw last is told when the time is up.
    pub fn shows(&self, what: &str, expression: &str) -> Value {
        let look = format!(
            "new Promise((done) => {{ const look = () => {{ let found; window.threw = null; \
             try {{ found = ({expression}); }} catch (error) {{ window.threw = String(error); }} \
             if (found) done(found); else setTimeout(look, 20); }}; look(); }})"
        );
        self.evaluate(&look).unwrap_or_else(|| {
            let (threw, text) = (self.value("window.threw"), self.value("document.body.innerText.slice(0, 3000)"));
            panic!(
                "the page never showed {what} ({expression}; it threw {threw}); it shows:\n{}",
                text.as_str().unwrap_or_default()
            )
        })
    }

    /// The text of the first element that a selector finds.
    pub fn text(&self, selector: &str) -> String {
        self.value(&format!("document.querySelector({selector:?}).textContent")).as_str().unwrap().to_owned()
    }

    pub fn click(&self, selector: &str) {
        self.value(&format!("document.querySelector({selector:?}).click()"));
    }

    /// Presses a key and lets it go, where the focus is.
    pub fn press(&self, key: &str) {
        for kind in ["rawKeyDown", "keyUp"] {
            let code = match key {
                "ArrowRight" => 39,
                "ArrowLeft" => 37,
                "Escape" => 27,
                _ => 0,
            };
            self.ask(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code }),
            );
        }
    }

    /// The page as this window and this scheme ("light", "dark") show it.
    pub fn looks_as(&self, Window(width, height, mobile): Window, scheme: &str) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.ask("Emulation.setDeviceMetricsOverride", metrics);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    pub fn screenshot(&self, to: &Path) {
        let answer = self.ask("Page.captureScreenshot", json!({ "format": "png" }));
        std::fs::write(to, decode_base64(answer["data"].as_str().unwrap())).unwrap();
    }

    /// Errors and warnings in its console, exceptions, and what the browser itself logs of it.
    pub fn complaints(&self) -> Vec<String> {
        let events = |method: &str| self.chromium.events(&self.session, method);
        let called = events("Runtime.consoleAPICalled").into_iter();
        let called = called.filter(|call| ["error", "warning", "assert"].iter().any(|kind| call["type"] == *kind));
        let logged = events("Log.entryAdded").into_iter();
        let logged = logged.filter(|entry| entry["entry"]["level"] == "error" || entry["entry"]["level"] == "warning");
        let all = called.chain(events("Runtime.exceptionThrown")).chain(logged);
        all.map(|complaint| complaint.to_string()).collect()
    }

    /// Requests that went anywhere but to where the page came from.
    pub fn strange_requests(&self) -> Vec<String> {
        let requests = self.chromium.events(&self.session, "Network.requestWillBeSent").into_iter();
        let urls = requests.map(|request| request["request"]["url"].as_str().unwrap_or_default().to_owned());
        urls.filter(|url| !url.starts_with(&format!("{}/", self.origin)) && !url.starts_with("data:")).collect()
    }

    /// How many requests it has made.
    pub fn requests(&self) -> usize {
        self.chromium.events(&self.session, "Network.requestWillBeSent").len()
    }
}

/// The bytes of Base64 as the browser writes it.
fn decode_base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        _ => 0,
    };
    let bytes = text.as_bytes().chunks(4).flat_map(|chunk| {
        let padding = chunk.iter().filter(|byte| **byte == b'=').count();
        let bits = chunk.iter().fold(0, |bits, byte| bits << 6 | value(*byte));
        bits.to_be_bytes()[1..4 - padding].to_vec()
    });
    bytes.collect()
}

#[test]
fn base64_is_read_with_and_without_padding() {
    assert_eq!(decode_base64("TWludWV0"), b"Minuet");
    assert_eq!(decode_base64("TWludWU="), b"Minue");
    assert_eq!(decode_base64("TWludQ=="), b"Minu");
}
