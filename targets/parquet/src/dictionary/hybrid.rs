//! Numbers in Parquet's hybrid of runs and bit-packed groups, which levels and the numbers of a dictionary are written in.
//!
//! Source: the Parquet format's encodings, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".

/// Packed numbers come in groups of as many.
const GROUP: usize = 8;

/// Appends numbers of at most `width` bits.
pub(super) fn write(numbers: &[u32], width: u8, out: &mut Vec<u8>) {
    // Where the groups start that are to be packed.
    let mut packed = 0;
    let mut at = 0;
    while let Some((group, rest)) = numbers[at..].split_first_chunk::<GROUP>() {
        let first = group[0];
        if group.iter().any(|number| *number != first) {
            at += GROUP;
            continue;
        }
        let run = GROUP + rest.iter().take_while(|number| **number == first).count();
        write_packed(&numbers[packed..at], width, out);
        write_run(first, run, width, out);
        at += run;
        packed = at;
    }
    write_packed(&numbers[packed..], width, out);
}

/// Appends `count` numbers that are the same.
pub(super) fn write_run(number: u32, count: usize, width: u8, out: &mut Vec<u8>) {
    write_varint((count as u64) << 1, out);
    out.extend_from_slice(&number.to_le_bytes()[..usize::from(width.div_ceil(8))]);
}

fn write_packed(numbers: &[u32], width: u8, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(GROUP);
    write_varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * usize::from(width);
    out.reserve(groups * usize::from(width));
    let (mut bits, mut held) = (0_u64, 0_u32);
    for number in numbers {
        bits |= u64::from(*number) << held;
        held += u32::from(width);
        if held >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            held -= 32;
        }
    }
    out.extend_from_slice(&(bits as u32).to_le_bytes()[..held.div_ceil(8) as usize]);
    // The last group is whole.
    out.resize(end, 0);
}

fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Bits that numbers below `count` take.
pub(super) fn width(count: usize) -> u8 {
    (usize::BITS - count.saturating_sub(1).leading_zeros()) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads `count` numbers as the format says, bit by bit.
    fn read(mut bytes: &[u8], width: u8, count: usize) -> Vec<u32> {
        let mut take = |count: usize| {
            let (taken, rest) = bytes.split_at(count);
            bytes = rest;
            taken
        };
        let mut numbers = Vec::new();
        while numbers.len() < count {
            let (mut header, mut shift) = (0_usize, 0);
            loop {
                let byte = take(1)[0];
                header |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            if header & 1 == 0 {
                let number = take(usize::from(width.div_ceil(8)));
                let number = number
                    .iter()
                    .rev()
                    .fold(0, |sum, byte| sum << 8 | u32::from(*byte));
                numbers.extend(std::iter::repeat_n(number, header >> 1));
            } else {
                let packed = take((header >> 1) * usize::from(width));
                let bit = |at: usize| u32::from(packed[at / 8] >> (at % 8) & 1);
                let width = usize::from(width);
                let number = |at: usize| (0..width).map(|of| bit(at * width + of) << of).sum::<u32>();
                numbers.extend((0..(header >> 1) * GROUP).map(number));
            }
        }
        assert!(bytes.is_empty(), "nothing is left");
        // Of the last group there may be more.
        numbers.truncate(count);
        numbers
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(
            runs in prop::collection::vec((any::<u32>(), 1_usize..40), 0..30),
            width in 0_u8..=32,
        ) {
            let most = if width == 0 { 0 } else { u32::MAX >> (32 - u32::from(width)) };
            let numbers: Vec<u32> = runs
                .iter()
                .flat_map(|(number, count)| std::iter::repeat_n(number & most, *count))
                .collect();
            let mut bytes = Vec::new();
            write(&numbers, width, &mut bytes);
            prop_assert_eq!(read(&bytes, width, numbers.len()), numbers);
        }
    }

    #[test]
    fn a_width_is_that_of_the_greatest_number() {
        let widths = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9)];
        for (count, expected) in widths {
            assert_eq!(width(count), expected, "{count}");
        }
    }
}
