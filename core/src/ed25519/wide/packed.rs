//! One point's coordinates in four lanes, for sums that can only be made one after the other. The other four lanes hold
//! the same again.

use super::field::{Field, LIMBS, Limbs, ONE, TWO_P, Wide, ZERO};
use std::arch::x86_64::__m512i;

/// X, Y, Z, T of a point, as in [`super::point::Points`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed(Field);

/// Lanes of a [`Packed`].
const X: u64 = 0;
const Y: u64 = 1;
const Z: u64 = 2;
const T: u64 = 3;

/// Sets of the four lanes, the first lane in the lowest bit.
type Lanes = u8;

impl Packed {
    #[inline(always)]
    pub(super) fn identity(wide: Wide) -> Self {
        Self(wide.of(&twice([ZERO, ONE, ONE, ZERO])))
    }

    /// X, Y, Z.
    #[inline(always)]
    pub(super) fn coordinates(self, wide: Wide) -> [Limbs; 3] {
        let [x, y, z, ..] = wide.each(self.0);
        [x, y, z]
    }

    /// Adds a point that is given as Y + X, Y − X, 2dT, 2Z.
    #[inline(always)]
    pub(super) fn add(self, wide: Wide, [sum, difference, product, z2]: [Limbs; 4]) -> Self {
        let point = wide.of(&twice([difference, sum, product, z2]));
        let x = pick(wide, self.0, [X; 4]);
        let terms = Terms(pick(wide, self.0, [Y, Y, T, Z]).0).plus(wide, 0b0010, x).minus(wide, 0b0001, x);
        let [a, b, c, d] = [0, 1, 2, 3];
        let of = wide.multiply(wide.carry(terms.0), point);
        // With E = B − A, F = D − C, G = D + C, H = B + A the coordinates are EF, GH, FG, EH.
        let (before, behind) = (pick(wide, of, [b, d, d, b]), pick(wide, of, [a, c, c, a]));
        let left = Terms(before.0).plus(wide, 0b0010, behind).minus(wide, 0b1101, behind);
        let (before, behind) = (pick(wide, of, [d, b, d, b]), pick(wide, of, [c, a, c, a]));
        let right = Terms(before.0).plus(wide, 0b1110, behind).minus(wide, 0b0001, behind);
        Self(wide.multiply(wide.carry(left.0), wide.carry(right.0)))
    }

    #[inline(always)]
    pub(super) fn double(self, wide: Wide) -> Self {
        let terms = Terms(pick(wide, self.0, [X, Y, Z, X]).0).plus(wide, 0b1000, pick(wide, self.0, [Y; 4]));
        let squares = wide.square(wide.carry(terms.0));
        let (xx, yy) = (pick(wide, squares, [0; 4]), pick(wide, squares, [1; 4]));
        let (zz, both) = (pick(wide, squares, [2; 4]), pick(wide, squares, [3; 4]));
        // With H = X² + Y², E = H − (X + Y)², G = X² − Y², F = 2Z² + G the coordinates are EF, GH, FG, EH.
        let left = Terms(xx.0).plus(wide, 0b1001, yy).minus(wide, 0b0110, yy);
        let left = left.minus(wide, 0b1001, both).plus(wide, 0b0100, zz).plus(wide, 0b0100, zz);
        let right = Terms(xx.0).plus(wide, 0b1010, yy).minus(wide, 0b0101, yy);
        let right = right.plus(wide, 0b0001, zz).plus(wide, 0b0001, zz);
        Self(wide.multiply(wide.carry(left.0), wide.carry(right.0)))
    }
}

fn twice([a, b, c, d]: [Limbs; 4]) -> [Limbs; 8] {
    [a, b, c, d, a, b, c, d]
}

/// In each lane the lane that is named.
#[inline(always)]
fn pick(wide: Wide, from: Field, [a, b, c, d]: [u64; 4]) -> Field {
    let lanes: [u64; 8] = [a, b, c, d, a, b, c, d];
    let mut picked = from;
    for limb in &mut picked.0 {
        *limb = wide.avx512f._mm512_permutexvar_epi64(pulp::cast(lanes), *limb);
    }
    picked
}

/// Limbs of a sum that is not carried yet: of up to five fields and as many times 2p, so below 2⁵⁵.
#[derive(Clone, Copy)]
struct Terms([__m512i; LIMBS]);

impl Terms {
    /// Adds in the lanes of a set.
    #[inline(always)]
    fn plus(mut self, wide: Wide, lanes: Lanes, field: Field) -> Self {
        for (limb, field) in self.0.iter_mut().zip(field.0) {
            *limb = wide.avx512f._mm512_mask_add_epi64(*limb, lanes | lanes << 4, *limb, field);
        }
        self
    }

    /// Subtracts in the lanes of a set.
    #[inline(always)]
    fn minus(self, wide: Wide, lanes: Lanes, field: Field) -> Self {
        let mut negated = field;
        for (limb, two_p) in negated.0.iter_mut().zip(TWO_P) {
            *limb = wide.avx512f._mm512_sub_epi64(wide.splat(two_p), *limb);
        }
        self.plus(wide, lanes, negated)
    }
}
