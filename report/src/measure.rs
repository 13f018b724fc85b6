//! Medians over runs.

/// Smallest, median and largest of some runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The smallest.
    pub low: f64,
    /// The middle one, or between the middle two.
    pub median: f64,
    /// The largest.
    pub high: f64,
    /// How many.
    pub runs: usize,
}

/// Of all values that are numbers; `None` without any.
#[must_use]
pub fn spread(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
    let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
    Some(Spread { low, median, high, runs: sorted.len() })
}

/// The median alone.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    spread(values).map(|spread| spread.median)
}

/// With three decimals, so that what is written is read as the same number.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_run_or_lies_between_two() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0]), Some(3.0));
        assert_eq!(median([9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([9.0, 1.0, 2.0, 4.0]), Some(3.0));
        let spread = spread([9.0, f64::NAN, 1.0, 2.0]).unwrap();
        assert_eq!((spread.low, spread.median, spread.high, spread.runs), (1.0, 2.0, 9.0, 3));
    }

    #[test]
    fn what_is_rounded_is_read_as_it_was_written() {
        for value in [0.1 + 0.2, 1.0 / 3.0, 2_897_654.123_456_7, 118.736_438_484_720_01] {
            let text = serde_json::to_string(&rounded(value)).unwrap();
            assert_eq!(serde_json::from_str::<f64>(&text).unwrap(), rounded(value), "{text}");
        }
    }
}
