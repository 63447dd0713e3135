//! Unescapes the inside of a JSON string.
//!
//! JSON writers that escape all but ASCII make text a run of `\uXXXX`. So escapes are found 64 bytes at a time: the
//! processor need not wait for the end of one to see where the next one starts. Each hex digit is looked up as the bits that
//! it gives to the character's UTF-8, which checks it by the way.

use std::fmt::Write;

use super::scan;
use super::skip::{self, Syntax};
use super::unicode::{hex4, is_high, join, utf8};

/// Bytes that are looked at together.
const BLOCK: usize = 64;
/// A block, and what may be read from its last byte on.
const WINDOW: usize = 2 * BLOCK;
/// Text between escapes is copied at this size, and what was too much is then written over: copying the exact
/// number of bytes costs a mispredicted branch on that number.
const PIECE: usize = 16;
/// What is collected before it is written. A block adds at most as many bytes as it has.
const FULL: usize = 256;
const ROOM: usize = 2 * FULL + BLOCK;

/// Appends the text that the inside of a JSON string stands for.
///
/// `raw` must be valid, as the decoder has checked. A lone surrogate, which the decoder refuses, becomes U+FFFD.
/// ```
/// let mut text = String::new();
/// melisma_engine::json::unescape(r"caf\u00e9 \ud83d\ude00", &mut text);
/// assert_eq!(text, "café 😀");
/// ```
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

/// A buffer in which text is collected before it is written. Its earlier contents do not matter.
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
                && let Some((bytes, length)) = utf8(digits)
            {
                put::<4>(self.room, to, &bytes.to_le_bytes());
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

#[cfg(test)]
mod tests;
