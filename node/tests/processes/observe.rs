//! `minuet localnet --observe`: a real Prometheus scrapes six real validators, and everything that deployments/ asks it
//! has an answer.

use crate::harness::{
    LIMIT, Load, Log, MINUET, PROMETHEUS_OFFSET, VALIDATORS, free_base_port, output, signal, spawn, turn,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(250);
const VICTIM: u16 = 3;

/// A localnet with its Prometheus; killed if the test fails.
struct Observed {
    process: Child,
    log: Arc<Log>,
    port: u16,
    dir: tempfile::TempDir,
}

impl Drop for Observed {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Observed {
    fn start(validators: u16) -> Self {
        let (dir, base) = (tempfile::tempdir().unwrap(), free_base_port());
        let mut command = Command::new(MINUET);
        command.args(["localnet", "--observe", "--json", "--accounts", "10", "--recipients", "20", "--dir"]);
        command.arg(dir.path()).args(["--validators", &validators.to_string(), "--base-port", &base.to_string()]);
        let mut process = spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()));
        let log = Log::of(process.stderr.take().unwrap());
        let port = base + PROMETHEUS_OFFSET;
        log.says(&format!("http://127.0.0.1:{port}"));
        log.says(&format!("{validators}/{validators} nodes"));
        Self { process, log, port, dir }
    }

    fn get(&self, path: &str) -> io::Result<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(LIMIT))?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        serde_json::from_str(body).map_err(|error| io::Error::other(format!("{error}: {answer}")))
    }

    /// What an expression gives now. Panics if Prometheus does not understand it.
    fn query(&self, expr: &str) -> Vec<Value> {
        let encoded: String = expr.bytes().map(|byte| format!("%{byte:02X}")).collect();
        // It may not listen yet.
        let Ok(answer) = self.get(&format!("/api/v1/query?query={encoded}")) else { return Vec::new() };
        assert_eq!(answer["status"], "success", "{expr}: {answer}");
        let data = &answer["data"];
        match data["resultType"].as_str() {
            Some("scalar") => vec![data["result"].clone()],
            _ => data["result"].as_array().cloned().unwrap_or_default(),
        }
    }

    fn number(&self, expr: &str) -> Option<f64> {
        self.query(expr).first()?["value"][1].as_str()?.parse().ok()
    }

    /// The process that this localnet started.
    fn prometheus(&self) -> u32 {
        let folder = self.dir.path().to_str().unwrap();
        let mut pids =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let is_it = |pid: &u32| {
            let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let arguments = String::from_utf8_lossy(&arguments).into_owned();
            arguments.split('\0').next().is_some_and(|program| program.ends_with("prometheus"))
                && arguments.contains(folder)
        };
        pids.find(is_it).expect("Prometheus runs")
    }

    /// Waits for the end of the process, and of Prometheus with it.
    fn has_ended(&mut self) {
        self.process.wait().unwrap();
        until("Prometheus lets its port go", || TcpListener::bind(("127.0.0.1", self.port)).ok());
    }
}

/// Asks again and again, and must have an answer within the limit.
fn until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    within_limit(ask).unwrap_or_else(|| panic!("not within {LIMIT:?}: {what}"))
}

fn within_limit<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let waited = runtime.block_on(async {
        tokio::time::timeout(LIMIT, async {
            let mut tick = tokio::time::interval(EVERY);
            loop {
                tick.tick().await;
                if let Some(answer) = ask() {
                    return answer;
                }
            }
        })
        .await
    });
    waited.ok()
}

fn deployments() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deployments")
}

/// Every expression of every panel, with the dashboards' variables filled in, beside its panel's name.
fn panels() -> Vec<(String, String)> {
    let mut exprs = Vec::new();
    for entry in fs::read_dir(deployments().join("grafana/dashboards")).unwrap() {
        let file = entry.unwrap().path();
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let node = variables.iter().find(|variable| variable["name"] == "node").unwrap();
        let chosen = if node["multi"] == true { ".*" } else { "0" };
        for panel in dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row") {
            let place = format!("{}, panel {}", file.file_name().unwrap().display(), panel["title"]);
            for target in panel["targets"].as_array().unwrap() {
                let expr = target["expr"].as_str().unwrap();
                let expr = expr.replace("$__rate_interval", "1m").replace("$node", chosen);
                assert!(!expr.contains('$'), "{place}: {expr}");
                exprs.push((place.clone(), expr));
            }
        }
    }
    assert!(exprs.len() > 100, "{}", exprs.len());
    exprs
}

