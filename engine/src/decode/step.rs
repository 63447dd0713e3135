//! The keys of a schema as they are written in records, and a table to look them up.

use wide::u8x16;

use super::key::Key;
use super::window::{QUICK_KEY, Window, vector, word};
use crate::json::scan;

/// A key as it came: `"name": ` with its quotes, colon and white space; or with what stands before it as well.
#[derive(Debug)]
pub(super) struct Step {
    /// The first sixteen bytes and the last; for a shorter text twice the same.
    first: u8x16,
    last: u8x16,
    /// Which bits of the two count. None of a long text: it is never found in a window.
    mask: u8x16,
    last_at: usize,
    pub(super) key: Key,
    text: Box<[u8]>,
}

impl Step {
    pub(super) fn new(text: &[u8], key: Key) -> Self {
        let short = text.len().min(16);
        let last_at = text.len() - short;
        let (mut first, mut last, mut mask) = ([0; 16], [0; 16], [0; 16]);
        first[..short].copy_from_slice(&text[..short]);
        last[..short].copy_from_slice(&text[last_at..]);
        mask[..short].fill(0xFF);
        if text.len() > QUICK_KEY {
            // 0xFF stands in no text.
            (first, last) = ([0; 16], [0xFF; 16]);
        }
        Self {
            first: u8x16::new(first),
            last: u8x16::new(last),
            mask: u8x16::new(mask),
            last_at,
            key,
            text: text.into(),
        }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    #[inline]
    pub(super) fn length(&self) -> usize {
        self.text.len()
    }

    /// Whether a window starts with the text.
    #[inline]
    pub(super) fn is_in(&self, window: &Window) -> bool {
        let first = vector(window, 0) ^ self.first;
        let last = vector(window, self.last_at & 15) ^ self.last;
        let other = (first | last) & self.mask;
        other.simd_eq(u8x16::ZERO).to_bitmask() == 0xFFFF
    }
}

/// How many slots a key may be away from the one that its hash says. Keys that someone made collide on purpose are
/// left to the seeded hash table of the names.
const PROBES: usize = 8;

/// Steps by a hash of their keys. What it does not find is looked up by name.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The number of a step, plus one; 0 where there is none. A power of two of slots, at most a quarter in use.
    slots: Vec<u32>,
}

impl Places {
    pub(super) fn new(steps: &[Step]) -> Self {
        let mut slots = vec![0; (steps.len() * 4).next_power_of_two()];
        let most = slots.len() - 1;
        for (number, step) in steps.iter().enumerate() {
            if step.text.len() > QUICK_KEY {
                continue;
            }
            let mut window = [0; _];
            window[..step.text.len()].copy_from_slice(&step.text);
            let Some(hash) = hash(&window) else { continue };
            let free = (0..PROBES)
                .map(|probe| (hash + probe) & most)
                .find(|slot| slots[*slot] == 0);
            if let Some(free) = free {
                slots[free] = number as u32 + 1;
            }
        }
        Self { slots }
    }

    /// The step whose text a window starts with.
    #[inline]
    pub(super) fn find(&self, steps: &[Step], window: &Window) -> Option<usize> {
        let most = self.slots.len().wrapping_sub(1);
        let hash = hash(window)?;
        for probe in 0..PROBES {
            let number = (*self.slots.get((hash + probe) & most)? as usize).checked_sub(1)?;
            if steps.get(number)?.is_in(window) {
                return Some(number);
            }
        }
        None
    }
}

/// A hash of the first eight bytes of a key and the last eight, without its quotes.
#[inline]
fn hash(window: &Window) -> Option<usize> {
    let quotes = scan::quotes(vector(window, 1)) | scan::quotes(vector(window, 17)) << 16;
    if quotes == 0 {
        return None;
    }
    let length = quotes.trailing_zeros() as usize & 31;
    let first = word(window, 1);
    let (first, last) = if length < 8 {
        let first = first & ((1 << (8 * length)) - 1);
        (first, first)
    } else {
        (first, word(window, length - 7))
    };
    let product =
        u128::from(first ^ 0x9E37_79B9_7F4A_7C15) * u128::from(last.rotate_left(32) ^ 0xD1B5_4A32_D192_ED03);
    Some(((product >> 64) as usize ^ product as usize) >> 8)
}
