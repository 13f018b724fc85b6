//! Numbers in words.

use crate::measure::Spread;

/// What stands where a figure would.
pub const NOT_MEASURED: &str = "not measured";

/// Milliseconds without the unit: as many digits as mean something.
#[must_use]
pub fn ms(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => count(value),
    }
}

/// A whole number, thousands set apart.
#[must_use]
pub fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value <= -0.5 { format!("−{grouped}") } else { grouped }
}

/// Nanoseconds with the unit that fits.
#[must_use]
pub fn ns(value: f64) -> String {
    match value {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{} µs", ms(ns / 1e3)),
        ns if ns < 1e9 => format!("{} ms", ms(ns / 1e6)),
        ns => format!("{} s", ms(ns / 1e9)),
    }
}

/// Bytes with the unit that fits.
#[must_use]
pub fn bytes(value: f64) -> String {
    match value {
        bytes if bytes < 1024.0 => format!("{bytes:.0} B"),
        bytes if bytes < 1_048_576.0 => format!("{} KiB", short(bytes / 1024.0)),
        bytes => format!("{} MiB", short(bytes / 1_048_576.0)),
    }
}

/// One decimal unless it is none.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// So many times.
#[must_use]
pub fn factor(value: f64) -> String {
    format!("{value:.1} ×")
}

/// The median, with the smallest and largest run if there are several.
#[must_use]
pub fn with_spread(spread: Spread, show: impl Fn(f64) -> String) -> String {
    let Spread { low, median, high, runs } = spread;
    let median = show(median);
    if runs < 2 { median } else { format!("{median} ({} to {} in {runs} runs)", show(low), show(high)) }
}

/// Reached or not; a dash where that is no question.
#[must_use]
pub const fn yes_or_no(reached: Option<bool>) -> &'static str {
    match reached {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "–",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        assert_eq!(
            [0.0, 9.024, 11.23, 354.1, 1098.49, -0.2].map(ms),
            ["0.00", "9.02", "11.2", "354", "1,098", "-0.20"]
        );
        assert_eq!([0.0, 999.6, 5614.5, 1_234_567.0].map(count), ["0", "1,000", "5,614", "1,234,567"]);
        assert_eq!([7.5, 3_200.0, 4.5e6, 2e9].map(ns), ["7.5 ns", "3.20 µs", "4.50 ms", "2.00 s"]);
        assert_eq!([9.0, 4096.0, 7015.0, 1_048_576.0].map(bytes), ["9 B", "4 KiB", "6.9 KiB", "1 MiB"]);
    }

    #[test]
    fn a_spread_is_told_of_several_runs_only() {
        let spread = |runs| Spread { low: 1.0, median: 2.0, high: 3.0, runs };
        assert_eq!(with_spread(spread(1), count), "2");
        assert_eq!(with_spread(spread(3), count), "2 (1 to 3 in 3 runs)");
    }
}
