//! Axes: where a value lies, and which values are written beside.

use crate::page::words::count;

/// How values are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from zero or a round number below all.
    Linear,
    /// By their logarithm.
    Log,
}

/// One direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What, and in which unit.
    pub label: String,
    /// How values are spread.
    pub scale: Scale,
    /// Values to write beside, instead of round ones.
    pub ticks: Option<Vec<(f64, String)>>,
}

/// An axis that fits its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    scale: Scale,
    from: f64,
    to: f64,
    /// Values to write beside.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// With round ticks.
    #[must_use]
    pub fn new(label: &str, scale: Scale) -> Self {
        Self { label: label.to_owned(), scale, ticks: None }
    }

    /// With these ticks.
    #[must_use]
    pub fn with_ticks(self, ticks: Vec<(f64, String)>) -> Self {
        Self { ticks: Some(ticks), ..self }
    }

    /// Makes room for all values; `wide` to the next round one.
    #[must_use]
    pub fn fit(&self, values: impl Iterator<Item = f64>, wide: bool) -> Fitted {
        let log = self.scale == Scale::Log;
        let usable = values.filter(|value| value.is_finite() && (!log || *value > 0.0));
        let (low, high) =
            usable.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = if low <= high { (low, high) } else { (1.0, 10.0) };
        let mut fitted = if log { logarithmic(low, high, wide) } else { linear(low, high, wide) };
        if let Some(ticks) = &self.ticks {
            fitted.ticks = ticks.clone();
        }
        fitted.ticks.retain(|(value, _)| (fitted.from..=fitted.to).contains(value));
        fitted
    }
}

impl Fitted {
    /// Between 0 and 1.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        let place = |value: f64| if self.scale == Scale::Log { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let (from, to) = (place(self.from), place(self.to));
        if to > from { ((place(value) - from) / (to - from)).clamp(0.0, 1.0) } else { 0.5 }
    }
}

/// A round step of which four to nine reach the end.
fn step(room: f64) -> f64 {
    let magnitude = 10f64.powf((room.max(1e-9) / 4.0).log10().floor());
    [5.0, 2.0, 1.0].map(|round| round * magnitude).into_iter().find(|step| room / step >= 4.0).unwrap_or(magnitude)
}

fn linear(low: f64, high: f64, wide: bool) -> Fitted {
    let from = if wide { low.min(0.0) } else { low };
    let step = step(high - from);
    let (first, last) = ((from / step).ceil() as i64, (high / step).ceil() as i64);
    let to = if wide { last as f64 * step } else { high };
    let ticks = (first..=last).map(|tick| tick as f64 * step).map(|value| (value, label(value))).collect();
    Fitted { scale: Scale::Linear, from, to, ticks }
}

fn logarithmic(low: f64, high: f64, wide: bool) -> Fitted {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let rounds: &[f64] = if last - first > 3 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let ticks = (first..=last).flat_map(|power| rounds.iter().map(move |round| round * 10f64.powi(power)));
    let ticks: Vec<(f64, String)> = ticks.map(|value| (value, label(value))).collect();
    let below = |value: f64| ticks.iter().map(|tick| tick.0).filter(|tick| *tick <= value * 1.000_001).reduce(f64::max);
    let above = |value: f64| ticks.iter().map(|tick| tick.0).filter(|tick| *tick >= value * 0.999_999).reduce(f64::min);
    let from = if wide { below(low).unwrap_or(low) } else { low };
    let to = if wide { above(high).unwrap_or(high) } else { high };
    Fitted { scale: Scale::Log, from, to: to.max(from * 1.000_001), ticks }
}

fn label(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000_000.0 && size % 1_000_000.0 < 1e-6 => format!("{} M", count(value / 1e6)),
        size if size >= 10.0 || size.fract() < 1e-9 => count(value),
        _ => format!("{}", (value * 1000.0).round() / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(fitted: &Fitted) -> Vec<&str> {
        fitted.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn an_axis_begins_and_ends_at_round_values_and_holds_all() {
        let fitted = Axis::new("", Scale::Linear).fit([3.0, 88.0].into_iter(), true);
        assert_eq!(ticks(&fitted), ["0", "20", "40", "60", "80", "100"]);
        assert!(fitted.place(0.0).abs() < 1e-9 && (fitted.place(100.0) - 1.0).abs() < 1e-9);
        assert!((fitted.place(50.0) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn decades_lie_evenly_on_a_logarithmic_axis() {
        let fitted = Axis::new("", Scale::Log).fit([10.0, 100_000.0].into_iter(), false);
        assert_eq!(ticks(&fitted), ["10", "100", "1,000", "10,000", "100,000"]);
        assert!((fitted.place(1000.0) - 0.5).abs() < 1e-9);
        let fitted = Axis::new("", Scale::Log).fit([8.0, 30.0].into_iter(), true);
        assert_eq!(ticks(&fitted), ["5", "10", "20", "50"]);
    }

    #[test]
    fn a_single_value_or_none_still_has_a_place() {
        for scale in [Scale::Linear, Scale::Log] {
            for values in [vec![], vec![7.0], vec![0.0], vec![f64::NAN]] {
                let fitted = Axis::new("", scale).fit(values.clone().into_iter(), true);
                let place = fitted.place(values.first().copied().unwrap_or(7.0));
                assert!(
                    (0.0..=1.0).contains(&place) || values.iter().any(|value| value.is_nan()),
                    "{scale:?} {values:?}"
                );
            }
        }
    }

    #[test]
    fn given_ticks_replace_round_ones() {
        let axis = Axis::new("", Scale::Log).with_ticks(vec![(6.0, "six".to_owned()), (500.0, "out".to_owned())]);
        assert_eq!(ticks(&axis.fit([6.0, 101.0].into_iter(), false)), ["six"]);
    }
}
