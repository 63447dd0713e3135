//! Medians and quartiles of a few runs, and ratios turn by turn.

use serde::{Deserialize, Serialize};

/// Some measured values of the same thing, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The value in the middle.
    pub median: f64,
    /// A quarter of the values is at most this.
    pub lower_quartile: f64,
    /// A quarter of the values is at least this.
    pub upper_quartile: f64,
    /// The least value.
    pub least: f64,
    /// The greatest value.
    pub greatest: f64,
}

impl Summary {
    /// Of values in any order; `None` when there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&values, 0.5)?,
            lower_quartile: quantile(&values, 0.25)?,
            upper_quartile: quantile(&values, 0.75)?,
            least: *values.first()?,
            greatest: *values.last()?,
        })
    }

    /// The distance between the quartiles, as a part of the median: 0.1 when the middle half of the values spans a
    /// tenth of it. One odd value of five does not change it.
    pub fn spread(&self) -> f64 {
        if self.median > 0.0 {
            (self.upper_quartile - self.lower_quartile) / self.median
        } else {
            0.0
        }
    }
}

/// Interpolated between the two values beside it, as R and numpy do by default.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a place in a list of some values"
)]
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let at = part * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(below + (above - below) * at.fract())
}

/// Turn by turn, how many times as long as `base` the other took. A turn that lacks one of the two has no ratio.
pub fn ratios(other: &[Option<f64>], base: &[Option<f64>]) -> Vec<f64> {
    let pairs = other.iter().zip(base);
    pairs
        .filter_map(|(other, base)| Some(((*other)?, (*base)?)))
        .filter(|(_, base)| *base > 0.0)
        .map(|(other, base)| other / base)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
    }

    #[test]
    fn quartiles_are_those_of_numpy() {
        let summary = Summary::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        near(summary.median, 2.5);
        near(summary.lower_quartile, 1.75);
        near(summary.upper_quartile, 3.25);
        near(summary.spread(), 0.6);
        assert_eq!(Summary::of([]), None);
        near(Summary::of([7.0]).unwrap().spread(), 0.0);
    }

    #[test]
    fn one_odd_run_of_five_is_no_spread() {
        let summary = Summary::of([1.0, 1.01, 1.02, 1.0, 9.0]).unwrap();
        assert!(summary.spread() < 0.03, "{summary:?}");
    }

    #[test]
    fn ratios_are_those_of_the_same_turn() {
        // Both became slower in the second turn: the ratio stays.
        assert_eq!(
            ratios(&[Some(2.0), Some(4.0)], &[Some(1.0), Some(2.0)]),
            [2.0, 2.0]
        );
        assert_eq!(ratios(&[Some(2.0), None], &[Some(1.0), Some(2.0)]), [2.0]);
        assert!(ratios(&[], &[Some(1.0)]).is_empty());
    }
}
