//! Numbers from a seed.

/// A small generator of numbers (Knuth's MMIX): good enough to vary data, and the same everywhere.
pub(super) struct Seed(u64);

impl Seed {
    pub(super) fn new(seed: u64) -> Self {
        let mut this = Self(seed);
        // The first numbers of neighbouring seeds are alike.
        this.below(2);
        this.below(2);
        this
    }

    /// A number from 0 to below `limit`, which is at most 2^31.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// One of these.
    pub(super) fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }
}
