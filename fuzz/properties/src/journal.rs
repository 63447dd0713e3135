//! The journal of an appended file: whatever tears off its end, or follows it, what it says was said once.
//!
//! The first byte says how many commits there were; then one byte each for how much was added; two bytes for where
//! the journal is torn; the rest is what a broken disk put there instead.

use melisma_sdk::fuzzing::committed;

use crate::input::Input;

/// See the [module](self).
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let commits = input.below(12);
    let (mut text, mut length) = (Vec::new(), 0_u64);
    // Where each commit's line ends, and what it said.
    let mut said = Vec::new();
    for _ in 0..commits {
        length = length * 7 + u64::from(input.byte());
        text.extend_from_slice(format!("committed {length}\n").as_bytes());
        said.push((text.len(), length));
    }
    let cut = (input.below(256) << 8 | input.below(256)) % (text.len() + 1);
    text.truncate(cut);
    let last = said
        .iter()
        .rev()
        .find(|(end, _)| *end <= cut)
        .map(|(_, length)| *length);
    assert_eq!(committed(&text), last, "cut at {cut}");
    // What is no line of a journal changes nothing; the zeros of a block that was never written among it.
    let rest = input.rest();
    let whole_end = said
        .iter()
        .rev()
        .find(|(end, _)| *end <= cut)
        .map_or(0, |(end, _)| *end);
    text.truncate(whole_end);
    text.extend_from_slice(rest);
    if !rest.windows(10).any(|piece| piece == b"committed ") {
        assert_eq!(committed(&text), last, "{rest:?}");
    }
    // Anything at all: no panic.
    let _ = committed(rest);
}
