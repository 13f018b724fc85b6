//! The dashboards of real nodes.

use crate::harness::{LIMIT, Network, VALIDATORS};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

fn connect(port: u16, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    stream
}

fn json(port: u16, path: &str) -> Value {
    let mut answer = String::new();
    connect(port, path).read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(body).unwrap()
}

/// The stream of events of a node.
struct Events(BufReader<TcpStream>);

impl Events {
    fn of(port: u16) -> Self {
        Self(BufReader::new(connect(port, "/api/events")))
    }

    /// Waits for an event of this kind of which this is true.
    fn until(&mut self, wanted: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut kind = String::new();
        let begun = std::time::Instant::now();
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
            if let Some(value) = line.strip_prefix("event: ") {
                kind = value.trim_end().to_owned();
            } else if let Some(data) = line.strip_prefix("data: ").filter(|_| kind == wanted) {
                let data: Value = serde_json::from_str(data.trim_end()).unwrap();
                if is_it(&data) {
                    return data;
                }
                assert!(begun.elapsed() < LIMIT, "it never comes to that: {data}");
            }
        }
    }
}

#[test]
fn every_validator_shows_the_chain_the_others_and_who_has_gone() {
    let mut network = Network::start();
    let mut events = Events::of(network.dashboard_port(0));
    let block = events.until("finalized", |block| block["height"].as_u64() >= Some(3));
    let height = block["height"].as_u64().unwrap();
    for (index, view) in network.all() {
        view.reaches(height);
        let port = network.dashboard_port(index);
        let detail = json(port, &format!("/api/blocks/{height}"));
        assert_eq!(detail["hash"], block["hash"], "validator {index}");
        let signers = detail["certificate"]["signers"].as_array().map_or(5, Vec::len);
        assert!(signers >= 5, "{detail}");
        // One that started last may have got its first blocks from the others, without a view of its own.
        Events::of(port).until("finalized", |_| true);
        let state = json(port, "/api/state");
        assert_eq!((&state["health"]["validator"], &state["health"]["role"]), (&index.into(), &"validator".into()));
        let finals = state["slots"].as_array().unwrap().iter().filter(|slot| slot["status"] == "finalized");
        let voters: Vec<usize> = finals.map(|slot| slot["votes"].as_array().unwrap().len()).collect();
        assert!(!voters.is_empty() && voters.iter().all(|votes| *votes >= 3), "{state}");
    }
    let is_up = |index: usize, up: bool| move |fleet: &Value| fleet["validators"][index]["reachable"] == up;
    let fleet = events.until("fleet", |fleet| (0..usize::from(VALIDATORS)).all(|index| is_up(index, true)(fleet)));
    assert_eq!(fleet["alarm"], Value::Null);
    network.take(2).kill();
    let fleet = events.until("fleet", is_up(2, false));
    let others = (0..usize::from(VALIDATORS)).filter(|index| *index != 2);
    assert!(others.into_iter().all(|index| is_up(index, true)(&fleet)), "{fleet}");
    events.until("peer_changed", |peer| peer["peer"] == 2 && peer["connected"] == false);
    network.start_one(2);
    events.until("fleet", is_up(2, true));
}

#[test]
fn a_node_whose_dashboard_has_no_port_runs_without_and_says_so() {
    let mut network = Network::start();
    assert!(network.take(0).stop().success());
    let taken = TcpListener::bind(("127.0.0.1", network.dashboard_port(0))).unwrap();
    network.start_one(0);
    let line = network.node(0).says("there is no dashboard");
    assert!(line.contains(&taken.local_addr().unwrap().to_string()), "{line}");
    let height = network.view(1).height();
    network.view(0).reaches(height + 2);
}
