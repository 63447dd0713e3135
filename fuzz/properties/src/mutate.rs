//! Simple mutants, the same for the same seed: for the tests, where there is no libFuzzer.

/// A source of numbers that look random (`xorshift64*`).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`; 0 when that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() >> 33) as usize % end.max(1)
    }
}

/// What stands in Singer messages, and what should not.
pub const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\t",
    " ",
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1.0",
    "1e5",
    "1e400",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "NaN",
    "Infinity",
    "\\u0000",
    "\\ud800",
    "\\ud83d\\ude00",
    "\u{FEFF}",
    "é",
    "😀",
    "\0",
    "\"type\":",
    "\"RECORD\"",
    "\"SCHEMA\"",
    "\"STATE\"",
    "\"ACTIVATE_VERSION\"",
    "\"BATCH\"",
    "\"stream\":",
    "\"record\":",
    "\"schema\":",
    "\"value\":",
    "\"version\":",
    "\"time_extracted\":",
    "\"key_properties\":",
    "\"properties\":",
    "\"$ref\":",
    "\"#/definitions/a\"",
    "\"format\":",
    "\"date-time\"",
    "\"anyOf\":",
    "\"type\": [\"null\", \"string\"]",
    "\"\"",
    "[]",
    "{}",
    "2026-02-30T25:61:61Z",
];

/// Changes up to four things in `bytes`; `other` lends a piece.
pub fn mutate(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=random.below(4) {
        once(random, bytes, other);
    }
}

fn once(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = random.below(bytes.len() + 1);
    let end = (at + 1 + random.below(24)).min(bytes.len());
    match random.below(10) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = random.below(256) as u8,
        2 => drop(bytes.drain(at..end)),
        3 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        4 => bytes.truncate(at),
        5 => {
            let from = random.below(other.len());
            let piece = &other[from..(from + 1 + random.below(60)).min(other.len())];
            bytes.splice(at..at, piece.iter().copied());
        }
        6 => lines(random, bytes),
        7 => {
            let digits = bytes.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit());
            let places: Vec<usize> = digits.map(|(place, _)| place).collect();
            if let Some(&place) = places.get(random.below(places.len())) {
                bytes[place] = b'0' + random.below(10) as u8;
            }
        }
        _ => {
            let token = TOKENS[random.below(TOKENS.len())];
            let replaced = if random.below(2) == 0 { at..at } else { at..end };
            bytes.splice(replaced, token.bytes());
        }
    }
}

/// Takes a line out, doubles it, or puts it elsewhere.
fn lines(random: &mut Random, bytes: &mut Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = bytes
        .split_inclusive(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    if lines.is_empty() {
        return;
    }
    let from = random.below(lines.len());
    match random.below(3) {
        0 => drop(lines.remove(from)),
        1 => lines.insert(from, lines[from].clone()),
        _ => {
            let line = lines.remove(from);
            lines.insert(random.below(lines.len() + 1), line);
        }
    }
    *bytes = lines.concat();
}
