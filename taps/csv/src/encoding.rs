//! Converts files from any encoding to UTF-8 while they are read.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};
use melisma_sdk::{Error, Result};

use crate::codepage::CodePage;

/// How the bytes of a file stand for characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// UTF-8, which needs no decoding.
    Utf8,
    /// ISO 8859-1 as Python has it: each byte is the character of its number. (On the web the name means
    /// windows-1252.)
    Latin1,
    /// UTF-32, the first byte of a character first or last.
    Utf32(Order),
    /// A code page of DOS.
    Dos(CodePage),
    /// Anything that the web knows.
    Other(&'static Encoding),
}

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Charset {
    /// The encoding of that name, as Python or the web spells it.
    pub(crate) fn of(name: &str) -> Result<Self> {
        let plain = name.trim().to_ascii_lowercase().replace(['_', ' '], "-");
        let known = match plain.as_str() {
            "utf-8" | "utf8" | "utf-8-sig" | "u8" | "ascii" | "us-ascii" => return Ok(Self::Utf8),
            "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => {
                return Ok(Self::Latin1);
            }
            // Without a byte order mark, Python reads these in the order of the machine.
            "utf-16" | "utf16" | "u16" | "utf-16-le" => "utf-16le",
            "utf-16-be" => "utf-16be",
            "utf-32" | "utf32" | "u32" | "utf-32-le" | "utf-32le" => return Ok(Self::Utf32(Order::Little)),
            "utf-32-be" | "utf-32be" => return Ok(Self::Utf32(Order::Big)),
            "cp932" | "s-jis" | "shiftjis" => "shift_jis",
            "cp949" | "949" | "ms949" | "uhc" | "euckr" => "euc-kr",
            "cp936" | "936" | "ms936" => "gbk",
            "euc-cn" | "euccn" => "gb2312",
            "cp950" | "950" | "ms950" | "big5-tw" => "big5",
            "big5hkscs" | "hkscs" => "big5-hkscs",
            "eucjp" | "ujis" | "u-jis" => "euc-jp",
            "iso2022-jp" | "iso2022jp" => "iso-2022-jp",
            "tis620" | "thai" => "tis-620",
            "mac-roman" => "macintosh",
            "mac-cyrillic" => "x-mac-cyrillic",
            other => other,
        };
        let number = ["cp", "ibm-", "ibm", ""]
            .iter()
            .find_map(|start| known.strip_prefix(start));
        if let Some(page) = number.and_then(CodePage::of) {
            return Ok(Self::Dos(page));
        }
        // Python writes iso8859_16 for iso-8859-16 and 1252 for cp1252.
        let spellings = [
            known.to_owned(),
            known.replace('-', "_"),
            known.replace("iso8859-", "iso-8859-"),
            format!("cp{known}"),
        ];
        spellings
            .iter()
            .find_map(|name| Encoding::for_label_no_replacement(name.as_bytes()))
            .map(Self::Other)
            .ok_or_else(|| {
                Error::config(format!(
                    "encoding: expected one of the web, of DOS, or UTF-32 (docs/tap-csv.md lists them), found {:?}",
                    melisma_sdk::show(name)
                ))
            })
    }

    /// The name, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Latin1 => "ISO-8859-1",
            Self::Utf32(Order::Little) => "UTF-32LE",
            Self::Utf32(Order::Big) => "UTF-32BE",
            Self::Dos(page) => page.name(),
            Self::Other(encoding) => encoding.name(),
        }
    }
}

/// Why a read failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The system says so.
    Io(io::Error),
    /// The bytes are none of the encoding; how many bytes stand before them.
    Malformed(u64),
}

/// Turns bytes of another encoding into UTF-8.
pub(crate) struct Transcoder {
    decoding: Decoding,
    raw: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes of the file before `raw`.
    before: u64,
    /// Whether the file has no bytes behind `raw`.
    ended: bool,
    done: bool,
    /// The position of bytes that are invalid in the encoding, reported after the text before them.
    bad: Option<u64>,
}

enum Decoding {
    /// Widened directly.
    Latin1,
    Utf32(Order),
    Dos(CodePage),
    Web(Decoder),
}

