//! An open file: decompressed, without its byte order mark, as bytes that should be UTF-8.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use melisma_sdk::{Error, Result};

use crate::encoding::{Charset, Failure, Transcoder, read_some};
use crate::settings::Compression;

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
        let file = File::open(path).map_err(unreadable)?;
        let plain: Box<dyn Read> = match actual(compression, path) {
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
            Compression::Zstd => Box::new(zstd::Decoder::new(file).map_err(unreadable)?),
            Compression::None | Compression::Auto => Box::new(file),
        };
        Self::new(plain, charset).map_err(|failure| match failure {
            Failure::Io(error) => unreadable(error),
            Failure::Malformed(_) => Error::input(format!(
                "{}: starts with the byte order mark of UTF-32, which is not supported",
                path.display()
            )),
        })
    }

    pub(crate) fn new(mut input: Box<dyn Read>, charset: Charset) -> Result<Self, Failure> {
        let mut head = [0; 4];
        let mut have = 0;
        while have < head.len() {
            match read_some(&mut input, &mut head[have..]).map_err(Failure::Io)? {
                0 => break,
                n => have += n,
            }
        }
        let head = &head[..have];
        let (charset, mark) = match head {
            [0xFF, 0xFE, 0, 0] | [0, 0, 0xFE, 0xFF] => return Err(Failure::Malformed(0)),
            [0xEF, 0xBB, 0xBF, ..] => (Charset::Utf8, 3),
            [0xFF, 0xFE, ..] => (Charset::Other(encoding_rs::UTF_16LE), 2),
            [0xFE, 0xFF, ..] => (Charset::Other(encoding_rs::UTF_16BE), 2),
            _ => (charset, 0),
        };
        let input = Box::new(Cursor::new(head[mark..].to_vec()).chain(input));
        let mark = mark as u64;
        Ok(Self {
            input,
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

/// How the file is compressed, told by its name if nothing else says so.
fn actual(compression: Compression, path: &Path) -> Compression {
    let ends = |end: &str| {
        path.extension()
            .is_some_and(|found| found.eq_ignore_ascii_case(end))
    };
    match compression {
        Compression::Auto if ends("gz") => Compression::Gzip,
        Compression::Auto if ends("zst") => Compression::Zstd,
        Compression::Auto => Compression::None,
        told => told,
    }
}
