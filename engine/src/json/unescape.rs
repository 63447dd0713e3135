//! From the inside of a JSON string to the text that it stands for.
//!
//! JSON writers that escape all but ASCII make text a run of `\uXXXX`. So escapes are found 64 bytes at a time: the
//! processor need not wait for the end of one to see where the next one starts. Each hex digit is looked up as the bits that
//! it gives to the character's UTF-8, which checks it by the way.

use std::fmt::Write;
use std::hint::select_unpredictable;

use super::scan;
use super::skip::{self, Syntax};

/// Bytes that are looked at together.
const BLOCK: usize = 64;
/// A block, and what may be read from its last byte on.
const WINDOW: usize = 2 * BLOCK;
/// Text between escapes is copied at this size, and what was too much is then written over: a copy of just so many bytes as
/// there are costs a mispredicted branch on their number.
const PIECE: usize = 16;
/// What is collected before it is written. A block adds at most as many bytes as it has.
const FULL: usize = 256;
const ROOM: usize = 2 * FULL + BLOCK;

/// Appends the text that the inside of a JSON string stands for.
///
/// `raw` must be valid, as the decoder has checked. A lone surrogate, which the decoder refuses, becomes U+FFFD.
pub fn unescape(raw: &str, out: &mut impl Write) {
    let mut room = Room::default();
    let mut work = Work::new(raw, 0, &mut room);
    loop {
        match work.run(out) {
            // Valid text has no end of a string inside, and no wrong escape.
            Ok(end) if end >= raw.len() => return,
            Ok(end) => work.push(char::from(raw.as_bytes()[end]), end + 1),
            Err(wrong) => {
                let (c, next) = rare(raw.as_bytes(), wrong.at);
                work.push(c, next);
            }
        }
    }
}

/// Appends the text of the JSON string whose opening quote is before `at`, and checks it; returns where the string ends, its
/// quote included. The first byte after `at` that may not stand in a string as it is, is at `first`.
///
/// # Errors
/// What is not JSON. Then `out` has a part of the string.
pub(crate) fn read_string(
    text: &str,
    (at, first): (usize, usize),
    out: &mut String,
    room: &mut Room,
) -> Result<usize, Syntax> {
    write(out, text.get(at..first));
    let end = Work::new(text, first, room).run(out)?;
    match text.as_bytes().get(end) {
        Some(b'"') => Ok(end + 1),
        Some(_) => Err(Syntax::control(end)),
        None => Err(Syntax::unfinished(end)),
    }
}

/// Where text is collected before it is written; nobody asks what was there.
#[derive(Debug)]
pub(crate) struct Room([u8; ROOM]);

impl Default for Room {
    fn default() -> Self {
        Self([0; ROOM])
    }
}

/// A text that is unescaped, and what is not written of it yet.
struct Work<'t, 'r> {
    text: &'t str,
    /// All before this is unescaped.
    done: usize,
    room: &'r mut [u8; ROOM],
    /// How much of the room is in use; less than [`FULL`] before a block.
    written: usize,
}

impl<'t, 'r> Work<'t, 'r> {
    fn new(text: &'t str, at: usize, room: &'r mut Room) -> Self {
        Self {
            text,
            done: at,
            room: &mut room.0,
            written: 0,
        }
    }

    /// Unescapes up to the first byte that ends a string, or the end of the text, and returns where that is.
    ///
    /// # Errors
    /// An escape that JSON does not have, at its backslash, where `done` is then.
    fn run(&mut self, out: &mut impl Write) -> Result<usize, Syntax> {
        let bytes = self.text.as_bytes();
        while self.done < bytes.len() {
            let ends = scan::string_ends(bytes, self.done);
            if ends == 0 {
                // Plain text is written as it stands: no room is needed, and no check.
                self.flush(out);
                let end = scan::string_end(bytes, self.done + BLOCK).unwrap_or(bytes.len());
                write(out, self.text.get(self.done..end));
                self.done = end;
                continue;
            }
            if self.written >= FULL {
                self.flush(out);
            }
            if self.block(ends)? {
                break;
            }
        }
        self.flush(out);
        Ok(self.done)
    }

    /// Unescapes what starts in the next 64 bytes, of which `ends` are backslashes or end the string. Returns whether the
    /// string ends, which `done` is then at.
    #[inline]
    fn block(&mut self, ends: u64) -> Result<bool, Syntax> {
        let rest = &self.text.as_bytes()[self.done..];
        if let Some(window) = rest.first_chunk() {
            return self.window(window, ends);
        }
        let mut window = [b' '; WINDOW];
        window[..rest.len()].copy_from_slice(rest);
        self.window(&window, ends)
    }

