//! The dashboard of a real network.

use crate::checks::{inaccessible, is_clean};
use crate::chromium::Chromium;
use crate::harness::{Load, Network, VALIDATORS};
use crate::page::{Page, Window};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const TABS: [&str; 6] = ["overview", "timeline", "blocks", "notarizations", "logs", "fleet"];
const DESKTOP: Window = Window(1280, 800, false);
const PHONE: Window = Window(390, 844, true);
const IS_WELL: &str = "document.getElementById('verdict').dataset.key === 'ok'";

/// What a tab shows of a chain that is well, as an expression that is true then.
fn content_of(tab: &str) -> &'static str {
    match tab {
        "overview" => {
            "document.querySelectorAll('.strip-view').length >= 30 \
             && [...document.querySelectorAll('#tiles .value')].every((value) => /\\d/.test(value.textContent)) \
             && document.querySelector('#latency-chart .line:not(.max)').getAttribute('d').length > 30 \
             && document.querySelectorAll('#throughput-chart .column').length > 0"
        }
        "timeline" => {
            "[...document.querySelectorAll('#timeline > li[data-status=finalized]')]\
             .filter((row) => row.querySelectorAll('.who [data-vote=voted]').length >= 5 \
             && row.querySelectorAll('.stage.on').length === 4 && /\\d/.test(row.querySelector('.t-times').textContent)).length >= 10"
        }
        "blocks" => "document.querySelectorAll('#blocks tr [data-status=finalized]').length >= 20",
        "notarizations" => {
            "document.querySelectorAll('#notarizations tr').length >= 20 && document.querySelectorAll('#leaders tr').length === 6 \
             && document.querySelectorAll('#stages-chart .dot-l').length >= 20"
        }
        "logs" => {
            "['View', 'Proposal', 'M', 'L', 'Final'].every((kind) => \
             [...document.querySelectorAll('#logs .tag')].some((tag) => tag.textContent === kind))"
        }
        "fleet" => {
            "document.querySelectorAll('#fleet tr[data-state=ok]').length === 6 \
             && [...document.querySelectorAll('#fleet tr')].every((row) => row.children[2].textContent !== '–' \
             && row.children[8].textContent !== '–') \
             && document.querySelectorAll('#peers .state[data-state=ok]').length === 5"
        }
        _ => unreachable!("{tab} is no tab"),
    }
}

/// Where validator 0's is.
fn dashboard(network: &Network) -> String {
    format!("http://127.0.0.1:{}", network.dashboard_port(0))
}

fn select(page: &Page<'_>, tab: &str) {
    page.click(&format!("#tab-{tab}"));
    page.shows(&format!("{tab} with live data"), content_of(tab));
}

fn screenshots() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The newest view that the strip shows.
const NEWEST: &str = "Number(document.getElementById('strip-newest').textContent.replace(/\\D/g, ''))";

#[test]
fn every_tab_is_alive_readable_and_silent_in_light_and_dark_on_a_desk_and_on_a_phone() {
    let network = Network::start();
    let load = Load::start(network.dir(), 20, 600);
    let chromium = Chromium::start();
    let page = Page::open(&chromium, &dashboard(&network));
    page.looks_as(DESKTOP, "light");
    page.shows("a chain that is well", IS_WELL);
    let view = page.value(NEWEST).as_u64().unwrap();
    page.shows("a strip that moves", &format!("{NEWEST} > {view} + 10"));

    for (window, name) in [(DESKTOP, "desktop"), (PHONE, "phone")] {
        for scheme in ["light", "dark"] {
            page.looks_as(window, scheme);
            for tab in TABS {
                select(&page, tab);
                page.screenshot(&screenshots().join(format!("{tab}-{scheme}-{name}.png")));
                assert_eq!(inaccessible(&page), Vec::<String>::new(), "{tab}, {scheme}, {name}");
                let fits = "document.documentElement.scrollWidth <= innerWidth";
                assert_eq!(page.value(fits), true, "{tab} is wider than a {name}");
            }
        }
    }
    is_clean(&page);
    drop(load);
}

