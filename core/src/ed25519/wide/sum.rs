//! Sums of points times factors with buckets (Pippenger's way): of all points that have one digit in one place the sum is made
//! first. Eight buckets are filled at a time, and eight windows are summed up at a time.

use super::digits::{Factor, Plan};
use super::field::{LANES, Limbs, Wide, ZERO, canonical};
use super::packed::Packed;
use super::point::{Bucket, Projective, Row, Words};
use pulp::NullaryFnOnce;

/// Whether 8 · Σ factorᵢ · pointᵢ is the identity: whether the sum's order divides eight.
///
/// # Panics
/// Unless there are as many factors as points.
pub(in crate::ed25519) fn is_small(wide: Wide, points: &[Row], factors: &[Factor]) -> bool {
    is_small_by(wide, width_for(factors.len()), points, factors)
}

/// The same with digits of `width` bits.
pub(super) fn is_small_by(wide: Wide, width: usize, points: &[Row], factors: &[Factor]) -> bool {
    assert_eq!(factors.len(), points.len(), "each point has its factor");
    let plan = Plan::new(factors, width);
    // A point and its negative.
    let rows: Vec<Words> = points.iter().flat_map(|point| [point.words(), point.negative().words()]).collect();
    let buckets = wide.vectorize(Fill { wide, rows: &rows, plan: &plan });
    let windows = wide.vectorize(SumUp { wide, buckets: &buckets, plan: &plan });
    wide.vectorize(Combine { wide, windows: &windows, width: plan.width })
}

/// Wider digits mean fewer points in all, and more buckets to sum up. The fastest by measurement.
const fn width_for(factors: usize) -> usize {
    match factors {
        0..96 => 4,
        96..400 => 5,
        400..800 => 6,
        _ => 7,
    }
}

struct Fill<'a> {
    wide: Wide,
    rows: &'a [Words],
    plan: &'a Plan,
}

impl NullaryFnOnce for Fill<'_> {
    type Output = Vec<Bucket>;

    #[inline(always)]
    fn call(self) -> Vec<Bucket> {
        let Self { wide, rows, plan } = self;
        let mut buckets = vec![Bucket::IDENTITY; plan.order.len()];
        let identity = Row::IDENTITY.words();
        for group in plan.order.chunks(LANES) {
            let lists: [&[u32]; LANES] =
                std::array::from_fn(|lane| group.get(lane).map_or(&[][..], |bucket| plan.entries_of(*bucket)));
            let most = lists[0].len();
            if most == 0 {
                break;
            }
            let mut sums = wide.identity();
            for step in 0..most {
                let row = |lane: usize| lists[lane].get(step).map_or(&identity, |entry| &rows[*entry as usize]);
                sums = wide.add_affine(sums, &wide.gather(std::array::from_fn(row)));
            }
            wide.projective(sums).store(wide, group, &mut buckets);
        }
        buckets
    }
}

/// A window's sum: Y + X, Y − X, 2dT, 2Z.
type Window = [Limbs; 4];

struct SumUp<'a> {
    wide: Wide,
    buckets: &'a [Bucket],
    plan: &'a Plan,
}

impl NullaryFnOnce for SumUp<'_> {
    type Output = Vec<Window>;

    /// The bucket of digit d counts d times: each is in all running sums from its own on.
    #[inline(always)]
    fn call(self) -> Vec<Window> {
        let Self { wide, buckets, plan } = self;
        let each = plan.buckets_of_a_window();
        let mut windows = Vec::with_capacity(plan.windows);
        for first in (0..plan.windows).step_by(LANES) {
            let (mut running, mut total) = (wide.identity(), wide.identity());
            for bucket in (0..each).rev() {
                let of = std::array::from_fn(|lane| &buckets[(first + lane) * each + bucket]);
                running = wide.add_projective(running, &wide.gather_buckets(of));
                total = wide.add_projective(total, &wide.projective(running));
            }
            let Projective { affine, z2 } = wide.projective(total);
            let [sum, difference, product] = [affine.sum, affine.difference, affine.product];
            let parts = [wide.each(sum), wide.each(difference), wide.each(product), wide.each(z2)];
            windows.extend((0..LANES).map(|lane| parts.map(|part| part[lane])));
        }
        windows
    }
}

struct Combine<'a> {
    wide: Wide,
    windows: &'a [Window],
    width: usize,
}

impl NullaryFnOnce for Combine<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let Self { wide, windows, width } = self;
        let mut sum = Packed::identity(wide);
        for window in windows.iter().rev() {
            for _ in 0..width {
                sum = sum.double(wide);
            }
            sum = sum.add(wide, *window);
        }
        for _ in 0..3 {
            sum = sum.double(wide);
        }
        let [x, y, z] = sum.coordinates(wide).map(canonical);
        x == ZERO && y == z && z != ZERO
    }
}
