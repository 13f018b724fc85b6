//! Many signatures over one message: one aggregate, one check, or a verdict on each.

use blst::min_sig::{AggregatePublicKey, AggregateSignature, PublicKey, Signature};

use super::{BlsError, BlsPublicKey, BlsSignature, PointFault, STATEMENT_DST, verdict};

/// Random weights are 64 bits wide: a forged set passes with a chance of about 2⁻⁶³.
const WEIGHT_BITS: usize = 64;
const WEIGHT_BYTES: usize = WEIGHT_BITS / 8;

/// A failed batch of at most this many is settled one by one: more halving would cost as much as it saves.
const SETTLE_SINGLY: usize = 8;

/// Adds signatures up. Each is checked for curve, subgroup and infinity; none is checked against a message.
///
/// # Errors
/// [`BlsError::NoSigners`] for an empty list, [`BlsError::Member`] naming the first unusable signature,
/// [`BlsError::Signature`] when the sum is infinity (signatures that cancel each other out).
pub fn aggregate(signatures: &[BlsSignature]) -> Result<BlsSignature, BlsError> {
    let points = collect_members(signatures.iter().map(BlsSignature::parse))?;
    sum_signatures(&points).map(|(_, wire)| wire)
}

/// Checks an aggregate over one message that every key is said to have signed (S-CERT). Keys may repeat; that signers
/// are distinct is the caller's to know.
///
/// # Errors
/// [`BlsError::NoSigners`], [`BlsError::Signature`] for an unusable aggregate, [`BlsError::Mismatch`].
pub fn verify_aggregate(keys: &[&BlsPublicKey], message: &[u8], aggregate: &BlsSignature) -> Result<(), BlsError> {
    if keys.is_empty() {
        return Err(BlsError::NoSigners);
    }
    let point = aggregate.parse().map_err(BlsError::Signature)?;
    check_sum(keys.iter().copied(), message, &point)
}

/// Gathers votes into a certificate's signature and checks the sum once: curve per member, subgroup and equation for the
/// sum. Success proves the aggregate, not its members: they may be off by offsets that cancel out, even by ones outside
/// the subgroup. That is enough, because only one point of the subgroup satisfies the equation; and it saves a subgroup
/// check per vote.
///
/// # Errors
/// As [`aggregate`]; [`BlsError::Mismatch`] when somebody's signature is wrong: [`verify_each`] tells whose.
pub fn aggregate_and_verify(items: &[(&BlsPublicKey, BlsSignature)], message: &[u8]) -> Result<BlsSignature, BlsError> {
    let points = collect_members(items.iter().map(|(_, signature)| signature.on_curve()))?;
    let (point, wire) = sum_signatures(&points)?;
    if !point.subgroup_check() {
        let outside = points.iter().position(|member| !member.subgroup_check());
        return Err(outside.map_or(BlsError::Signature(PointFault::NotInSubgroup), |index| BlsError::Member {
            index,
            fault: PointFault::NotInSubgroup,
        }));
    }
    check_sum(items.iter().map(|(key, _)| *key), message, &point)?;
    Ok(wire)
}

/// One verdict per item, each as [`BlsPublicKey::verify`] would give it. The sums are weighted with randomness that no
/// signer can foresee, so members that are wrong by offsets that cancel out (A+δ, B−δ) are both found. A failed batch is
/// halved until the culprits stand alone.
#[must_use]
pub fn verify_each(items: &[(&BlsPublicKey, BlsSignature)], message: &[u8]) -> Vec<bool> {
    let mut verdicts = vec![false; items.len()];
    let mut batch = Batch { positions: Vec::new(), keys: Vec::new(), signatures: Vec::new() };
    for (position, (key, signature)) in items.iter().enumerate() {
        if let Ok(point) = signature.parse() {
            batch.positions.push(position);
            batch.keys.push(key.point);
            batch.signatures.push(point);
        }
    }
    settle(batch.as_part(), message, &mut verdicts);
    verdicts
}