/// What a decoder did with some bytes.
struct Step {
    read: usize,
    written: usize,
    /// How far before the end of what was read bytes begin that are none of the encoding, if there are any.
    bad: Option<u64>,
}

impl Transcoder {
    /// What decodes `charset`; `None` for UTF-8. `before` bytes (a byte order mark) were read already.
    pub(crate) fn new(charset: Charset, before: u64) -> Option<Self> {
        let decoding = match charset {
            Charset::Utf8 => return None,
            Charset::Latin1 => Decoding::Latin1,
            Charset::Utf32(order) => Decoding::Utf32(order),
            Charset::Dos(page) => Decoding::Dos(page),
            Charset::Other(encoding) => Decoding::Web(encoding.new_decoder_without_bom_handling()),
        };
        Some(Self {
            decoding,
            raw: vec![0; 64 << 10].into(),
            start: 0,
            end: 0,
            before,
            ended: false,
            done: false,
            bad: None,
        })
    }

    /// Decodes into `out`, which has room for a few characters; 0 means the end.
    pub(crate) fn read(&mut self, input: &mut impl Read, out: &mut [u8]) -> Result<usize, Failure> {
        let mut starved = self.start == self.end;
        while !self.done {
            if starved && !self.ended {
                self.refill(input).map_err(Failure::Io)?;
            }
            let raw = &self.raw[self.start..self.end];
            let step = self.decoding.step(raw, out, self.ended);
            self.start += step.read;
            if let Some(back) = step.bad {
                self.bad = Some((self.before + self.start as u64).saturating_sub(back));
            }
            self.done = self.bad.is_some() || (self.ended && self.start == self.end && step.written == 0);
            if step.written > 0 {
                return Ok(step.written);
            }
            starved = true;
        }
        self.bad.map_or(Ok(0), |at| Err(Failure::Malformed(at)))
    }

    /// Reads more behind the bytes that are left, which are a part of a character at most.
    fn refill(&mut self, input: &mut impl Read) -> io::Result<()> {
        self.raw.copy_within(self.start..self.end, 0);
        self.before += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        let read = read_some(input, &mut self.raw[self.end..])?;
        self.end += read;
        self.ended = read == 0;
        Ok(())
    }
}

impl Decoding {
    /// Decodes what there is room for; `last` says that no bytes follow.
    fn step(&mut self, raw: &[u8], out: &mut [u8], last: bool) -> Step {
        let good = |read, written| Step {
            read,
            written,
            bad: None,
        };
        match self {
            Self::Latin1 => {
                let (read, written) = encoding_rs::mem::convert_latin1_to_utf8_partial(raw, out);
                good(read, written)
            }
            Self::Dos(page) => characters(raw.iter().map(|&byte| (1, page.decode(byte))), out),
            Self::Utf32(order) => {
                let (quads, rest) = raw.as_chunks::<4>();
                let number = |quad: &[u8; 4]| match order {
                    Order::Little => u32::from_le_bytes(*quad),
                    Order::Big => u32::from_be_bytes(*quad),
                };
                let whole = quads.iter().map(|quad| (4, char::from_u32(number(quad))));
                let torn = (last && !rest.is_empty()).then_some((0, None));
                characters(whole.chain(torn), out)
            }
            Self::Web(decoder) => {
                let (result, read, written) = decoder.decode_to_utf8_without_replacement(raw, out, last);
                let bad = match result {
                    DecoderResult::Malformed(bad, after) => Some(u64::from(bad) + u64::from(after)),
                    DecoderResult::OutputFull | DecoderResult::InputEmpty => None,
                };
                Step { read, written, bad }
            }
        }
    }
}

/// Writes characters, each with the number of its bytes, until there is no more room, or one is none.
fn characters(characters: impl Iterator<Item = (usize, Option<char>)>, out: &mut [u8]) -> Step {
    let mut step = Step {
        read: 0,
        written: 0,
        bad: None,
    };
    for (length, character) in characters {
        let Some(character) = character else {
            step.bad = Some(0);
            break;
        };
        let room = &mut out[step.written..];
        if room.len() < character.len_utf8() {
            break;
        }
        step.written += character.encode_utf8(room).len();
        step.read += length;
    }
    step
}

