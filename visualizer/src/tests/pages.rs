//! What is asked for once: the page, health, state, blocks.

use super::*;

#[test]
fn the_page_and_its_files_are_served_under_a_strict_policy() {
    let bench = Bench::new();
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/static/app.js", "text/javascript; charset=utf-8"),
        ("/static/style.css", "text/css; charset=utf-8"),
    ] {
        let answer = bench.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}");
        assert!(!answer.body.is_empty());
    }
    // Refusals and unknown paths are no exception.
    for path in ["/", "/api/health", "/api/blocks/99", "/etc/passwd"] {
        let answer = bench.get(path);
        let policy = answer.header("content-security-policy").expect("a policy on every answer");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "connect-src 'self'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "no other origin reads this");
    }
}

#[test]
fn a_name_that_points_here_from_elsewhere_is_refused_with_the_right_one() {
    let bench = Bench::new();
    let ask = |host: &str| {
        request(bench.address(), &format!("GET /api/state HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
    };
    let refused = ask("evil.example:8080");
    assert_eq!(refused.status, 421);
    assert!(refused.body.contains(&bench.server.url()), "{}", refused.body);
    assert_eq!(ask("localhost:1").status, 200);
}

#[test]
fn only_reading_is_possible() {
    let bench = Bench::new();
    let text = "POST /api/state HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(request(bench.address(), text).status, 405);
}

#[test]
fn a_block_is_shown_with_its_certificate_and_transactions() {
    let bench = Bench::new();
    let header = bench.chain.push(3, 5);
    let block = bench.json("/api/blocks/1");
    assert_eq!(block["hash"], header.digest().to_string());
    assert_eq!((&block["tx_count"], &block["bytes"], &block["leader"]), (&3.into(), &24.into(), &3.into()));
    assert_eq!(block["transactions"].as_array().unwrap().len(), 3);
    assert_eq!(block["certificate"]["signers"], serde_json::json!([0, 1, 2, 3, 4]));
    assert_eq!(block["certificate"]["kind"], "finalization");
    assert_eq!(bench.json("/api/blocks/0")["certificate"], Value::Null);
    bench.chain.push(300, 6);
    let block = bench.json("/api/blocks/2");
    assert_eq!((&block["tx_count"], block["transactions"].as_array().unwrap().len()), (&300.into(), 200));
}

#[test]
fn what_is_no_block_is_refused_in_words() {
    let bench = Bench::new();
    for (height, words) in
        [("7", "not final yet"), ("x", "no height"), ("-1", "no height"), ("99999999999999999999", "no")]
    {
        let answer = bench.get(&format!("/api/blocks/{height}"));
        assert_eq!(answer.status, 404, "{height}");
        let json: Value = serde_json::from_str(&answer.body).unwrap();
        assert!(json["error"].as_str().unwrap().contains(words), "{json}");
    }
}

#[test]
fn health_says_who_this_is_and_what_is_wrong() {
    let mut bench = Bench::new();
    bench.enter(1);
    let header = bench.chain.push(0, 5);
    let mut events = bench.watch(None);
    events.next_of("node_status");
    let health = bench.json("/api/health");
    assert_eq!((&health["status"], &health["reasons"]), (&"ok".into(), &serde_json::json!([])), "{health}");
    let quorums = [&health["n"], &health["f"], &health["m"], &health["l"]].map(|n| n.as_u64().unwrap());
    assert_eq!(quorums, [6, 1, 3, 5]);
    assert_eq!((&health["validator"], &health["version"]), (&0.into(), &"1.2.3".into()));
    assert_eq!((&health["current_view"], &health["finalized_height"]), (&1.into(), &1.into()));
    assert_eq!(health["recent"][1], serde_json::json!([1, header.digest()]));

    bench.status.peers.set(2);
    bench.status.known_height.set(500);
    bench.status.low_disk.store(true, std::sync::atomic::Ordering::Relaxed);
    let health = bench.json("/api/health");
    let reasons = health["reasons"].to_string();
    assert_eq!((&health["status"], &health["known_height"]), (&"degraded".into(), &500.into()));
    for words in ["499 blocks behind", "2 validators are connected, 4 are needed", "low disk"] {
        assert!(reasons.contains(words), "{reasons}");
    }
}
