//! A small random generator, so that a failure can be repeated with its seed.

/// splitmix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Begins at this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }
}

/// Spreads the bits of a number.
pub fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A number made of a seed and a name.
pub fn named(seed: u64, name: &str) -> u64 {
    let spread = |hash: u64, byte: u8| mix(hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    name.bytes().fold(mix(seed ^ 0x5eed), spread)
}