#[test]
fn a_block_is_shown_as_the_node_tells_it_with_its_signers_and_lists_can_be_stopped_and_searched() {
    let network = Network::start();
    let chromium = Chromium::start();
    let page = Page::open(&chromium, &dashboard(&network));
    page.looks_as(DESKTOP, "light");

    select(&page, "blocks");
    let height = page.value("const row = document.querySelector('#blocks tr:has([data-status=finalized]) .link'); row.click(); row.textContent");
    let height: u64 = height.as_str().unwrap().replace(',', "").parse().unwrap();
    page.shows(
        "the certificate",
        "/signed by [56] of 6 validators, 5 are needed/.test(document.getElementById('block-body').textContent)",
    );
    let shown = page.text("#block-body");
    let block = network.view(0).block(height);
    for (what, hash) in [("hash", &block.hash), ("state root", &block.state_root)] {
        assert!(shown.contains(&format!("0x{}", hex::encode(hash))), "{what} of {height}: {shown}");
    }
    assert_eq!(inaccessible(&page), Vec::<String>::new());
    page.press("Escape");
    page.shows("the dialog gone", "!document.getElementById('block').open");

    // With the keyboard alone from tab to tab.
    page.value("document.getElementById('tab-blocks').focus()");
    page.press("ArrowRight");
    page.shows(
        "the next tab",
        "!document.getElementById('panel-notarizations').hidden && document.activeElement.id === 'tab-notarizations'",
    );
    page.press("ArrowRight");
    page.shows("the tab after", "document.activeElement.id === 'tab-logs'");

    page.shows("lines", content_of("logs"));
    page.value("const filter = document.getElementById('log-filter'); filter.value = 'validator 3 leads'; filter.dispatchEvent(new Event('input'))");
    page.shows("only what was asked for", "document.querySelectorAll('#logs li').length > 1 && \
        [...document.querySelectorAll('#logs .what')].every((line) => line.textContent.toLowerCase() === 'validator 3 leads')");
    page.click("#logs-pause");
    page.shows("a stopped list", "document.getElementById('logs-live').textContent.startsWith('Paused')");
    let first = page.text("#logs li:first-child");
    page.shows("that it falls behind", "/\\d newer/.test(document.getElementById('logs-live').textContent)");
    assert_eq!(page.text("#logs li:first-child"), first);
    is_clean(&page);
}

#[test]
fn whoever_is_killed_is_named_within_two_seconds_and_so_is_the_threshold_that_is_missed() {
    let mut network = Network::start();
    let chromium = Chromium::start();
    let page = Page::open(&chromium, &dashboard(&network));
    page.looks_as(DESKTOP, "light");
    page.shows("a chain that is well", &format!("{IS_WELL} && {NEWEST} > 20"));
    page.value(
        "window.named = new Promise((done) => { const title = document.getElementById('verdict-title'); \
         new MutationObserver(() => /^Validator 3 has not voted for/.test(title.textContent) && done(Date.now()))\
         .observe(title, { childList: true, characterData: true, subtree: true }); }); 0",
    );
    let victim = network.take(3);
    let killed_at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    victim.kill();
    let named_at = u128::from(page.value("window.named").as_u64().unwrap());
    let took = named_at - killed_at;
    println!("named after {took} ms");
    assert!(took <= 2000, "named after {took} ms");

    page.click("#tab-fleet");
    page.shows(
        "who is down, and that the others are not",
        "document.querySelector('#fleet tr:nth-child(4)').dataset.state === 'bad' \
         && document.querySelectorAll('#fleet tr[data-state=ok]').length === 5",
    );
    page.screenshot(&screenshots().join("one-down.png"));
    assert_eq!(inaccessible(&page), Vec::<String>::new());

    network.take(5).kill();
    let missing = "4 of 5 votes needed for finality: validators 3, 5 are missing";
    page.shows("the threshold", &format!("document.getElementById('verdict-title').textContent === {missing:?}"));
    page.click("#tab-overview");
    page.shows("the pause", "/^No block final for/.test(document.getElementById('verdict-detail').textContent)");
    page.screenshot(&screenshots().join("two-down.png"));
    assert_eq!(inaccessible(&page), Vec::<String>::new());

    network.start_all();
    page.shows("a chain that is well again", &format!("{IS_WELL} && document.getElementById('fleet-badge').hidden"));
    is_clean(&page);
}

#[test]
fn the_page_comes_back_by_itself_when_its_node_does() {
    let mut network = Network::start();
    let chromium = Chromium::start();
    let page = Page::open(&chromium, &dashboard(&network));
    page.looks_as(DESKTOP, "light");
    page.shows("a chain that is well", &format!("{IS_WELL} && {NEWEST} > 10"));
    network.take(0).kill();
    page.shows("that it is alone", "document.getElementById('connection').dataset.state === 'lost'");
    page.shows(
        "how old its data are",
        "/Connection lost · data [\\d.]+ m?s old/.test(document.getElementById('connection-text').textContent)",
    );
    assert_eq!(page.text("#verdict-title"), "Connection lost, trying again");
    page.screenshot(&screenshots().join("lost.png"));
    let view = page.value(NEWEST).as_u64().unwrap();
    network.start_one(0);
    page.shows("the chain that has gone on", &format!("{IS_WELL} && {NEWEST} > {view} + 10"));
    assert_eq!(page.text("#connection-text"), "Live");
    assert_eq!(page.strange_requests(), Vec::<String>::new());
    // A browser complains by itself of an address where nobody listens; of anything else it must not.
    let complaints = page.complaints().into_iter();
    let others: Vec<String> = complaints.filter(|complaint| !complaint.contains("net::ERR_")).collect();
    assert_eq!(others, Vec::<String>::new());
    assert_eq!(page.value("document.querySelectorAll('#fleet-badge[hidden]').length"), 1);
    assert_eq!(usize::from(VALIDATORS), network.running().len());
}
