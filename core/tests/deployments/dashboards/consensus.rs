//! Views, votes and finality.

use super::model::{Choice, Dashboard, Panel, bars, heat, lines, stacked, stat};

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "consensus",
        title: "Minuet: consensus",
        about: "How views pass, how long votes take to meet, and who is missing.",
        choice: Choice::Many,
        rows: vec![
            ("Progress", progress()),
            ("Time", time()),
            ("Votes and leaders", votes()),
            ("Nullifications", nullifications()),
            ("Faults", faults()),
        ],
    }
}

fn progress() -> Vec<Panel> {
    vec![
        stat("View", "none", "The highest view that any validator is in.")
            .query("max(minuet_consensus_view{node=~\"$node\"})", "view")
            .wide(4),
        stat("Final view", "none", "The view of the newest final block.")
            .query("max(minuet_consensus_finalized_view{node=~\"$node\"})", "view")
            .wide(4),
        stat("Final height", "none", "")
            .query("max(minuet_consensus_finalized_height{node=~\"$node\"})", "height")
            .wide(4),
        stat("Validators", "none", "n of the genesis.").query("max(minuet_node_validators)", "n").wide(4),
        stat("M", "none", "So many votes notarize or nullify a view: views move on.")
            .query("max(minuet_node_quorum_m)", "votes")
            .wide(4),
        stat("L", "none", "So many votes make a block final.").query("max(minuet_node_quorum_l)", "votes").wide(4),
        lines("Views a second", "none", "Views with and without a block.")
            .query("node:minuet_consensus_view:deriv1m{node=~\"$node\"}", "validator {{node}}"),
        lines(
            "Views ahead of finality",
            "none",
            "The current view less the newest final one. It grows where nothing becomes final.",
        )
        .query(
            "minuet_consensus_view{node=~\"$node\"} - minuet_consensus_finalized_view{node=~\"$node\"}",
            "validator {{node}}",
        ),
        lines(
            "Known but not here yet",
            "none",
            "The highest height known to be final, by its certificate, less the own one.",
        )
        .query(
            "clamp_min(minuet_consensus_known_height{node=~\"$node\"} \
                 - minuet_consensus_finalized_height{node=~\"$node\"}, 0)",
            "validator {{node}}",
        ),
    ]
}

fn time() -> Vec<Panel> {
    vec![
        lines("Finality", "s", "From a block's proposal until it is stored as final here.")
            .query("node:minuet_consensus_finality_seconds:p50_1m{node=~\"$node\"}", "validator {{node}}, half")
            .query("node:minuet_consensus_finality_seconds:p99_1m{node=~\"$node\"}", "validator {{node}}, 99 of 100")
            .steps(&[(1.0, "red")]),
        lines("Time to M votes", "s", "From the start of a view until its block is notarized here.")
            .query("node:minuet_consensus_time_to_m_seconds:p50_1m{node=~\"$node\"}", "validator {{node}}, half")
            .query("node:minuet_consensus_time_to_m_seconds:p99_1m{node=~\"$node\"}", "validator {{node}}, 99 of 100"),
        lines("Time to L votes", "s", "From the start of a view until L votes have met here.")
            .query("node:minuet_consensus_time_to_l_seconds:p50_1m{node=~\"$node\"}", "validator {{node}}, half")
            .query("node:minuet_consensus_time_to_l_seconds:p99_1m{node=~\"$node\"}", "validator {{node}}, 99 of 100"),
        heat("Finality, all blocks", "s", "How many blocks took how long, all chosen validators together.").query(
            "sum by (le) (increase(minuet_consensus_finality_seconds_bucket{node=~\"$node\"}[$__rate_interval]))",
            "{{le}}",
        ),
        lines("Duration of a view", "s", "Idle views last consensus.empty_block_delay_ms and a little.")
            .query("node:minuet_consensus_view_duration_seconds:p50_1m{node=~\"$node\"}", "validator {{node}}, half")
            .query(
                "node:minuet_consensus_view_duration_seconds:p99_1m{node=~\"$node\"}",
                "validator {{node}}, 99 of 100",
            ),
        lines("Delta", "s", "The message delay that a validator reckons with: a view times out after twice this.")
            .query("minuet_consensus_delta_seconds{node=~\"$node\"}", "validator {{node}}"),
    ]
}

fn votes() -> Vec<Panel> {
    vec![
        bars(
            "Votes seen, by voter",
            "percentunit",
            "How many of its votes the others saw in the last minute, against the most diligent validator's.",
        )
        .query("validator:minuet_consensus_votes_seen:ratio1m", "validator {{validator}}")
        .top(1.0),
        lines(
            "Votes seen a second, by voter",
            "none",
            "Of all chosen validators together. A single line that falls away is a voter that is late or down.",
        )
        .query(
            "sum by (validator) (rate(minuet_consensus_votes_seen_total{node=~\"$node\"}[$__rate_interval]))",
            "votes of {{validator}}",
        ),
        lines(
            "Votes of a view",
            "none",
            "How many votes a view gets until a second after its end; n where nobody is missing.",
        )
        .query(
            "sum by (node) (rate(minuet_consensus_votes_seen_total{node=~\"$node\"}[$__rate_interval])) \
             / sum by (node) (rate(minuet_consensus_views_seen_total{node=~\"$node\"}[$__rate_interval]))",
            "validator {{node}}",
        ),
        lines("Missed turns, by leader", "none", "Turns a second that a leader let pass without a block.")
            .query("validator:minuet_consensus_missed_leader_slots:rate1m", "leader {{validator}}"),
        lines("Proposed blocks a second", "none", "Each has its turn.").query(
            "sum by (node) (rate(minuet_consensus_proposed_blocks_total{node=~\"$node\"}[$__rate_interval]))",
            "validator {{node}}",
        ),
    ]
}

fn nullifications() -> Vec<Panel> {
    vec![
        lines("Nullified views", "percentunit", "The share of views without a block. One leader of six that is down makes 17 %.")
            .query("node:minuet_consensus_nullified_views:ratio1m{node=~\"$node\"}", "validator {{node}}")
            .steps(&[(0.25, "red")])
            .top(1.0),
        stacked("Own nullify votes a second, by reason", "none", "timeout: no block in time; contradiction: votes that cannot make a block final any more; skip: a leader known to be down.")
            .query(
                "sum by (reason) (rate(minuet_consensus_nullifications_total{node=~\"$node\"}[$__rate_interval]))",
                "{{reason}}",
            ),
        lines("Nullified views a second", "none", "").query(
            "sum by (node) (rate(minuet_consensus_nullified_views_total{node=~\"$node\"}[$__rate_interval]))",
            "validator {{node}}",
        ),
    ]
}

fn faults() -> Vec<Panel> {
    vec![
        lines("Equivocations seen", "none", "A key that said two things in one view. 'minuet evidence' names it.")
            .query("minuet_consensus_equivocations_total{node=~\"$node\"}", "validator {{node}}")
            .steps(&[(1.0, "red")]),
        lines("State root mismatches", "none", "Blocks whose execution gave another result here.")
            .query("minuet_execution_state_root_mismatches_total{node=~\"$node\"}", "validator {{node}}")
            .steps(&[(1.0, "red")]),
        stacked(
            "Rejected messages a second, by reason",
            "none",
            "The ten most frequent. docs/operations.md says which befall honest peers too.",
        )
        .query(
            "topk(10, sum by (reason) (rate(minuet_consensus_rejections_total{node=~\"$node\"}[$__rate_interval])))",
            "{{reason}}",
        ),
    ]
}
