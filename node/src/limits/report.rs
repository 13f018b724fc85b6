//! What was measured and what follows from it, as text and as JSON.
//!
//! Owns: words and rounding. Never does: measure, or know a formula.

use super::constants::Constants;
use super::figure::figure;
use super::figures::{FIGURES_FILE, Figures};
use super::formulas::{Finality, FinalityAtRest, Setting, cpu_ratio, ratio, tps_limit};
use super::machine::Machine;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// From this load average on, something else took a whole core.
const BUSY: f64 = 1.0;

/// All that is shown.
#[derive(Clone, Debug)]
pub struct Report {
    /// Where it was measured.
    pub machine: Machine,
    /// The directory whose disk was measured.
    pub disk: Disk,
    /// Of the last minute before.
    pub load_average: f64,
    /// Of the measurements.
    pub seconds: f64,
    /// A quick look only.
    pub is_quick: bool,
    /// Who shares the machine.
    pub setting: Setting,
    /// What was measured.
    pub constants: Constants,
    /// What the node reached, and the file that says so.
    pub figures: Option<(PathBuf, Figures)>,
}

/// What lies under the measured directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The directory.
    pub dir: PathBuf,
    /// Its kind.
    pub file_system: String,
    /// No disk at all.
    pub is_memory: bool,
}

/// The figures held against the bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ratios {
    is_same_machine: bool,
    /// TPS_lim at the blocks a second that were measured.
    tps_limit: f64,
    e_tps: Option<f64>,
    e_fin: Option<f64>,
    e_bls: Option<f64>,
    e_rest: Option<f64>,
    e_cpu: Option<f64>,
}

impl Report {
    fn votes_us(&self) -> f64 {
        self.constants.votes().per_block_us(self.setting.validators)
    }

    fn tps_limit(&self, setting: &Setting, client_us: f64) -> f64 {
        tps_limit(setting, self.votes_us(), self.constants.transaction().total_us(), client_us)
    }

    fn finality(&self) -> Finality {
        Finality::of(&self.constants.finality_steps(), &self.setting)
    }

    fn finality_with_bls(&self) -> Finality {
        Finality::of(&self.constants.finality_steps_with_bls(), &self.setting)
    }

    fn finality_at_rest(&self) -> Option<FinalityAtRest> {
        self.constants.rest_steps().map(|steps| FinalityAtRest::of(&steps, &self.setting))
    }

    /// `None` if the figures are of another number of validators: other votes, other bounds.
    fn ratios(&self, figures: &Figures) -> Option<Ratios> {
        if figures.validators != self.setting.validators {
            return None;
        }
        let measured = Setting { blocks_per_second: figures.blocks_per_second, ..self.setting };
        let limit = self.tps_limit(&measured, self.constants.chain.sign_us);
        let transaction_us = self.constants.transaction().total_us();
        let e_cpu = |cores| cpu_ratio(figures.validators, transaction_us, figures.tps, cores);
        Some(Ratios {
            is_same_machine: self.machine.is_named_in(&figures.machine),
            tps_limit: limit,
            e_tps: ratio(figures.tps, limit),
            e_fin: ratio(self.finality().total_ms(), figures.idle_finality_p50_ms),
            e_bls: ratio(self.finality_with_bls().total_ms(), figures.idle_finality_p50_ms),
            e_rest: self.finality_at_rest().and_then(|rest| ratio(rest.total_ms(), figures.idle_finality_p50_ms)),
            e_cpu: figures.cpu_cores_used.and_then(e_cpu),
        })
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.head();
        self.write_constants(&mut text);
        self.write_bounds(&mut text);
        self.write_figures(&mut text);
        text.trim_end().to_owned()
    }

    fn head(&self) -> String {
        let Disk { dir, file_system, is_memory } = &self.disk;
        let mut text =
            format!("{}, {file_system} ({}), measured in {:.1} s\n", self.machine.text(), dir.display(), self.seconds);
        if *is_memory {
            text.push_str("This is memory, no disk: syncs cost nothing here. Name a directory on a disk with --dir.\n");
        }
        if self.load_average >= BUSY {
            let _ = writeln!(
                text,
                "The machine was busy (load average {:.1}): alone it does better, and the ratios are lower.",
                self.load_average
            );
        }
        if self.is_quick {
            text.push_str("A quick look: these figures are rough.\n");
        }
        text
    }

