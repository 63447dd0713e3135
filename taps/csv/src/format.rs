//! Recognises files that are not CSV, such as archives, by their first bytes, whatever their names.

/// As many bytes as are looked at.
pub(crate) const HEAD: usize = 512;

/// A format that is no plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Gzip,
    Zstd,
    /// One that is not read, by its name.
    Other(&'static str),
}

/// Formats by what they start with.
const STARTS: [(&[u8], Format); 15] = [
    (&[0x1F, 0x8B, 8], Format::Gzip),
    (&[0x28, 0xB5, 0x2F, 0xFD], Format::Zstd),
    (b"PK\x03\x04", Format::Other("a zip archive or an Excel workbook")),
    (b"PK\x05\x06", Format::Other("a zip archive")),
    (b"\xFD7zXZ\0", Format::Other("xz")),
    (b"BZh", Format::Other("bzip2")),
    (b"7z\xBC\xAF\x27\x1C", Format::Other("a 7z archive")),
    (b"Rar!\x1A\x07", Format::Other("a RAR archive")),
    (b"\x04\x22\x4D\x18", Format::Other("lz4")),
    (
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        Format::Other("an Excel workbook of old"),
    ),
    (b"PAR1", Format::Other("Parquet")),
    (b"SQLite format 3\0", Format::Other("an SQLite database")),
    (b"Obj\x01", Format::Other("Avro")),
    (b"ARROW1\0\0", Format::Other("Arrow")),
    (b"%PDF-", Format::Other("PDF")),
];
/// Text that no header starts with, in any case: what a server says instead of a file, and tables of Excel as XML.
const MARKUP: [(&[u8], &str); 3] = [
    (b"<!doctype html", "HTML"),
    (b"<html", "HTML"),
    (b"<?xml ", "XML"),
];
/// Where a tar archive says that it is one.
const TAR: usize = 257;

impl Format {
    /// The format of what starts with `head`.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        let starts = |&&(start, _): &&(&[u8], Self)| head.starts_with(start);
        match STARTS.iter().find(starts) {
            // Three letters alone could begin a header; a block follows them, by its magic number or the stream's end.
            Some(&(b"BZh", _)) if !is_bzip2(head) => None,
            Some(&(_, format)) => Some(format),
            None if head.get(TAR..).is_some_and(|rest| rest.starts_with(b"ustar")) => {
                Some(Self::Other("a tar archive"))
            }
            None => markup(head),
        }
    }

    /// The name, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Other(name) => name,
        }
    }
}

fn markup(head: &[u8]) -> Option<Format> {
    let head = head.trim_ascii_start();
    MARKUP.iter().find_map(|&(start, name)| {
        let begins = head.get(..start.len())?;
        begins.eq_ignore_ascii_case(start).then_some(Format::Other(name))
    })
}

fn is_bzip2(head: &[u8]) -> bool {
    head.get(4..10)
        .is_some_and(|block| block == b"1AY&SY" || block == b"\x17\x72\x45\x38\x50\x90")
}

/// The encoding that text with a NUL in every other byte, or in three of four, seems to have.
pub(crate) fn wide_encoding(head: &[u8]) -> Option<&'static str> {
    let [a, b, c, d, ..] = *head else { return None };
    match [a == 0, b == 0, c == 0, d == 0] {
        [false, true, true, true] => Some("utf-32-le"),
        [true, true, true, false] => Some("utf-32-be"),
        [false, true, false, true] => Some("utf-16-le"),
        [true, false, true, false] => Some("utf-16-be"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_their_first_bytes_and_text_is_none() {
        assert_eq!(Format::of(b"\x1F\x8B\x08\0"), Some(Format::Gzip));
        assert_eq!(Format::of(b"BZh91AY&SY..").map(Format::name), Some("bzip2"));
        let mut tar = vec![b'a'; HEAD];
        tar[TAR..TAR + 5].copy_from_slice(b"ustar");
        assert_eq!(Format::of(&tar).map(Format::name), Some("a tar archive"));
        assert_eq!(Format::of(b"\n<HTML>\n").map(Format::name), Some("HTML"));
        for text in [
            &b"id,v\n"[..],
            b"",
            b"BZhang,PK\n1,2\n",
            b"PAR,1\n",
            b"\x1F\x8Bx",
            b"Obj,<html>\n",
            b"<htm",
        ] {
            assert_eq!(Format::of(text), None);
        }
    }

    #[test]
    fn text_of_wide_characters_is_seen() {
        assert_eq!(wide_encoding(b"i\0d\0"), Some("utf-16-le"));
        assert_eq!(wide_encoding(b"\0i\0d"), Some("utf-16-be"));
        assert_eq!(wide_encoding(b"i\0\0\0d"), Some("utf-32-le"));
        for text in [&b"id,v"[..], b"i\0", b"\0\0\0\0"] {
            assert_eq!(wide_encoding(text), None);
        }
    }
}
