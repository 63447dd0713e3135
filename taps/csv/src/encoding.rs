//! Encodings: every file is read as UTF-8.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};
use melisma_sdk::{Error, Result};

/// How the bytes of a file stand for characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// UTF-8, which needs no decoding.
    Utf8,
    /// ISO 8859-1 as Python has it: each byte is the character of its number. (On the web the name means
    /// windows-1252.)
    Latin1,
    /// Anything that the web knows.
    Other(&'static Encoding),
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
            "cp932" => "shift_jis",
            "cp949" => "euc-kr",
            "cp936" => "gbk",
            "mac-roman" => "macintosh",
            other => other,
        };
        Encoding::for_label_no_replacement(known.as_bytes())
            .or_else(|| Encoding::for_label_no_replacement(known.replace('-', "_").as_bytes()))
            .map(Self::Other)
            .ok_or_else(|| Error::config(format!("encoding: {name:?} is not known")))
    }

    /// The name, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Latin1 => "ISO-8859-1",
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
    /// `None` for Latin-1, which is widened directly.
    decoder: Option<Decoder>,
    raw: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes of the file before `raw`.
    before: u64,
    done: bool,
    /// Where bytes stand that are none of the encoding, told when the text before them is.
    bad: Option<u64>,
}

impl Transcoder {
    /// What decodes `charset`; `None` for UTF-8. `before` bytes (a byte order mark) were read already.
    pub(crate) fn new(charset: Charset, before: u64) -> Option<Self> {
        let decoder = match charset {
            Charset::Utf8 => return None,
            Charset::Latin1 => None,
            Charset::Other(encoding) => Some(encoding.new_decoder_without_bom_handling()),
        };
        Some(Self {
            decoder,
            raw: vec![0; 64 << 10].into(),
            start: 0,
            end: 0,
            before,
            done: false,
            bad: None,
        })
    }

    /// Decodes into `out`, which has room for a few characters; 0 means the end.
    pub(crate) fn read(&mut self, input: &mut impl Read, out: &mut [u8]) -> Result<usize, Failure> {
        while !self.done {
            if self.start == self.end {
                self.before += self.end as u64;
                self.start = 0;
                self.end = read_some(input, &mut self.raw).map_err(Failure::Io)?;
            }
            let raw = &self.raw[self.start..self.end];
            let last = raw.is_empty();
            let Some(decoder) = &mut self.decoder else {
                let (read, written) = encoding_rs::mem::convert_latin1_to_utf8_partial(raw, out);
                self.start += read;
                self.done = last;
                return Ok(written);
            };
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(raw, out, last);
            self.start += read;
            match result {
                DecoderResult::Malformed(bad, after) => {
                    let end = self.before + self.start as u64;
                    self.bad = Some(end.saturating_sub(u64::from(bad) + u64::from(after)));
                    self.done = true;
                    if written > 0 {
                        return Ok(written);
                    }
                }
                DecoderResult::OutputFull => return Ok(written),
                DecoderResult::InputEmpty => {
                    self.done = last;
                    if written > 0 {
                        return Ok(written);
                    }
                }
            }
        }
        self.bad.map_or(Ok(0), |at| Err(Failure::Malformed(at)))
    }
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
        ] {
            assert_eq!(Charset::of(name).unwrap(), Charset::Other(encoding), "{name}");
        }
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
    }
}
