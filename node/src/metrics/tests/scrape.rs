//! A client of the metrics' server, and its text taken apart.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Far above what an answer takes.
const LIMIT: Duration = Duration::from_secs(30);

/// Status and body of what is at a path.
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    get_as(address, "localhost", path)
}

/// The same under a name of the server.
pub fn get_as(address: SocketAddr, host: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// Everything that is served at one moment.
#[derive(Debug, Default)]
pub struct Scrape {
    pub help: BTreeMap<String, String>,
    pub kinds: BTreeMap<String, String>,
    /// By name and labels as they are written.
    pub values: BTreeMap<String, f64>,
}

impl Scrape {
    /// Asks a node.
    pub fn of(address: SocketAddr) -> Self {
        let (status, text) = get(address, "/metrics");
        assert_eq!(status, 200, "{text}");
        Self::parse(&text)
    }

    pub fn parse(text: &str) -> Self {
        let mut scrape = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let words =
                |rest: &str| rest.split_once(' ').map(|(name, rest)| (name.to_owned(), rest.to_owned())).unwrap();
            let before = if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = words(rest);
                scrape.help.insert(name, help).map(drop)
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = words(rest);
                scrape.kinds.insert(name, kind).map(drop)
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                scrape.values.insert(series.to_owned(), value.parse().unwrap()).map(drop)
            };
            assert!(before.is_none(), "twice: {line}");
        }
        scrape
    }

    #[track_caller]
    pub fn value(&self, series: &str) -> f64 {
        *self.values.get(series).unwrap_or_else(|| panic!("{series} is not there"))
    }

    /// The sum over all series of a metric.
    pub fn sum(&self, name: &str) -> f64 {
        self.values.iter().filter(|(series, _)| name_of(series) == name).map(|(_, value)| value).sum()
    }

    /// The names of metrics that have series: those of histograms without their endings.
    pub fn names(&self) -> Vec<String> {
        let base = |series: &String| {
            let name = name_of(series);
            let ends = ["_bucket", "_sum", "_count"].into_iter().filter_map(|end| name.strip_suffix(end));
            let histogram = ends.into_iter().find(|base| self.kinds.get(*base).is_some_and(|kind| kind == "histogram"));
            histogram.unwrap_or(name).to_owned()
        };
        let mut names: Vec<String> = self.values.keys().map(base).collect();
        names.sort();
        names.dedup();
        names
    }

    /// No series is gone and no counter has fallen since.
    #[track_caller]
    pub fn never_fell_until(&self, later: &Self) {
        for (series, before) in &self.values {
            let after = later.values.get(series).unwrap_or_else(|| panic!("{series} is gone"));
            let name = name_of(series);
            let ends = ["_bucket", "_sum", "_count"].into_iter().filter_map(|end| name.strip_suffix(end));
            let kind = ends.chain([name]).find_map(|name| self.kinds.get(name)).expect("a kind");
            assert!(kind == "gauge" || after >= before, "{series} fell from {before} to {after}");
        }
    }
}

fn name_of(series: &str) -> &str {
    series.split('{').next().unwrap_or(series)
}
