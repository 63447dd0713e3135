//! A record as borrowed cells.

/// Where a cell's text stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) place: Place,
}

/// In which text a cell's span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the input, with no mark inside.
    Input,
    /// In the input, with a mark inside that JSON escapes.
    InputEscaped,
    /// In the parser's scratch, unescaped.
    Scratch,
}

/// One record, borrowed from the text and the parser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) text: &'a str,
    pub(crate) scratch: &'a str,
    pub(crate) spans: &'a [Span],
    /// Whether JSON escapes no byte of the record, marks aside.
    pub(crate) plain: bool,
    /// The line on which it starts, counted from 1.
    pub(crate) line: u64,
    /// The bytes before it in the file.
    pub(crate) byte: u64,
}

impl<'a> Record<'a> {
    /// How many cells it has.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The text of a cell.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<&'a str> {
        self.cell(at).map(|(text, _)| text)
    }

    /// The text of a cell, and whether it is known that it can stand in a JSON string as it is.
    #[inline]
    pub(crate) fn cell(&self, at: usize) -> Option<(&'a str, bool)> {
        let span = self.spans.get(at)?;
        let text = if span.place == Place::Scratch {
            self.scratch
        } else {
            self.text
        };
        Some((
            text.get(span.start..span.end)?,
            self.plain && span.place == Place::Input,
        ))
    }

    /// The cells in their order.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &'a str> {
        let record = *self;
        (0..record.len()).filter_map(move |at| record.get(at))
    }
}