    fn write_constants(&self, text: &mut String) {
        text.push_str("\nWhat things cost here\n");
        for row in self.constants.rows() {
            let line = format!("  {:<46} {:>9} {}", row.what, figure(row.value), row.unit);
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }

    fn write_bounds(&self, text: &mut String) {
        let Setting { validators, cores, blocks_per_second } = self.setting;
        let (quorums, client_us) = (self.constants.quorums, self.constants.chain.sign_us);
        let _ = writeln!(
            text,
            "\n{validators} validators on {cores} cores at {blocks_per_second} blocks/s, M = {}, L = {}",
            quorums.m(),
            quorums.l()
        );
        let mut line = |what: &str, value: f64, unit: &str| {
            let _ = writeln!(text, "  {what:<46} {:>9} {unit}", figure(value));
        };
        line("V: votes on a block, on all together", self.votes_us() / 1000.0, "ms");
        let costs = self.constants.transaction();
        line("c_tx: a transaction on each validator", costs.total_us(), "µs");
        for (part, us) in costs.parts() {
            line(&format!("    {part}"), us, "µs");
        }
        line("c_client: the client's part", client_us, "µs");
        line("most transactions, TPS_lim", self.tps_limit(&self.setting, client_us), "/s");
        line("    signed beforehand", self.tps_limit(&self.setting, 0.0), "/s");
        let finality = self.finality();
        line("soonest finality of an empty block, T_fin", finality.total_ms(), "ms");
        for (part, ms) in finality.parts() {
            line(&format!("    {part}"), ms, "ms");
        }
        line("the same with BLS votes", self.finality_with_bls().total_ms(), "ms");
        let Some(at_rest) = self.finality_at_rest() else { return };
        line("T_fin at rest, with what it leaves out, T_rest", at_rest.total_ms(), "ms");
        for (part, ms) in at_rest.parts() {
            line(&format!("    {part}"), ms, "ms");
        }
    }

    fn write_figures(&self, text: &mut String) {
        let Some((path, figures)) = &self.figures else {
            let _ = writeln!(
                text,
                "\nNo measured figures to hold against this: 'make bench-report' measures them and writes {FIGURES_FILE}; \
                 --figures names another file."
            );
            return;
        };
        let _ = writeln!(
            text,
            "\nLast measured: {}, commit {}, {} ({})",
            figures.date,
            figures.commit,
            figures.machine,
            path.display()
        );
        let Some(ratios) = self.ratios(figures) else {
            let _ = writeln!(
                text,
                "  of {0} validators: '--validators {0}' holds them against their bounds",
                figures.validators
            );
            return;
        };
        if !ratios.is_same_machine {
            let _ =
                writeln!(text, "  ON ANOTHER MACHINE: the ratios compare it with this one ({})", self.machine.text());
        }
        let mut line = |name: &str, ratio: Option<f64>, words: String| {
            let ratio = ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
            let _ = writeln!(text, "  {name} = {ratio:<6} {words}");
        };
        let rate = figure(figures.blocks_per_second);
        let (tps, limit) = (figure(figures.tps), figure(ratios.tps_limit));
        line("E_tps", ratios.e_tps, format!("{tps} of {limit} transactions/s at {rate} blocks/s"));
        let (p50, bound) = (figure(figures.idle_finality_p50_ms), figure(self.finality().total_ms()));
        line("E_fin", ratios.e_fin, format!("{p50} ms p50 without load, {bound} ms at best"));
        let with_bls = figure(self.finality_with_bls().total_ms());
        line("E_bls", ratios.e_bls, format!("with BLS votes, {with_bls} ms at best"));
        if let Some(at_rest) = self.finality_at_rest() {
            line("E_rest", ratios.e_rest, format!("{p50} of {} ms at rest, all counted", figure(at_rest.total_ms())));
        }
        let used = figures.cpu_cores_used.map_or_else(
            || "how many cores were used was not measured".to_owned(),
            |used| format!("{} cores used", figure(used)),
        );
        line("E_cpu", ratios.e_cpu, used);
    }

    /// For scripts.
    #[must_use]
    pub fn json(&self) -> Value {
        let constants: serde_json::Map<_, _> =
            self.constants.rows().into_iter().map(|row| (row.name.to_owned(), row.value.into())).collect();
        let (costs, finality) = (self.constants.transaction(), self.finality());
        let (votes, quorums, client_us) =
            (self.constants.votes(), self.constants.quorums, self.constants.chain.sign_us);
        let with_total = |mut parts: Value, name: &str, total: f64| {
            parts[name] = total.into();
            parts
        };
        json!({
            "ok": true,
            "quick": self.is_quick,
            "seconds": self.seconds,
            "version": env!("CARGO_PKG_VERSION"),
            "load_average": self.load_average,
            "machine": {"text": self.machine.text(), "cores": self.machine.cores, "model": self.machine.model},
            "disk": {
                "dir": self.disk.dir, "file_system": self.disk.file_system, "is_memory": self.disk.is_memory,
            },
            "constants": constants,
            "validators": self.setting.validators,
            "m": quorums.m(),
            "l": quorums.l(),
            "cores": self.setting.cores,
            "blocks_per_second": self.setting.blocks_per_second,
            "votes": {
                "check_m_us": votes.check_m_us, "check_l_us": votes.check_l_us, "sign_us": votes.sign_us,
                "record_us": votes.record_us, "per_block_us": self.votes_us(),
            },
            "transaction": with_total(json!(costs), "total_us", costs.total_us()),
            "client_us": client_us,
            "tps_limit": self.tps_limit(&self.setting, client_us),
            "tps_limit_signed_beforehand": self.tps_limit(&self.setting, 0.0),
            "finality": with_total(json!(finality), "total_ms", finality.total_ms()),
            "finality_with_bls": with_total(json!(self.finality_with_bls()), "total_ms", self.finality_with_bls().total_ms()),
            "finality_at_rest": self.finality_at_rest().map(|at_rest| with_total(json!(at_rest), "total_ms", at_rest.total_ms())),
            "figures": self.figures_json(),
        })
    }

    fn figures_json(&self) -> Value {
        let Some((path, figures)) = &self.figures else { return Value::Null };
        let ratios = self.ratios(figures);
        json!({
            "file": path,
            "machine": figures.machine,
            "same_machine": self.machine.is_named_in(&figures.machine),
            "commit": figures.commit,
            "date": figures.date,
            "validators": figures.validators,
            "tps": figures.tps,
            "blocks_per_second": figures.blocks_per_second,
            "idle_finality_p50_ms": figures.idle_finality_p50_ms,
            "cpu_cores_used": figures.cpu_cores_used,
            "tps_limit": ratios.map(|ratios| ratios.tps_limit),
            "e_tps": ratios.and_then(|ratios| ratios.e_tps),
            "e_fin": ratios.and_then(|ratios| ratios.e_fin),
            "e_bls": ratios.and_then(|ratios| ratios.e_bls),
            "e_rest": ratios.and_then(|ratios| ratios.e_rest),
            "e_cpu": ratios.and_then(|ratios| ratios.e_cpu),
        })
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
