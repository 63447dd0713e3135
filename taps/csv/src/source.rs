//! Opens a file: decompresses it, removes its byte order mark, and yields bytes that should be UTF-8.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;

use melisma_sdk::{Error, Result};

use crate::config::Compression;
use crate::encoding::{Charset, Failure, Order, Transcoder, read_some};
use crate::format::{Format, HEAD, wide_encoding};
use crate::gzip::Members;

/// The text of a file.
pub(crate) struct Source {
    input: Box<dyn Read>,
    transcoder: Option<Transcoder>,
    charset: Charset,
    mark: u64,
}

impl Source {
    /// Opens a file. `charset` is what its text is in unless a byte order mark tells otherwise.
    pub(crate) fn open(path: &Path, compression: Compression, charset: Charset) -> Result<Self> {
        let unreadable = |error| Error::io(format!("{}: cannot be read", path.display()), error);
        let wrong = |what: String| Error::input(format!("{}: {what}", path.display()));
        let file = File::open(path).map_err(unreadable)?;
        let (head, file) = peek(file).map_err(unreadable)?;
        let found = Format::of(&head);
        let plain: Box<dyn Read> = match (actual(compression, path), found) {
            (Compression::Gzip, Some(Format::Gzip)) => {
                Box::new(Members::new(BufReader::with_capacity(64 << 10, file)))
            }
            (Compression::Zstd, Some(Format::Zstd)) => {
                Box::new(zstd::Decoder::new(file).map_err(unreadable)?)
            }
            // A file without a byte is an empty CSV, whatever its name.
            (_, None) if head.is_empty() => Box::new(file),
            (Compression::None | Compression::Auto, None) => Box::new(file),
            (Compression::None | Compression::Auto, Some(format @ (Format::Gzip | Format::Zstd))) => {
                let name = format.name();
                return Err(wrong(format!("is {name} (see the setting compression)")));
            }
            (_, Some(Format::Other(name))) => return Err(wrong(unpack(name))),
            (wanted, _) => {
                let wanted = if wanted == Compression::Gzip {
                    "gzip"
                } else {
                    "zstd"
                };
                return Err(wrong(format!(
                    "expected {wanted}, found something else (see the setting compression)"
                )));
            }
        };
        let (head, plain) = peek(plain).map_err(unreadable)?;
        if let Some(format) = Format::of(&head) {
            return Err(wrong(unpack(format.name())));
        }
        if let Some(name) = wide_encoding(&head)
            && !matches!(charset, Charset::Other(encoding) if encoding.name().starts_with("UTF-16"))
            && !matches!(charset, Charset::Utf32(_))
        {
            return Err(wrong(format!(
                "has NUL bytes between its characters; is it {name}? (see the setting encoding)"
            )));
        }
        Self::new(plain, charset).map_err(unreadable)
    }

    pub(crate) fn new(input: impl Read + 'static, charset: Charset) -> io::Result<Self> {
        let (head, mut input) = peek(input)?;
        let (charset, mark) = match head[..] {
            [0xFF, 0xFE, 0, 0, ..] => (Charset::Utf32(Order::Little), 4),
            [0, 0, 0xFE, 0xFF, ..] => (Charset::Utf32(Order::Big), 4),
            [0xEF, 0xBB, 0xBF, ..] => (Charset::Utf8, 3),
            [0xFF, 0xFE, ..] => (Charset::Other(encoding_rs::UTF_16LE), 2),
            [0xFE, 0xFF, ..] => (Charset::Other(encoding_rs::UTF_16BE), 2),
            _ => (charset, 0),
        };
        input.read_exact(&mut [0; 4][..mark])?;
        let mark = mark as u64;
        Ok(Self {
            input: Box::new(input),
            transcoder: Transcoder::new(charset, mark),
            charset,
            mark,
        })
    }

    /// Reads into `out`, which has room for a few characters; 0 means the end.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, Failure> {
        match &mut self.transcoder {
            Some(transcoder) => transcoder.read(&mut self.input, out),
            None => read_some(&mut self.input, out).map_err(Failure::Io),
        }
    }

    /// What the text is in.
    pub(crate) fn charset(&self) -> Charset {
        self.charset
    }

    /// The length of the byte order mark.
    pub(crate) fn mark(&self) -> u64 {
        self.mark
    }
}

/// An input whose first bytes were read and stand before it again.
type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// The first bytes of `input`, and all of it.
fn peek<R: Read>(mut input: R) -> io::Result<(Vec<u8>, Peeked<R>)> {
    let mut head = Vec::with_capacity(HEAD);
    input.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(input)))
}

fn unpack(name: &str) -> String {
    format!("is {name}, which tap-csv does not read: unpack it first, or convert it to CSV")
}

/// How the file is compressed, by its name if nothing else says so.
fn actual(compression: Compression, path: &Path) -> Compression {
    let ends = |end: &str| {
        path.extension()
            .is_some_and(|found| found.eq_ignore_ascii_case(end))
    };
    match compression {
        Compression::Auto if ends("gz") => Compression::Gzip,
        Compression::Auto if ends("zst") => Compression::Zstd,
        Compression::Auto => Compression::None,
        other => other,
    }
}