fn collect_members(points: impl Iterator<Item = Result<Signature, PointFault>>) -> Result<Vec<Signature>, BlsError> {
    points.enumerate().map(|(index, point)| point.map_err(|fault| BlsError::Member { index, fault })).collect()
}

fn sum_signatures(points: &[Signature]) -> Result<(Signature, BlsSignature), BlsError> {
    let references: Vec<&Signature> = points.iter().collect();
    let sum = AggregateSignature::aggregate(&references, false).map_err(|_| BlsError::NoSigners)?.to_signature();
    let wire = BlsSignature::from_point(&sum);
    if wire.is_infinity() {
        return Err(BlsError::Signature(PointFault::Infinity));
    }
    Ok((sum, wire))
}

fn check_sum<'a>(
    keys: impl Iterator<Item = &'a BlsPublicKey>,
    message: &[u8],
    point: &Signature,
) -> Result<(), BlsError> {
    let references: Vec<&PublicKey> = keys.map(|key| &key.point).collect();
    let sum = AggregatePublicKey::aggregate(&references, false).map_err(|_| BlsError::NoSigners)?.to_public_key();
    verdict(point.fast_aggregate_verify_pre_aggregated(false, message, STATEMENT_DST, &sum))
}

/// Usable signatures with their keys and their positions in the caller's list, in parallel vectors because the curve
/// library wants points side by side.
struct Batch {
    positions: Vec<usize>,
    keys: Vec<PublicKey>,
    signatures: Vec<Signature>,
}

impl Batch {
    fn as_part(&self) -> Part<'_> {
        Part { positions: &self.positions, keys: &self.keys, signatures: &self.signatures }
    }
}

#[derive(Clone, Copy)]
struct Part<'a> {
    positions: &'a [usize],
    keys: &'a [PublicKey],
    signatures: &'a [Signature],
}

impl Part<'_> {
    fn halves(&self) -> (Self, Self) {
        let middle = self.positions.len() / 2;
        let (left_positions, right_positions) = self.positions.split_at(middle);
        let (left_keys, right_keys) = self.keys.split_at(middle);
        let (left_signatures, right_signatures) = self.signatures.split_at(middle);
        (
            Self { positions: left_positions, keys: left_keys, signatures: left_signatures },
            Self { positions: right_positions, keys: right_keys, signatures: right_signatures },
        )
    }
}

fn settle(part: Part<'_>, message: &[u8], verdicts: &mut [bool]) {
    if part.positions.len() > 1 && weighted_sum_holds(part, message) {
        for &position in part.positions {
            verdicts[position] = true;
        }
    } else if part.positions.len() <= SETTLE_SINGLY {
        for ((&position, key), signature) in part.positions.iter().zip(part.keys).zip(part.signatures) {
            let result = signature.fast_aggregate_verify_pre_aggregated(false, message, STATEMENT_DST, key);
            verdicts[position] = verdict(result).is_ok();
        }
    } else {
        let (left, right) = part.halves();
        settle(left, message, verdicts);
        settle(right, message, verdicts);
    }
}

/// Whether Σ rᵢ·signatureᵢ is a signature under Σ rᵢ·keyᵢ for fresh odd rᵢ. Without randomness it answers no, which
/// sends every signature to its single check.
fn weighted_sum_holds(part: Part<'_>, message: &[u8]) -> bool {
    let mut weights = vec![0u8; part.positions.len() * WEIGHT_BYTES];
    if getrandom::fill(&mut weights).is_err() {
        return false;
    }
    for weight in weights.chunks_exact_mut(WEIGHT_BYTES) {
        weight[0] |= 1;
    }
    let signature = AggregateSignature::aggregate_with_randomness(part.signatures, &weights, WEIGHT_BITS, false);
    let key = AggregatePublicKey::aggregate_with_randomness(part.keys, &weights, WEIGHT_BITS, false);
    let (Ok(signature), Ok(key)) = (signature, key) else { return false };
    let result = signature.to_signature().fast_aggregate_verify_pre_aggregated(
        false,
        message,
        STATEMENT_DST,
        &key.to_public_key(),
    );
    verdict(result).is_ok()
}