    #[inline]
    fn window(&mut self, window: &[u8; WINDOW], mut ends: u64) -> Result<bool, Syntax> {
        let (start, mut done, mut to) = (self.done, 0, self.written);
        let mut ended = false;
        while ends != 0 {
            let at = ends.trailing_zeros() as usize & (BLOCK - 1);
            ends &= ends - 1;
            // Else it is the second character of an escape.
            let Some(plain) = at.checked_sub(done) else {
                continue;
            };
            let from = done & (BLOCK - 1);
            if plain <= PIECE {
                put::<PIECE>(self.room, to, &window[from..]);
            } else {
                put::<BLOCK>(self.room, to, &window[from..]);
            }
            to += plain;
            done = at;
            let [first, second, digits @ ..] = array::<6>(&window[at..]);
            if first != b'\\' {
                ended = true;
                break;
            }
            if second == b'u'
                && let Some((utf8, length)) = encode(digits)
            {
                put::<4>(self.room, to, &utf8.to_le_bytes());
                to += length;
                done += 6;
            } else if let simple @ 1.. = SIMPLE[usize::from(second)] {
                put::<1>(self.room, to, &[simple]);
                to += 1;
                done += 2;
            } else {
                (self.written, self.done) = (to, start + at);
                self.rare()?;
                (to, done) = (self.written, self.done - start);
            }
        }
        (self.written, self.done) = (to, start + done);
        Ok(ended)
    }

    /// An escape that is no single character and not one UTF-16 unit above ASCII.
    #[inline(never)]
    fn rare(&mut self) -> Result<(), Syntax> {
        skip::escape(self.text.as_bytes(), self.done)?;
        let (c, next) = rare(self.text.as_bytes(), self.done);
        self.push(c, next);
        Ok(())
    }

    /// Adds a character, which was taken from the text up to `next`.
    fn push(&mut self, c: char, next: usize) {
        self.written += c.encode_utf8(&mut self.room[self.written..]).len();
        self.done = next;
    }

    /// Writes out what is in the room.
    fn flush(&mut self, out: &mut impl Write) {
        if self.written > 0 {
            write(out, simdutf8::basic::from_utf8(&self.room[..self.written]).ok());
            self.written = 0;
        }
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "a few instructions")]
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[..N]);
    array
}

/// Copies `N` bytes to `at`, which is never beyond the room: the mask tells the compiler.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a few instructions")]
fn put<const N: usize>(room: &mut [u8; ROOM], at: usize, bytes: &[u8]) {
    let at = at % (2 * FULL);
    room[at..at + N].copy_from_slice(&bytes[..N]);
}

/// Writes a piece; one that is no text, which only comes of what was never checked, as U+FFFD.
#[inline]
fn write(out: &mut impl Write, piece: Option<&str>) {
    // Memory takes everything.
    let _ = out.write_str(piece.unwrap_or("\u{FFFD}"));
}

/// What a backslash and each byte stand for; 0 for `u` and what is no escape.
const SIMPLE: [u8; 256] = {
    let mut table = [0; 256];
    let escapes = *b"\"\"\\\\//n\nr\rt\tb\x08f\x0c";
    let mut i = 0;
    while i < escapes.len() {
        table[escapes[i] as usize] = escapes[i + 1];
        i += 2;
    }
    table
};

/// What each hex digit gives to the three bytes of a character's UTF-8, `1110aaaa 10bbbbcc 10ccdddd`, the first byte in the
/// lowest bits; other bytes give [`NO_DIGIT`]. By the digit's place.
const DIGITS: [[u32; 256]; 4] = {
    let mut table = [[NO_DIGIT; 256]; 4];
    let mut digit = 0;
    while digit < 16 {
        let bits = [
            digit,
            digit << 10,
            digit >> 2 << 8 | (digit & 3) << 20,
            digit << 16,
        ];
        let (lower, upper) = (
            b"0123456789abcdef"[digit as usize],
            b"0123456789ABCDEF"[digit as usize],
        );
        let mut place = 0;
        while place < 4 {
            table[place][lower as usize] = bits[place];
            table[place][upper as usize] = bits[place];
            place += 1;
        }
        digit += 1;
    }
    table
};
const NO_DIGIT: u32 = 1 << 31;

/// The character of four hex digits as UTF-8, the first byte in the lowest bits, and its length. None for ASCII, surrogates,
/// and what is no hex digit.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call would pass the result through memory")]
fn encode(digits: [u8; 4]) -> Option<(u32, usize)> {
    let [a, b, c, d] = digits.map(usize::from);
    let bits = DIGITS[0][a] | DIGITS[1][b] | DIGITS[2][c] | DIGITS[3][d];
    if bits & NO_DIGIT != 0 || bits & 0x3E0F == 0 || bits & 0x200F == 0x200D {
        return None;
    }
    let three = bits | 0x80_80E0;
    // Up to U+07FF: 110bbbcc 10ccdddd, which is the end of that but for one bit.
    let long = bits & 0x200F != 0;
    // Both are computed and one is taken: no branch to mispredict.
    let utf8 = select_unpredictable(long, three, three >> 8 | 0x40);
    Some((utf8, 2 + usize::from(long)))
}

/// The character of any escape, and where it ends.
fn rare(bytes: &[u8], at: usize) -> (char, usize) {
    match bytes.get(at + 1) {
        Some(b'u') => unescape_unicode(bytes, at),
        Some(&other) if other.is_ascii() => match SIMPLE[usize::from(other)] {
            0 => (char::from(other), at + 2),
            simple => (char::from(simple), at + 2),
        },
        _ => (char::REPLACEMENT_CHARACTER, at + 1),
    }
}

