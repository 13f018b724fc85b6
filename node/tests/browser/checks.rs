//! What holds for every page of ours at any time, and that a page which breaks it is found.

use crate::chromium::Chromium;
use crate::page::Page;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

const AXE: &str = include_str!("axe/axe.min.js");

/// Runs axe-core in the page; its findings that are serious or worse.
pub fn inaccessible(page: &Page<'_>) -> Vec<String> {
    if page.value("typeof axe") == "undefined" {
        page.value(&format!("{AXE};0"));
    }
    let findings = page.value(
        "axe.run(document, { resultTypes: ['violations'] }).then((result) => result.violations\
         .filter((each) => each.impact === 'serious' || each.impact === 'critical')\
         .map((each) => `${each.id} (${each.impact}): ${each.nodes[0].target} ${each.nodes[0].failureSummary}`))",
    );
    findings.as_array().unwrap().iter().map(|finding| finding.as_str().unwrap().to_owned()).collect()
}

/// No error, no warning, no request to anybody else.
pub fn is_clean(page: &Page<'_>) {
    assert_eq!(page.complaints(), Vec::<String>::new());
    assert_eq!(page.strange_requests(), Vec::<String>::new());
    assert!(page.requests() > 3, "a page that asks for nothing shows nothing");
}

/// Serves one page at every path, until the test ends; its origin.
fn serve(html: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A browser also opens connections on which it asks for nothing.
            std::thread::spawn(move || answer(stream, html));
        }
    });
    origin
}

fn answer(mut stream: TcpStream, html: &str) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    if lines.map_while(Result::ok).any(|line| line.is_empty()) {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: ";
        let _ = write!(stream, "{head}{}\r\n\r\n{html}", html.len());
    }
}

#[test]
fn a_page_that_complains_asks_others_and_cannot_be_read_is_found() {
    let bad = "<!doctype html><html><head><title>Bad</title></head><body><p style='color:#ccc'>Pale text on white</p>\
               <img src='http://127.0.0.9:4999/far.png'><button></button>\
               <script>console.error('a complaint'); setTimeout(() => { throw new Error('an exception'); });</script></body>";
    let chromium = Chromium::start();
    let page = Page::open(&chromium, &serve(bad));
    page.shows("its text", "document.querySelector('button') && document.readyState === 'complete'");
    page.value("new Promise((done) => setTimeout(done))");
    let complaints = page.complaints().join("\n");
    assert!(complaints.contains("a complaint") && complaints.contains("an exception"), "{complaints}");
    assert_eq!(page.strange_requests(), ["http://127.0.0.9:4999/far.png"]);
    let findings = inaccessible(&page).join("\n");
    for rule in ["color-contrast", "image-alt", "button-name", "html-has-lang"] {
        assert!(findings.contains(rule), "{rule}: {findings}");
    }
}
