//! Converts text to encodings other than UTF-8.

use std::borrow::Cow;

use melisma_sdk::{Error, Result, show};

/// The encoding of a file. All of them hold ASCII as it is, one byte for each character, so that delimiters and quotes
/// can be found in their bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Encoding {
    /// With a byte order mark at the start of the file, or without.
    Utf8 {
        mark: bool,
    },
    Ascii,
    /// ISO 8859-1 as Python has it; web browsers call windows-1252 by this name.
    Latin1,
    /// Any other with one byte for each character.
    Single(&'static encoding_rs::Encoding),
}

/// The byte order mark of UTF-8.
pub(crate) const MARK: &[u8] = b"\xEF\xBB\xBF";

impl Encoding {
    /// The encoding of that name, as Python or the web call it.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let plain = name.trim().to_ascii_lowercase().replace('_', "-");
        Ok(match plain.as_str() {
            "utf-8" | "utf8" | "u8" => Self::Utf8 { mark: false },
            "utf-8-sig" | "utf8-sig" => Self::Utf8 { mark: true },
            "ascii" | "us-ascii" | "646" => Self::Ascii,
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" | "l1" => Self::Latin1,
            _ => match encoding_rs::Encoding::for_label(plain.as_bytes()) {
                Some(encoding) if encoding.is_single_byte() => Self::Single(encoding),
                _ => {
                    return Err(Error::config(format!(
                        "encoding: expected utf-8, utf-8-sig, ascii, latin-1 or another encoding with one byte for \
                         each character, found \"{}\"",
                        show(name)
                    )));
                }
            },
        })
    }

    /// Whether text stays as it is.
    pub(crate) fn is_utf8(self) -> bool {
        matches!(self, Self::Utf8 { .. })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 { .. } => "UTF-8",
            Self::Ascii => "ASCII",
            Self::Latin1 => "Latin-1",
            Self::Single(encoding) => encoding.name(),
        }
    }

    /// Whether a file with these bytes, which may end in the middle of a character, can be one in this encoding.
    pub(crate) fn fits(self, bytes: &[u8]) -> bool {
        match self {
            Self::Utf8 { .. } => {
                std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
            }
            Self::Ascii => bytes.is_ascii(),
            Self::Latin1 | Self::Single(_) => true,
        }
    }

    /// The bytes of a text; `None` when it has a character that the encoding lacks. `scratch` is reused.
    pub(crate) fn encode<'a>(self, text: &'a str, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        if self.is_utf8() || text.is_ascii() {
            return Some(text.as_bytes());
        }
        scratch.clear();
        match self {
            Self::Utf8 { .. } | Self::Ascii => return None,
            Self::Latin1 => {
                for c in text.chars() {
                    scratch.push(u8::try_from(u32::from(c)).ok()?);
                }
            }
            Self::Single(encoding) => {
                let mut encoder = encoding.new_encoder();
                scratch.reserve(text.len() + 16);
                let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(text, scratch, true);
                if result != encoding_rs::EncoderResult::InputEmpty || read < text.len() {
                    return None;
                }
            }
        }
        Some(scratch)
    }

    /// The text of bytes; what is wrong becomes U+FFFD.
    pub(crate) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Utf8 { .. } | Self::Ascii => String::from_utf8_lossy(bytes),
            Self::Latin1 => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
            Self::Single(encoding) => encoding.decode_without_bom_handling(bytes).0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_names_of_python_and_of_the_web() {
        assert_eq!(
            Encoding::named("UTF_8").expect("known"),
            Encoding::Utf8 { mark: false }
        );
        assert_eq!(
            Encoding::named("utf-8-sig").expect("known"),
            Encoding::Utf8 { mark: true }
        );
        assert_eq!(Encoding::named("ISO-8859-1").expect("known"), Encoding::Latin1);
        assert_eq!(Encoding::named("cp1252").expect("known").name(), "windows-1252");
        for name in ["utf-16", "shift_jis", "gb18030", "klingon"] {
            assert!(Encoding::named(name).is_err(), "{name}");
        }
    }

    #[test]
    fn refuses_what_it_can_not_hold() {
        let mut scratch = Vec::new();
        let cp1252 = Encoding::named("cp1252").expect("known");
        assert_eq!(cp1252.encode("5 € é", &mut scratch), Some(&b"5 \x80 \xe9"[..]));
        assert_eq!(cp1252.decode(b"5 \x80 \xe9"), "5 € é");
        assert_eq!(cp1252.encode("漢", &mut scratch), None);
        assert_eq!(Encoding::Latin1.encode("é", &mut scratch), Some(&b"\xe9"[..]));
        assert_eq!(Encoding::Latin1.encode("€", &mut scratch), None);
        assert_eq!(Encoding::Ascii.encode("é", &mut scratch), None);
        assert_eq!(Encoding::Ascii.encode("e", &mut scratch), Some(&b"e"[..]));
    }
}