fn unescape_unicode(bytes: &[u8], at: usize) -> (char, usize) {
    let Some(first) = hex4(bytes, at + 2) else {
        return (char::REPLACEMENT_CHARACTER, at + 2);
    };
    if let Some(c) = char::from_u32(first) {
        return (c, at + 6);
    }
    if is_high(first)
        && bytes.get(at + 6..at + 8) == Some(b"\\u")
        && let Some(c) = hex4(bytes, at + 8).and_then(|second| join(first, second))
    {
        return (c, at + 12);
    }
    (char::REPLACEMENT_CHARACTER, at + 6)
}

/// Whether a UTF-16 unit is the first half of a pair.
#[inline]
pub(crate) fn is_high(unit: u32) -> bool {
    (0xD800..0xDC00).contains(&unit)
}

/// The character of a surrogate pair.
#[inline]
pub(crate) fn join(high: u32, low: u32) -> Option<char> {
    if !is_high(high) || !(0xDC00..0xE000).contains(&low) {
        return None;
    }
    char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))
}

/// Four hex digits at `at`.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "a call would take as long as the four look-ups"
)]
pub(crate) fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits: &[u8; 4] = bytes.get(at..)?.first_chunk()?;
    let mut value = 0_u32;
    let mut bad = 0_u8;
    for &digit in digits {
        let nibble = NIBBLE[usize::from(digit)];
        bad |= nibble;
        value = (value << 4) | u32::from(nibble & 15);
    }
    (bad & 0xF0 == 0).then_some(value)
}

/// The value of each hex digit; 0xFF for every other byte.
const NIBBLE: [u8; 256] = {
    let mut table = [0xFF; 256];
    let mut i = 0;
    while i < 10 {
        table[b'0' as usize + i] = i as u8;
        i += 1;
    }
    let mut i = 0;
    while i < 6 {
        table[b'a' as usize + i] = 10 + i as u8;
        table[b'A' as usize + i] = 10 + i as u8;
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_pythons_escapes() {
        let mut text = String::new();
        unescape(r"\u00e9\u6f22\ud83d\ude00\/", &mut text);
        assert_eq!(text, "é漢😀/");
    }

    /// Text as JSON writers have it, and now and then one that is wrong.
    fn any_string() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[ -!#-Z]{0,20}",
            4 => "\\\\u[0-9a-fA-C]{4}",
            2 => "\\\\ud[89ab][0-9a-f]{2}\\\\ud[c-f][0-9a-f]{2}",
            2 => "\\\\[nrtbf\"/\\\\]",
            1 => "[é漢😀]{0,9}",
            1 => "[ -!#-Z]{60,200}",
        ];
        let wrong = "(\\\\ud[89ab]00|\\\\u12g4|\\\\u1|\\\\x|\u{1}|\"|\\\\)";
        let wrong = prop_oneof![9 => Just(String::new()), 1 => wrong];
        (
            prop::collection::vec(piece, 0..40),
            any::<prop::sample::Index>(),
            wrong,
        )
            .prop_map(|(mut all, at, wrong)| {
                all.insert(at.index(all.len() + 1), wrong);
                all.concat()
            })
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_reads(raw in any_string(), after in "[ -~]{0,80}") {
            let json = format!("\"{raw}\"{after}");
            let first = scan::string_end(json.as_bytes(), 1).unwrap_or(json.len());
            let oracle = serde_json::Deserializer::from_str(&json).into_iter::<String>().next().expect("a value");
            match (crate::json::skip::string(json.as_bytes(), 1), oracle) {
                (Ok((end, escaped)), Ok(oracle)) => {
                    let raw = &json[1..end - 1];
                    prop_assert_eq!(escaped, raw.contains('\\'));
                    let (mut unescaped, mut read) = (String::new(), String::new());
                    unescape(raw, &mut unescaped);
                    prop_assert_eq!(&unescaped, &oracle);
                    prop_assert_eq!(read_string(&json, (1, first), &mut read, &mut Room::default()), Ok(end));
                    prop_assert_eq!(&read, &oracle);
                }
                (Err(expected), Err(_)) => {
                    prop_assert_eq!(read_string(&json, (1, first), &mut String::new(), &mut Room::default()), Err(expected));
                }
                (found, oracle) => prop_assert!(false, "{json}: {found:?}, serde_json says {oracle:?}"),
            }
        }

        /// What was never checked gives some text, and no panic.
        #[test]
        fn takes_anything(raw in "([\\\\uéd8c0a\"\u{1}]{0,60}|[\\\\ué漢😀a]{0,900})") {
            let mut text = String::new();
            unescape(&raw, &mut text);
            prop_assert!(raw.is_empty() || !text.is_empty());
        }
    }

    #[test]
    fn a_lone_surrogate_becomes_a_replacement_character() {
        for raw in [r"\ud800", r"\udc00", r"\ud800x", r"\ud800\n"] {
            let mut text = String::new();
            unescape(raw, &mut text);
            assert!(text.starts_with('\u{FFFD}'), "{raw}");
        }
    }
}
