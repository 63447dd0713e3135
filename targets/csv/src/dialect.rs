//! Writes the fields of a row as one CSV line: quoting, escaping, nulls.

/// The end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    CrLf,
    Lf,
    /// Of files that have it already; no setting asks for it.
    Cr,
}

impl LineEnd {
    pub(crate) fn bytes(self) -> &'static [u8] {
        match self {
            Self::CrLf => b"\r\n",
            Self::Lf => b"\n",
            Self::Cr => b"\r",
        }
    }
}

/// Delimiter, quote and all that.
#[derive(Clone, Debug)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: u8,
    pub(crate) escape: Option<u8>,
    pub(crate) double_quote: bool,
    pub(crate) terminator: LineEnd,
    /// What stands for a null, unquoted.
    pub(crate) null: Vec<u8>,
    /// The bytes for which a field must be quoted.
    special: [bool; 256],
}

impl Dialect {
    pub(crate) fn new(
        delimiter: u8,
        quote: u8,
        escape: Option<u8>,
        double_quote: bool,
        terminator: LineEnd,
        null: &str,
    ) -> Self {
        let mut special = [false; 256];
        for byte in [delimiter, quote, b'\r', b'\n'].into_iter().chain(escape) {
            special[usize::from(byte)] = true;
        }
        Self {
            delimiter,
            quote,
            escape,
            double_quote,
            terminator,
            null: null.as_bytes().to_vec(),
            special,
        }
    }

    /// Whether a field must be quoted to be read back the same.
    #[inline]
    pub(crate) fn must_quote(&self, field: &[u8]) -> bool {
        field.iter().any(|&byte| self.special[usize::from(byte)])
    }

    /// Appends a text, quoted if it must be.
    #[inline]
    pub(crate) fn write_text(&self, out: &mut Vec<u8>, text: &[u8]) {
        if self.must_quote(text) || text == self.null {
            self.write_quoted(out, text);
        } else {
            out.extend_from_slice(text);
        }
    }

    fn write_quoted(&self, out: &mut Vec<u8>, text: &[u8]) {
        out.push(self.quote);
        let mut done = 0;
        for (at, &byte) in text.iter().enumerate() {
            let before = if byte == self.quote {
                if self.double_quote {
                    Some(self.quote)
                } else {
                    self.escape
                }
            } else {
                self.escape.filter(|&escape| byte == escape)
            };
            if let Some(before) = before {
                out.extend_from_slice(&text[done..at]);
                out.push(before);
                done = at;
            }
        }
        out.extend_from_slice(&text[done..]);
        out.push(self.quote);
    }

    /// Appends a null.
    #[inline]
    pub(crate) fn write_null(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.null);
    }

    /// Ends the line that began at `start`. One with nothing in it would be skipped by readers.
    #[inline]
    pub(crate) fn end_line(&self, out: &mut Vec<u8>, start: usize) {
        if out.len() == start {
            out.extend_from_slice(&[self.quote, self.quote]);
        }
        out.extend_from_slice(self.terminator.bytes());
    }
}