/// An alert's vectors whether or not it fires: comparisons answer 0 or 1 instead of leaving out what is not so.
fn without_comparisons(expr: &str) -> String {
    let words = expr.split(' ').map(|word| match word {
        "==" | "!=" | ">" | "<" | ">=" | "<=" => format!("{word} bool"),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What rules ask, and what recording rules record.
fn rules(observed: &Observed) -> Vec<(String, String)> {
    let answer = until("Prometheus has evaluated all rules", || {
        let answer = observed.get("/api/v1/rules").ok()?;
        let groups = answer["data"]["groups"].as_array()?.clone();
        let rules: Vec<Value> = groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap()).collect();
        (!rules.is_empty() && rules.iter().all(|rule| rule["health"] != "unknown")).then_some(rules)
    });
    let mut exprs = Vec::new();
    for rule in &answer {
        let name = rule["name"].as_str().unwrap();
        assert_eq!(rule["health"], "ok", "{rule}");
        let query = rule["query"].as_str().unwrap();
        if rule["type"] == "recording" {
            exprs.push((format!("rule {name}"), query.to_owned()));
            exprs.push((format!("recorded {name}"), name.to_owned()));
            let each = name.split([':', '_']).next().unwrap();
            if ["node", "validator"].contains(&each) {
                exprs.push((format!("{name} of all"), format!("count(count by ({each}) ({name})) == {VALIDATORS}")));
            }
        } else {
            exprs.push((format!("alert {name}"), without_comparisons(query)));
        }
    }
    let alerts = answer.iter().filter(|rule| rule["type"] == "alerting").count();
    assert!(alerts >= 13 && answer.len() > alerts, "{alerts} alerts of {} rules", answer.len());
    exprs
}

#[test]
fn everything_that_dashboards_and_alerts_ask_has_an_answer_and_a_killed_validator_is_named() {
    let _turn = turn();
    let mut observed = Observed::start(VALIDATORS);
    let load = Load::with(observed.dir.path(), &["--rate", "20", "--duration", "5"]);
    until("all validators are scraped", || {
        (observed.number("sum(up{job=\"minuet\"})") == Some(f64::from(VALIDATORS))).then_some(())
    });
    let mut open = panels();
    open.extend(rules(&observed));
    let answered = within_limit(|| {
        open.retain(|(_, expr)| observed.query(expr).is_empty());
        open.is_empty().then_some(())
    });
    assert!(answered.is_some(), "without data: {open:#?}");
    assert!(load.finish()["finalized"].as_u64().unwrap() > 0);
    assert!(observed.number("fleet:minuet_consensus_finalized_height:max").unwrap() > 0.0);
    until("the transfers are counted", || {
        (observed.number("min(minuet_execution_transactions_total)")? >= 100.0).then_some(())
    });
    // Nothing of this may ever happen; what a slow machine can cause is left out.
    let never = "Equivocation|StateRootMismatch|JournalFailed";
    assert!(observed.query(&format!("ALERTS{{alertname=~\"Minuet({never})\"}}")).is_empty());

    let lock = observed.dir.path().join(format!("validator-{VICTIM}/data/LOCK"));
    signal("KILL", fs::read_to_string(lock).unwrap().trim().parse().unwrap());
    let firing = until("an alert names the validator", || {
        let answer = observed.get("/api/v1/alerts").unwrap();
        let alerts = answer["data"]["alerts"].as_array().unwrap().clone();
        let down = |alert: &&Value| alert["labels"]["alertname"] == "MinuetValidatorDown" && alert["state"] == "firing";
        let firing: Vec<Value> = alerts.iter().filter(down).cloned().collect();
        (!firing.is_empty()).then_some(firing)
    });
    let summaries: BTreeSet<_> = firing.iter().map(|alert| alert["annotations"]["summary"].as_str().unwrap()).collect();
    assert_eq!(summaries, BTreeSet::from([format!("Validator {VICTIM} is down").as_str()]));

    signal("TERM", observed.process.id());
    observed.has_ended();
    assert!(observed.log.has("prometheus ended").is_none(), "{}", observed.log.text());
    let folder = observed.dir.path().join("prometheus");
    assert!(folder.join("data").is_dir() && fs::metadata(folder.join("prometheus.log")).unwrap().len() > 0);
}

#[test]
fn prometheus_ends_with_a_localnet_that_is_killed() {
    let _turn = turn();
    let mut observed = Observed::start(1);
    until("Prometheus answers", || observed.get("/api/v1/targets").ok());
    observed.process.kill().unwrap();
    observed.has_ended();
}

#[test]
fn a_localnet_says_that_prometheus_ended_and_goes_on() {
    let _turn = turn();
    let mut observed = Observed::start(1);
    until("Prometheus answers", || observed.get("/api/v1/targets").ok());
    signal("TERM", observed.prometheus());
    observed.log.says("prometheus ended");
    assert!(observed.process.try_wait().unwrap().is_none(), "{}", observed.log.text());
    signal("TERM", observed.process.id());
    observed.has_ended();
}

#[test]
fn without_prometheus_nothing_is_started_and_the_message_says_how_to_install_it() {
    let (dir, nowhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let place = dir.path().join("localnet");
    let mut command = Command::new(MINUET);
    command.args(["localnet", "--observe", "--for", "1", "--dir"]).arg(&place).env("PATH", nowhere.path());
    let output = output(&mut command);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("apt-get install prometheus"), "{text}");
    assert!(!place.exists(), "{text}");
}
