//! The configuration as a target of fuzzing: the program's own, so it is run from here (see the `minuet-fuzzing` crate).

use super::NodeConfig;
use super::layers::{Overrides, read};
use minuet_fuzzing::runner::{self, Plan};
use minuet_fuzzing::{Seed, Target};
use std::path::Path;

const TARGET: Target = Target { name: "config", run, seeds, fixed_bytes: 0, bytes_per_byte: 0, mutants: 300 };

/// A file, and behind a zero byte one setting as `--set` has it. What is read is within its ranges, and is written as a
/// file that says the same.
fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (text, set) = text.split_once('\0').map_or((text, None), |(text, set)| (text, Some(set.to_owned())));
    let overrides = Overrides { set: set.into_iter().collect(), ..Overrides::default() };
    let file = Path::new("/node/config.toml");
    let config = match read(text, file, [], &overrides, (None, None)) {
        Ok(config) => config,
        Err(failure) => {
            assert!(!failure.message.is_empty(), "refused without a word");
            return false;
        }
    };
    let written = toml::to_string(&config).expect("what was read can be written");
    let again: NodeConfig = toml::from_str(&written).expect("what was just written");
    assert_eq!(again, config);
    super::check::check_ranges(&config).expect("what is read is within its ranges");
    true
}

fn seeds() -> Vec<Seed> {
    let example = include_str!("../../../config.example.toml");
    let peers = "[[p2p.peers]]\nindex = 1\naddress = \"127.0.0.1:9001\"\n[log]\nlevel = \"info,minuet_p2p=debug\"\n";
    vec![
        Seed::good("example", example),
        Seed::good("empty", []),
        Seed::good("peers", peers),
        Seed::good("set", "data_dir = \"d\"\0consensus.delta_base_ms=300"),
        Seed::good("set-peers", "\0p2p.peers=[{index = 2, address = \"host:9002\"}]"),
        Seed::bad("unknown", "colour = 3\n"),
        Seed::bad("range", "[consensus]\ndelta_max_ms = 1\n"),
        Seed::bad("peer-twice", [peers, peers].concat()),
        Seed::bad("deep", ["a = ", &"[".repeat(3000)].concat()),
        Seed::bad("set-section", "\0p2p=1"),
        Seed::bad("set-nothing", "\0"),
    ]
}

#[test]
fn every_saved_configuration_and_its_mutants_keep_all_properties() {
    let plan = Plan::from_env();
    if plan.names(&TARGET) {
        let outcome = runner::check(&TARGET, &plan, None);
        println!("{:?}", outcome.unwrap_or_else(|report| panic!("{report}")));
    }
}