/// One read, tried again when a signal came between.
pub(crate) fn read_some(input: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(out) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(name: &str, bytes: &[u8], room: usize) -> Result<String, Failure> {
        let mut transcoder = Transcoder::new(Charset::of(name).unwrap(), 0).unwrap();
        let (mut input, mut text, mut out) = (bytes, Vec::new(), vec![0; room]);
        loop {
            match transcoder.read(&mut input, &mut out)? {
                0 => return Ok(String::from_utf8(text).unwrap()),
                n => text.extend_from_slice(&out[..n]),
            }
        }
    }

    #[test]
    fn names_of_python_and_of_the_web() {
        for name in ["utf-8", "UTF8", "utf_8", "utf-8-sig", "ascii"] {
            assert_eq!(Charset::of(name).unwrap(), Charset::Utf8, "{name}");
        }
        for (name, encoding) in [
            ("cp1252", encoding_rs::WINDOWS_1252),
            ("windows-1251", encoding_rs::WINDOWS_1251),
            ("utf-16", encoding_rs::UTF_16LE),
            ("utf_16_be", encoding_rs::UTF_16BE),
            ("Shift_JIS", encoding_rs::SHIFT_JIS),
            ("euc_kr", encoding_rs::EUC_KR),
            ("gb18030", encoding_rs::GB18030),
            ("iso8859-15", encoding_rs::ISO_8859_15),
            ("iso8859_16", encoding_rs::ISO_8859_16),
            ("iso2022_jp", encoding_rs::ISO_2022_JP),
            ("mac_cyrillic", encoding_rs::X_MAC_CYRILLIC),
            ("big5hkscs", encoding_rs::BIG5),
            ("cp950", encoding_rs::BIG5),
            ("1252", encoding_rs::WINDOWS_1252),
            ("latin2", encoding_rs::ISO_8859_2),
            ("tis_620", encoding_rs::WINDOWS_874),
        ] {
            assert_eq!(Charset::of(name).unwrap(), Charset::Other(encoding), "{name}");
        }
        for (name, number) in [
            ("cp437", "437"),
            ("IBM850", "850"),
            ("ibm-858", "858"),
            ("852", "852"),
        ] {
            let page = CodePage::of(number).unwrap();
            assert_eq!(Charset::of(name).unwrap(), Charset::Dos(page), "{name}");
        }
        assert_eq!(Charset::of("UTF_32").unwrap(), Charset::Utf32(Order::Little));
        assert!(
            Charset::of("klingon")
                .unwrap_err()
                .to_string()
                .contains("klingon")
        );
    }

    #[test]
    fn decodes_whatever_the_room() {
        let text = "déjà vu, 10 €, 😀\n".repeat(50);
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for room in [8, 9, 13, 100, 10_000] {
            assert_eq!(decode("utf-16", &utf16, room).unwrap(), text);
            assert_eq!(decode("latin-1", b"caf\xe9 \x80", room).unwrap(), "café \u{80}");
            assert_eq!(decode("cp1252", b"caf\xe9 \x80", room).unwrap(), "café €");
            assert_eq!(decode("cp850", b"caf\x82 \xe1", room).unwrap(), "café ß");
            let utf32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
            assert_eq!(decode("utf-32-be", &utf32, room).unwrap(), text);
        }
    }

    #[test]
    fn bad_bytes_are_told_by_their_place() {
        let mut odd: Vec<u8> = "ab".encode_utf16().flat_map(u16::to_le_bytes).collect();
        odd.push(0x41);
        assert!(matches!(decode("utf-16", &odd, 100), Err(Failure::Malformed(4))));
        assert!(matches!(
            decode("shift_jis", b"abc\x81\xffd", 100),
            Err(Failure::Malformed(3))
        ));
        assert!(matches!(
            decode("cp857", b"ab\xd5", 100),
            Err(Failure::Malformed(2))
        ));
        for torn in [&b"a\0\0\0b\0"[..], b"a\0\0\0\0\xd8\0\0"] {
            assert!(matches!(decode("utf-32", torn, 100), Err(Failure::Malformed(4))));
        }
    }
}
