//! The stream of events: beginning, going on, coming back.

use super::*;

#[test]
fn a_fresh_client_gets_everything_at_once_and_then_what_changes() {
    let mut bench = Bench::new();
    bench.enter(1);
    bench.vote(1, 4);
    let mut events = bench.watch(None);
    let (id, kind, state) = events.next();
    assert_eq!((kind.as_str(), &state["event_id"]), ("snapshot", &id.into()));
    assert_eq!(state["peers"][0]["address"], "127.0.0.1:9001");
    assert_eq!((&state["fleet"], &state["health"]["n"]), (&Value::Null, &6.into()));

    let header = bench.chain.push(2, 5);
    bench.propose(1, &header);
    bench.vote(1, 0);
    bench.enter(2);
    bench.writer.update(View(1), TimeMs(0), |slot| {
        slot.m_after_us = Some(1_500);
        slot.l_after_us = Some(2_500);
        slot.finalized_after_us = Some(3_000);
        slot.finalized_at = Some(TimeMs(header.time().0 + 12));
    });
    let (first, data) = events.next_of("block_proposed");
    assert!(first > id);
    assert_eq!((&data["hash"], &data["tx_count"]), (&header.digest().to_string().into(), &2.into()));
    let (second, data) = events.next_of("vote_count_changed");
    assert_eq!((second, &data["count"], &data["votes"]), (first + 1, &2.into(), &serde_json::json!([0, 4])));
    assert_eq!(events.next_of("m_notarization").1["after_us"], 1_500);
    assert_eq!(events.next_of("l_notarization").1["after_us"], 2_500);
    let (_, data) = events.next_of("finalized");
    assert_eq!((&data["height"], &data["latency_us"], &data["view"]), (&1.into(), &12_000.into(), &1.into()));
    let status = events.next_of("node_status").1;
    assert_eq!((&status["finality_p50_us"], &status["current_view"]), (&12_000.into(), &2.into()));
}

#[test]
fn the_state_is_what_the_stream_has_told() {
    let mut bench = Bench::new();
    let mut events = bench.watch(None);
    for view in 1..=300 {
        bench.enter(view);
        (0..5).for_each(|validator| bench.vote(view, validator));
    }
    // Somewhere in between, the views were told; the newest is the last.
    let mut told = Vec::new();
    while told.last() != Some(&300) {
        let (_, kind, data) = events.next();
        match kind.as_str() {
            "snapshot" => {
                told.extend(data["slots"].as_array().unwrap().iter().map(|slot| slot["view"].as_u64().unwrap()))
            }
            "view_started" => told.push(data["view"].as_u64().unwrap()),
            _ => {}
        }
    }
    assert!(told.is_sorted(), "oldest first");
    let state = bench.json("/api/state");
    let slots = state["slots"].as_array().unwrap();
    let views: Vec<u64> = slots.iter().map(|slot| slot["view"].as_u64().unwrap()).collect();
    assert_eq!(views, (45..=300).collect::<Vec<_>>());
    assert!(slots.iter().all(|slot| slot["votes"] == serde_json::json!([0, 1, 2, 3, 4])));
    assert!(slots.iter().all(|slot| slot["status"] == "in_progress" && slot["proposal"] == Value::Null));
}

#[test]
fn who_comes_back_goes_on_where_it_stopped() {
    let mut bench = Bench::new();
    let mut events = bench.watch(None);
    let (last, ..) = events.next();
    drop(events);
    for view in 1..4 {
        bench.enter(view);
    }
    let mut other = bench.watch(None);
    while other.next_of("node_status").1["current_view"] != 3 {}
    let mut events = bench.watch(Some(last));
    let (id, kind, _) = events.next();
    assert_eq!((id, kind != "snapshot"), (last + 1, true), "{kind}");
    let mut expected = id;
    loop {
        let (_, kind, data) = events.next();
        expected += 1;
        if kind == "view_started" && data["view"] == 3 {
            break;
        }
    }
    assert_eq!(events.next().0, expected + 1, "no number is left out");
}

#[test]
fn a_number_that_is_too_old_or_of_another_start_begins_anew() {
    let bench = Bench::new();
    let (newest, ..) = bench.watch(None).next();
    for number in [0, newest - 100_000, newest + 100_000] {
        assert_eq!(bench.watch(Some(number)).next().1, "snapshot", "{number}");
    }
    let text = "GET /api/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: soon\r\n\r\n";
    let stream = TcpStream::connect(bench.address()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    (&stream).write_all(text.as_bytes()).unwrap();
    assert_eq!(Events(BufReader::new(stream)).next().1, "snapshot");
}

#[test]
fn a_peer_that_goes_is_told() {
    let bench = Bench::new();
    let mut events = bench.watch(None);
    let mut change = |link: PeerLink| {
        bench.peers.0.lock().unwrap()[0] = link;
        events.next_of("peer_changed").1
    };
    let link = PeerLink { id: PeerId(1), address: "127.0.0.1:9001".to_owned(), connected: true, ..PeerLink::default() };
    assert_eq!(change(link.clone())["connected"], true);
    let gone = PeerLink { connected: false, last_error: "timed out".to_owned(), ..link };
    let told = change(gone);
    assert_eq!(
        (&told["connected"], &told["last_error"], &told["peer"]),
        (&false.into(), &"timed out".into(), &1.into())
    );
}
