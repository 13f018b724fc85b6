//! Which public keys may send transactions.
//!
//! ZIP-215 accepts keys that this rule refuses: a low-order key has signatures that fit almost every message, and a
//! second encoding of one point would give one owner two addresses.

use ed25519_dalek::VerifyingKey;

use super::PUBLIC_KEY_BYTES;

/// Low byte of the field prime 2²⁵⁵ − 19 in little-endian form; the 30 bytes above it are 0xff and the last is 0x7f.
const PRIME_LOW_BYTE: u8 = 0xed;
const SIGN_BIT: u8 = 0x80;

/// Why a key may not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRuleError {
    #[error("sender's public key is not canonically encoded; encode the point as RFC 8032 does")]
    NotCanonical,
    #[error("sender's public key is of low order; make a new key")]
    LowOrder,
    #[error("sender's public key is not a point on the curve")]
    NotOnCurve,
}

/// Accepts exactly the canonical encodings of points whose order is not a divisor of eight.
///
/// # Errors
/// The first broken part of the rule, in the order: encoding of the number, curve, order.
pub fn check_sender_key(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Result<(), KeyRuleError> {
    if !is_canonical(bytes) {
        return Err(KeyRuleError::NotCanonical);
    }
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyRuleError::NotOnCurve)?;
    if key.is_weak() { Err(KeyRuleError::LowOrder) } else { Ok(()) }
}

/// An encoding is a number y below the prime and the sign of x. It has a twin in two cases only: y not reduced, or x = 0
/// (that is y = ±1) with the sign set. Reading this off the bytes saves compressing the point again to compare.
fn is_canonical(bytes: &[u8; PUBLIC_KEY_BYTES]) -> bool {
    let mut y = *bytes;
    let negative = y[31] & SIGN_BIT != 0;
    y[31] &= !SIGN_BIT;
    let all_ones_above = y[1..31].iter().all(|&byte| byte == 0xff) && y[31] == 0x7f;
    let is_reduced = !(all_ones_above && y[0] >= PRIME_LOW_BYTE);
    let is_one = y[0] == 1 && y[1..].iter().all(|&byte| byte == 0);
    let is_minus_one = all_ones_above && y[0] == PRIME_LOW_BYTE - 1;
    is_reduced && !(negative && (is_one || is_minus_one))
}
