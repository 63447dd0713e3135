//! Names of streams, bounded: a tap may use names of any length, and each is kept as a key of the counts.

use std::borrow::Cow;

use crate::hash::fnv1a;

/// Of a longer name only the beginning and a hash of all of it are kept.
pub(crate) const MAX_BYTES: usize = 256;
/// A tilde and 16 hex digits.
const HASH_BYTES: usize = 17;

/// The key that a stream is counted under, from the bytes of its name.
pub(crate) fn key(name: &[u8]) -> Cow<'_, [u8]> {
    if name.len() <= MAX_BYTES {
        return Cow::Borrowed(name);
    }
    let mut key = name[..MAX_BYTES - HASH_BYTES].to_vec();
    key.extend_from_slice(suffix(name).as_bytes());
    Cow::Owned(key)
}

/// The name that is shown for a stream.
pub(crate) fn bounded(mut name: String) -> String {
    if name.len() > MAX_BYTES {
        let suffix = suffix(name.as_bytes());
        name.truncate(name.floor_char_boundary(MAX_BYTES - HASH_BYTES));
        // The allocation still has the length of the whole name.
        name.shrink_to_fit();
        name.push_str(&suffix);
    }
    name
}

fn suffix(name: &[u8]) -> String {
    format!("~{:016x}", fnv1a(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_and_two_of_one_beginning_stay_apart() {
        let (a, b) = ("é".repeat(500) + "a", "é".repeat(500) + "b");
        assert_ne!(bounded(a.clone()), bounded(b.clone()));
        assert_ne!(key(a.as_bytes()), key(b.as_bytes()));
        for name in [a, b] {
            assert!(key(name.as_bytes()).len() <= MAX_BYTES);
            let bounded = bounded(name.clone());
            assert!(
                bounded.len() <= MAX_BYTES && bounded.starts_with("éé"),
                "{bounded}"
            );
        }
        let fits = "x".repeat(MAX_BYTES);
        assert_eq!(
            (bounded(fits.clone()), key(fits.as_bytes())),
            (fits.clone(), fits.as_bytes().into())
        );
    }
}
