use super::*;

fn node(name: &str, height: u64, hash: u8) -> Seen {
    let status = GetStatusResponse {
        height,
        hash: vec![hash; 32].into(),
        genesis_hash: vec![1; 32].into(),
        validator_index: Some(3),
        role: "validator".to_owned(),
        view: height + 2,
        n: 6,
        peers: 5,
        finality_samples: 1,
        finality_p50_us: 4200,
        finality_p99_us: 91_500,
        ..GetStatusResponse::default()
    };
    let health = GetHealthResponse { status: 1, reasons: Vec::new() };
    Seen { url: format!("http://{name}"), answer: Ok(Answer { status, health }), conflict: None }
}

fn down(name: &str) -> Seen {
    Seen { url: format!("http://{name}"), answer: Err("no answer within 3 s".to_owned()), conflict: None }
}

#[test]
fn the_table_is_aligned_and_shows_who_lags_and_who_is_down() {
    let mut lagging = node("b:50051", 60, 2);
    let Ok(answer) = &mut lagging.answer else { panic!() };
    answer.health.reasons.push("catching up: 40 blocks behind the peers".to_owned());
    let output = show(&[node("a:1", 100, 1), lagging, down("c:2")]);
    let lines: Vec<&str> = output.text.lines().collect();
    assert_eq!(
        lines,
        [
            "node     role         height  lag  view  nullified  finality p50/p99  peers  pool  health",
            "a:1      validator 3     100    0   102          0       4.2/91.5 ms    5/5     0  serving",
            "b:50051  validator 3      60   40    62          0       4.2/91.5 ms    5/5     0  LAGS by 40; catching up: \
             40 blocks behind the peers",
            "c:2      -                 -    -     -          -                 -      -     -  DOWN: no answer within 3 s",
            "2 of 3 nodes answer, highest block 100",
        ]
    );
    assert_eq!(output.failure, None);
    assert_eq!((&output.json["ok"], &output.json["answered"]), (&json!(false), &json!(2)));
    assert_eq!((&output.json["nodes"][1]["lag"], &output.json["nodes"][2]["ok"]), (&json!(40), &json!(false)));
}

#[test]
fn a_fork_and_another_chain_are_flagged_and_end_with_a_code() {
    let mut forked = node("b", 99, 9);
    forked.conflict = Some(Conflict::Fork);
    let output = show(&[node("a", 100, 1), forked]);
    assert!(output.text.contains("FORK: block 99 is 0x0909"), "{}", output.text);
    assert_eq!(output.failure.unwrap().exit, Exit::SafetyHalt);
    assert_eq!((&output.json["fork"], &output.json["ok"]), (&json!(true), &json!(false)));

    let mut other = node("b", 99, 9);
    other.conflict = Some(Conflict::Chain);
    let output = show(&[node("a", 100, 1), other]);
    assert!(output.text.contains("OTHER CHAIN: genesis 0x0101"), "{}", output.text);
    assert_eq!(output.failure.unwrap().exit, Exit::Config);
}

#[test]
fn with_nobody_there_the_command_fails() {
    let output = show(&[down("a"), down("b")]);
    assert_eq!(output.failure.unwrap().exit, Exit::Unreachable);
    assert_eq!(output.json["ok"], json!(false));
}

#[test]
fn a_node_that_takes_a_connection_and_never_answers_holds_up_nobody() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let urls: Vec<String> = (0..20).map(|_| format!("http://{}", silent.local_addr().unwrap())).collect();
    let begun = std::time::Instant::now();
    let output = status(&urls).unwrap();
    assert!(begun.elapsed() < PATIENCE * 3, "{:?}", begun.elapsed());
    assert_eq!(output.failure.unwrap().exit, Exit::Unreachable);
    assert!(output.text.contains("no answer within 3 s"), "{}", output.text);
}
