//! Amounts of wei as people write them.

use alloy_primitives::utils::{format_units, parse_units};
use minuet_core::{Address, U256};

const UNITS: [&str; 3] = ["ether", "gwei", "wei"];

/// Reads `1.5ether`, `20 gwei`, `7 wei` or a whole number of wei.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<U256, String> {
    let trimmed = text.trim();
    let (number, unit) = UNITS
        .iter()
        .find_map(|unit| trimmed.strip_suffix(unit).map(|number| (number.trim_end(), *unit)))
        .unwrap_or((trimmed, "wei"));
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let points = number.chars().filter(|letter| *letter == '.').count();
    if digits == 0 || points > 1 || digits + points != number.chars().count() {
        return Err(format!("'{text}' is no amount: use 1.5ether, 20gwei or a whole number of wei"));
    }
    let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let allowed = match unit {
        "ether" => 18,
        "gwei" => 9,
        _ => 0,
    };
    if decimals > allowed {
        return Err(format!("'{text}' has parts of a wei: {unit} has at most {allowed} decimals"));
    }
    parse_units(number, unit).map(Into::into).map_err(|_| format!("'{text}' is beyond 256 bits"))
}

/// As [`parse`], for a price per gas.
///
/// # Errors
/// As [`parse`], and above 128 bits.
pub fn parse_price(text: &str) -> Result<u128, String> {
    u128::try_from(parse(text)?).map_err(|_| format!("'{text}' is too high a price"))
}

/// Reads `ADDRESS=AMOUNT`.
///
/// # Errors
/// What is wrong with it.
pub fn parse_account(text: &str) -> Result<(Address, U256), String> {
    let (address, amount) = text.split_once('=').ok_or_else(|| format!("'{text}' is not ADDRESS=AMOUNT"))?;
    let address = address.trim().parse().map_err(|_| format!("'{address}' is no address: 0x and 40 digits"))?;
    Ok((address, parse(amount)?))
}

/// Wei as ether, without trailing zeros.
#[must_use]
pub fn ether(wei: U256) -> String {
    let text = format_units(wei, "ether").unwrap_or_else(|_| wei.to_string());
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{} ether", if text.is_empty() { "0" } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_written() {
        assert_eq!(parse("1.5ether"), Ok(U256::from(1_500_000_000_000_000_000u64)));
        assert_eq!(parse("1.5 ether"), parse("1500000000 gwei"));
        assert_eq!(parse("7"), Ok(U256::from(7)));
        assert_eq!(parse("7wei"), Ok(U256::from(7)));
        assert_eq!(parse("0"), Ok(U256::ZERO));
        assert_eq!(parse(&U256::MAX.to_string()), Ok(U256::MAX));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in
            ["", "ether", "-1", "1e3", "1.2.3", "0.5", "0.5wei", "1.0000000001gwei", "0x10", "one", "1_000", "."]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&format!("{}0", U256::MAX)).is_err());
        assert!(parse(&format!("{}ether", U256::MAX)).is_err());
    }

    #[test]
    fn ether_is_shown_without_trailing_zeros() {
        assert_eq!(ether(parse("1.50ether").unwrap()), "1.5 ether");
        assert_eq!(ether(U256::ZERO), "0 ether");
        assert_eq!(ether(parse("100ether").unwrap()), "100 ether");
    }
}
