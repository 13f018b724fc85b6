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

/// The part of the rule that the bytes alone show: all of it but "on the curve". For keys whose signature is verified as
/// well, because no signature verifies under a key that is no point: a fifth of the cost of admission is saved.
///
/// # Errors
/// [`KeyRuleError::NotCanonical`] or [`KeyRuleError::LowOrder`].
pub fn check_sender_key_bytes(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Result<(), KeyRuleError> {
    if !is_canonical(bytes) {
        return Err(KeyRuleError::NotCanonical);
    }
    let mut y = *bytes;
    y[31] &= !SIGN_BIT;
    if LOW_ORDER_Y.contains(&y) { Err(KeyRuleError::LowOrder) } else { Ok(()) }
}

/// The y coordinates of the eight points whose order divides eight: 0, 1, −1 and the two of order eight.
const LOW_ORDER_Y: [[u8; PUBLIC_KEY_BYTES]; 5] = [
    [0; PUBLIC_KEY_BYTES],
    {
        let mut one = [0; PUBLIC_KEY_BYTES];
        one[0] = 1;
        one
    },
    {
        let mut minus_one = [0xff; PUBLIC_KEY_BYTES];
        minus_one[0] = PRIME_LOW_BYTE - 1;
        minus_one[31] = 0x7f;
        minus_one
    },
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

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
