//! A number for people.

/// Three digits that mean something, thousands set apart.
#[must_use]
pub fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.0995 => format!("{value:.4}"),
        size if size < 0.995 => format!("{value:.3}"),
        size if size < 9.95 => format!("{value:.2}"),
        size if size < 99.5 => format!("{value:.1}"),
        _ => {
            let digits = format!("{value:.0}");
            let mut grouped = String::new();
            for (place, digit) in digits.chars().enumerate() {
                if place > 0 && (digits.len() - place).is_multiple_of(3) {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            grouped
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_that_mean_something() {
        for (value, shown) in [
            (0.0, "0"),
            (0.01234, "0.0123"),
            (0.7449, "0.745"),
            (9.949, "9.95"),
            (28.72, "28.7"),
            (99.49, "99.5"),
            (745.4, "745"),
            (999.6, "1,000"),
            (1_234_567.8, "1,234,568"),
        ] {
            assert_eq!(figure(value), shown);
        }
    }
}
