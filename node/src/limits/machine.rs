//! What this machine is called: cores and model, as the scripts that measure print them.

use std::fs;

/// Whose limits are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// That this process may use.
    pub cores: usize,
    /// Of the processor.
    pub model: String,
}

impl Machine {
    /// This one.
    #[must_use]
    pub fn here() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let model = model(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default());
        Self { cores, model: model.unwrap_or_else(|| std::env::consts::ARCH.to_owned()) }
    }

    /// "2 × AMD EPYC".
    #[must_use]
    pub fn text(&self) -> String {
        format!("{} × {}", self.cores, self.model)
    }

    /// Whether a text that names a machine, and perhaps more about it between commas, names this one.
    #[must_use]
    pub fn is_named_in(&self, text: &str) -> bool {
        let own = self.text();
        text.split(", ").any(|part| part.trim() == own)
    }
}

/// Programs that wanted a core over the last minute, on average; 0 where the system does not tell.
#[must_use]
pub fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
}

/// Where the system says it.
fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(": ")?;
    (!name.trim().is_empty()).then(|| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_what_the_system_calls_it() {
        let cpuinfo =
            "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\n";
        assert_eq!(model(cpuinfo).as_deref(), Some("AMD EPYC"));
        assert_eq!(model("processor\t: 0\n"), None);
        assert!(Machine::here().cores > 0 && !Machine::here().model.is_empty());
    }

    #[test]
    fn cores_and_model_decide_whether_it_is_the_same_machine() {
        let machine = Machine { cores: 2, model: "AMD EPYC".to_owned() };
        for same in ["2 × AMD EPYC", "2 × AMD EPYC, Linux 6.18, ext4", "2026-11-21, 2 × AMD EPYC, Linux 6.18"] {
            assert!(machine.is_named_in(same), "{same}");
        }
        for other in ["", "12 × AMD EPYC, Linux 6.18", "2 × AMD EPYC 9754, ext4", "4 × AMD EPYC", "AMD EPYC"] {
            assert!(!machine.is_named_in(other), "{other}");
        }
    }
}
