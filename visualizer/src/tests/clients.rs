//! Many clients, slow ones, and the other nodes' dashboards.

use super::*;

impl Bench {
    /// Waits until nobody holds a place in the stream.
    fn all_places_are_free(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let all = u32::try_from(self.shared.max_clients).unwrap();
        runtime.block_on(async {
            let free = tokio::time::timeout(LIMIT, self.shared.clients.acquire_many(all)).await;
            drop(free.expect("places are still held").unwrap());
        });
    }
}

/// So much to tell that no buffer holds it for long; another thing each round.
fn chatter(writer: &mut ViewWriter, round: u64) {
    for view in 1..=255 {
        writer.update(View(view), TimeMs(0), |slot| {
            slot.votes = (0..512).map(ValidatorIndex).filter(|v| !(u64::from(v.0) + round).is_multiple_of(8)).collect();
        });
    }
    writer.enter(View(255));
}

#[test]
fn clients_beyond_the_limit_are_refused_in_words_until_a_place_is_free() {
    assert_eq!(crate::MAX_CLIENTS, 1024);
    let bench = Bench::with(3, 7, Vec::new(), 0);
    let mut clients: Vec<Events> = (0..3).map(|_| bench.watch(None)).collect();
    clients.iter_mut().for_each(|client| assert_eq!(client.next().1, "snapshot"));
    let refused = bench.get("/api/events");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    assert!(refused.body.contains("3 clients are connected"), "{}", refused.body);
    assert_eq!(bench.get("/api/health").status, 200, "only the stream is full");
    drop(clients);
    bench.all_places_are_free();
    assert_eq!(bench.watch(None).next().1, "snapshot");
}

#[test]
fn clients_that_never_read_are_dropped_and_the_others_lose_nothing() {
    let Bench { mut writer, shared, server, .. } = Bench::with(5, 7, Vec::new(), 0);
    let clients = [(); 5].map(|()| watch(server.local_address(), None));
    let [mut reader, silent @ ..] = clients;
    let (mut last, ..) = reader.next();
    let mut next = || {
        let (id, _, data) = reader.next();
        assert_eq!(id, last + 1, "an event is missing");
        last = id;
        data
    };
    // Each of the silent ones has its place before it falls behind.
    while shared.clients.available_permits() > 0 {
        next();
    }
    let deadline = std::time::Instant::now() + LIMIT;
    for round in 1.. {
        if shared.clients.available_permits() == silent.len() {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "a client that never reads is still served");
        chatter(&mut writer, round);
        // A round has been told when its last view has.
        while next()["view"] != 255 {}
    }
}

fn entry(index: u16, bench: &Bench) -> FleetEntry {
    FleetEntry { index, url: bench.server.url() }
}

/// The fleet as it is told once this is true of it.
fn fleet_when(events: &mut Events, is_it: impl Fn(&Value) -> bool) -> Value {
    let begun = std::time::Instant::now();
    loop {
        let fleet = events.next_of("fleet").1;
        if is_it(&fleet) {
            return fleet;
        }
        assert!(begun.elapsed() < LIMIT, "it never comes to that: {fleet}");
    }
}

#[test]
fn one_page_shows_the_other_validators_and_who_has_gone() {
    let (one, two) = (Bench::with(8, 7, Vec::new(), 1), Bench::with(8, 7, Vec::new(), 2));
    one.chain.push(0, 5);
    let mut own = Bench::with(8, 7, vec![entry(1, &one), entry(2, &two)], 0);
    own.enter(1);
    let mut events = own.watch(None);
    let fleet = fleet_when(&mut events, |fleet| {
        let all = fleet["validators"].as_array().unwrap();
        all.iter().all(|line| line["reachable"] == true) && all[1]["height"] == 1
    });
    let lags: Vec<_> = fleet["validators"].as_array().unwrap().iter().map(|line| line["lag_blocks"].clone()).collect();
    assert_eq!(lags, [Value::from(1), Value::from(0), Value::from(1)], "{fleet}");
    assert_eq!(fleet["alarm"], Value::Null);
    two.server.shutdown();
    let fleet = fleet_when(&mut events, |fleet| fleet["validators"][2]["reachable"] == false);
    let gone = &fleet["validators"][2];
    assert!(gone["error"].as_str().unwrap().contains("cannot be reached"), "{gone}");
    assert!(gone["last_seen_ms"].as_u64().is_some() && fleet["validators"][1]["reachable"] == true, "{fleet}");
}

#[test]
fn another_block_at_the_same_height_is_an_alarm_that_names_the_validator() {
    let benches = [1, 2].map(|index| Bench::with(8, 7, Vec::new(), index));
    let own = Bench::with(8, 7, vec![entry(1, &benches[0]), entry(2, &benches[1])], 0);
    let mut events = own.watch(None);
    own.chain.push(0, 5);
    benches[0].chain.push(0, 5);
    benches[1].chain.push(0, 6);
    let fleet = fleet_when(&mut events, |fleet| {
        fleet["validators"][2]["diverged"] == true && fleet["validators"][0]["diverged"] == false
    });
    let alarm = fleet["alarm"].as_str().unwrap();
    assert!(alarm.contains("height 1") && alarm.contains("validators 0, 1"), "{alarm}");
}

#[test]
fn a_dashboard_of_another_chain_is_named_as_such() {
    let other = Bench::with(8, 8, Vec::new(), 1);
    let own = Bench::with(8, 7, vec![entry(1, &other)], 0);
    let fleet = fleet_when(&mut own.watch(None), |fleet| fleet["validators"][1]["error"] != Value::Null);
    let line = &fleet["validators"][1];
    assert!(line["error"].as_str().unwrap().contains("another chain") && line["reachable"] == false, "{fleet}");
}

#[test]
fn an_address_in_use_is_named_with_its_key() {
    let bench = Bench::new();
    let again = VisualizerConfig { listen_address: bench.address(), ..VisualizerConfig::default() };
    let context = VisualizerContext {
        genesis: Arc::new(genesis(7)),
        status: bench.status.clone(),
        views: bench.writer.ring(),
        validator: None,
        role: "follower",
        version: String::new(),
        chain: Arc::new(bench.chain.clone()),
        peers: bench.peers.clone(),
        max_clients: 1,
    };
    let error = crate::spawn(&again, context).unwrap_err().to_string();
    assert!(error.contains("visualizer.listen_address") && error.contains(&bench.address().to_string()), "{error}");
}

#[test]
fn entries_of_the_fleet_are_checked() {
    let check = |entries: &[(u16, &str)]| {
        let fleet = entries.iter().map(|(index, url)| FleetEntry { index: *index, url: (*url).to_owned() }).collect();
        VisualizerConfig { fleet, ..VisualizerConfig::default() }.check()
    };
    assert_eq!(
        check(&[(0, "http://127.0.0.1:8080"), (1, "http://[::1]:81/"), (2, "http://node-2.example:80")]),
        Ok(())
    );
    for url in ["127.0.0.1:8080", "https://a:1", "http://a", "http://a:0", "http://a:1/x", "http://:1", "http://a b:1"]
    {
        let refusal = check(&[(4, url)]).unwrap_err();
        assert!(refusal.contains("validator 4") && refusal.contains(url), "{refusal}");
    }
    assert!(check(&[(1, "http://a:1"), (1, "http://b:1")]).unwrap_err().contains("named twice"));
}
