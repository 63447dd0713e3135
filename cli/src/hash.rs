//! A hash whose value may be stored.

/// FNV-1a, 64 bits. Ids of states contain it, so it must give the same value in every version and on every machine,
/// which the hashers of the standard library do not promise.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
