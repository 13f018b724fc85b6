//! Encodings to points, by ZIP-215's reading: any y below 2²⁵⁵, reduced or not, and either sign where x is zero.

use super::field::{D, Field, LANES, Limbs, MASK, ONE, ROOT_OF_MINUS_ONE, TWO_D, Wide, ZERO, canonical, negative};
use super::point::Row;
use pulp::NullaryFnOnce;

/// Vectors at a time: while one waits for a product, the other is worked on.
const VECTORS: usize = 2;
const TOGETHER: usize = LANES * VECTORS;

/// The point of each encoding, in their order; `None` where there is none.
pub(in crate::ed25519) fn decode(wide: Wide, encodings: &[[u8; 32]]) -> Vec<Option<Row>> {
    let mut points = Vec::with_capacity(encodings.len());
    for some in encodings.chunks(TOGETHER) {
        let mut full = [[0; 32]; TOGETHER];
        full[..some.len()].copy_from_slice(some);
        points.extend_from_slice(&wide.vectorize(Decode { wide, encodings: &full })[..some.len()]);
    }
    points
}

struct Decode<'a> {
    wide: Wide,
    encodings: &'a [[u8; 32]; TOGETHER],
}

impl NullaryFnOnce for Decode<'_> {
    type Output = [Option<Row>; TOGETHER];

    #[inline(always)]
    fn call(self) -> [Option<Row>; TOGETHER] {
        let Self { wide, encodings } = self;
        let encodings = encodings.as_chunks::<LANES>().0;
        let one = wide.all(ONE);
        let (mut y, mut u, mut v) = ([one; VECTORS], [one; VECTORS], [one; VECTORS]);
        for vector in 0..VECTORS {
            y[vector] = wide.of(&encodings[vector].map(|encoding| y_of(&encoding)));
            let yy = wide.square(y[vector]);
            u[vector] = wide.subtract(yy, one);
            v[vector] = wide.add(wide.multiply(yy, wide.all(D)), one);
        }
        // x² = u/v; what may be x is uv³(uv⁷)^((p − 5) / 8) (RFC 8032, section 5.1.3).
        let v3 = wide.multiply_each(wide.square_times(v, 1), v);
        let v7 = wide.multiply_each(wide.square_times(v3, 1), v);
        let power = wide.root_power(wide.multiply_each(u, v7));
        let x = wide.multiply_each(wide.multiply_each(u, v3), power);
        let vxx = wide.multiply_each(v, wide.square_times(x, 1));
        let mut points = [None; TOGETHER];
        for (vector, points) in points.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let roots = Roots::new(wide, x[vector], vxx[vector], u[vector]);
            let signs = encodings[vector].map(|encoding| u64::from(encoding[31] >> 7));
            let x = std::array::from_fn(|lane| roots.of(lane, signs[lane]));
            let rows = rows(wide, wide.of(&x.map(Option::unwrap_or_default)), y[vector]);
            for ((point, row), x) in points.iter_mut().zip(rows).zip(x) {
                *point = x.map(|_| row);
            }
        }
        points
    }
}

/// The lower 255 bits.
fn y_of(encoding: &[u8; 32]) -> Limbs {
    let (words, _) = encoding.as_chunks();
    let [a, b, c, d] = [0, 1, 2, 3].map(|word: usize| u64::from_le_bytes(words[word]));
    [a, a >> 51 | b << 13, b >> 38 | c << 26, c >> 25 | d << 39, d >> 12].map(|limb| limb & MASK)
}

/// What may be x, and what tells whether it is: vx² is u, or −u, or x does not exist.
struct Roots {
    x: [Limbs; LANES],
    /// x times a root of −1.
    turned: [Limbs; LANES],
    less_u: [Limbs; LANES],
    more_u: [Limbs; LANES],
}

impl Roots {
    #[inline(always)]
    fn new(wide: Wide, x: Field, vxx: Field, u: Field) -> Self {
        Self {
            x: wide.each(x),
            turned: wide.each(wide.multiply(x, wide.all(ROOT_OF_MINUS_ONE))),
            less_u: wide.each(wide.subtract(vxx, u)),
            more_u: wide.each(wide.add(vxx, u)),
        }
    }

    /// x with the wanted sign, its lowest bit.
    fn of(&self, lane: usize, sign: u64) -> Option<Limbs> {
        let x = if canonical(self.less_u[lane]) == ZERO {
            self.x[lane]
        } else if canonical(self.more_u[lane]) == ZERO {
            self.turned[lane]
        } else {
            return None;
        };
        let x = canonical(x);
        Some(if x[0] & 1 == sign { x } else { negative(x) })
    }
}

#[inline(always)]
fn rows(wide: Wide, x: Field, y: Field) -> [Row; LANES] {
    let sum = wide.each(wide.add(y, x));
    let difference = wide.each(wide.subtract(y, x));
    let product = wide.each(wide.multiply(wide.multiply(x, y), wide.all(TWO_D)));
    std::array::from_fn(|lane| Row::new(sum[lane], difference[lane], product[lane]))
}
