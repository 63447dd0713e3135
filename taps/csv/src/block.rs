//! Compares 64 bytes of text at once: the result has one bit for each byte that matches.

use wide::u8x16;

/// How many bytes are looked at in one go.
pub(crate) const BLOCK: usize = 64;

/// 64 bytes in vectors of every x86-64 and aarch64.
#[derive(Clone, Copy)]
pub(crate) struct Block([u8x16; 4]);

impl Block {
    #[inline]
    pub(crate) fn new(bytes: &[u8; BLOCK]) -> Self {
        let (parts, _) = bytes.as_chunks::<16>();
        Self([0, 1, 2, 3].map(|i| u8x16::new(parts[i])))
    }

    /// Where this byte is.
    #[inline]
    pub(crate) fn is(&self, byte: u8) -> u64 {
        let byte = u8x16::splat(byte);
        self.bits(|part| part.simd_eq(byte))
    }

    /// Where a byte is that JSON escapes: quote, backslash, control character.
    #[inline]
    pub(crate) fn escaped(&self) -> u64 {
        self.bits(|part| {
            // Flipping this bit puts the quote right above the control characters, which stay among themselves.
            let flipped = part ^ u8x16::splat(2);
            let low = flipped.min(u8x16::splat(0x20)).simd_eq(flipped);
            low | part.simd_eq(u8x16::splat(b'\\'))
        })
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "`test` is a few instructions")]
    fn bits(&self, test: impl Fn(u8x16) -> u8x16) -> u64 {
        let part = |i: usize| u64::from(test(self.0[i]).to_bitmask() & 0xFFFF) << (16 * i);
        part(0) | part(1) | part(2) | part(3)
    }
}
