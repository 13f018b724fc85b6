//! Five honest validators while the sixth floods them, beside the same five while the sixth is silent.

use crate::chance::Chance;
use crate::figures::{MIB, row};
use crate::harness::{Load, Network, Witness, each_final_once, same_everywhere, spawn};
use crate::setting;
use serde_json::Value;
use std::process::{Child, Command, Stdio};

const ATTACKER: u16 = 5;

/// Another process of this program. It ends with this value.
struct Attack(Option<Child>);

impl Attack {
    fn start(network: &Network, messages: u64) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("MINUET_CHAOS", "attacker").env("MINUET_CHAOS_MESSAGES", messages.to_string());
        command.env("MINUET_CHAOS_NETWORK", network.dir()).env("MINUET_CHAOS_INDEX", ATTACKER.to_string());
        Self(Some(spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))))
    }

    fn has_ended(&mut self) -> bool {
        self.0.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    /// What it did, in its own words.
    fn finish(mut self) -> Value {
        let output = self.0.take().expect("it is finished once").wait_with_output().unwrap();
        assert!(output.status.success(), "the attacker failed: {:?}", output.status);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn load(network: &Network, seconds: u64) -> Load {
    let urls: Vec<String> = network.all().filter(|(index, _)| *index != ATTACKER).map(|(_, view)| view.url).collect();
    Load::with(network.dir(), &["--rate", "20", "--duration", &seconds.to_string(), "--nodes", &urls.join(",")])
}

fn p99(load: &Value) -> f64 {
    each_final_once(load);
    load["block_finality_p99_ms"].as_f64().expect("blocks became final")
}

pub fn flood(_: &mut Chance) -> String {
    let messages = setting("MINUET_CHAOS_MESSAGES", 1_000_000);
    let quiet_seconds = setting("MINUET_CHAOS_QUIET_SECONDS", 60);
    let mut network = Network::start();
    let witness = Witness::of(&network);
    network.view(0).goes_on(3);
    network.take(ATTACKER).kill();
    load(&network, 5).finish();
    let quiet = p99(&load(&network, quiet_seconds).finish());
    let honest = network.running();
    let memory = |network: &Network| honest.iter().map(|index| network.node(*index).memory()).collect::<Vec<_>>();
    let before = memory(&network);

    let mut attack = Attack::start(&network, messages);
    let mut worst: f64 = 0.0;
    let mut flooded_seconds = 0;
    while !attack.has_ended() {
        worst = worst.max(p99(&load(&network, 20).finish()));
        flooded_seconds += 20;
        eprintln!("chaos: {flooded_seconds} s of flood: p99 at most {worst} ms");
    }
    let did = attack.finish();
    let most = memory(&network).iter().zip(&before).map(|(now, before)| now.1.saturating_sub(before.0)).max().unwrap();
    let rejected: u64 = honest.iter().map(|index| network.view(*index).status().rejected_messages).sum();
    let bans: usize = honest.iter().map(|index| network.node(*index).log().count("peer banned")).sum();
    // The sixth stays out: for what was said with its key the others ban it for minutes yet.
    same_everywhere(&network, witness);

    let growth = (worst / quiet - 1.0) * 100.0;
    let measured = format!(
        "{} messages in {} s with {:.2} of a processor ({} stale, {} far future, {} forged or malformed; {rejected} counted as \
         refused, {bans} bans of one minute or more); finality p99 {worst} ms in the worst 20 s, {quiet} ms without it \
         ({growth:+.0} %); RSS +{:.1} MiB at most; 0 panics",
        did["sent"],
        did["seconds"],
        did["processors"].as_f64().unwrap_or_default(),
        did["stale"],
        did["far_future"],
        did["forged"],
        most as f64 / MIB as f64
    );
    let enough = did["sent"].as_u64().unwrap_or_default() >= messages;
    let reached = enough && growth <= 20.0 && most <= 64 * MIB;
    let target = "finality p99 ≤ +20 %, RSS +≤ 64 MiB, 0 panics";
    row("10⁶ forged or stale messages from one validator's key, 0.5 core", target, &measured, reached, "hostile", "")
}
