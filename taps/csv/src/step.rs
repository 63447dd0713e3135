//! The result of one step through a CSV text, by either reader of records.

/// What was found at a position of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A record; it ends before this position.
    Record(usize),
    /// A line without anything on it; it ends before this position.
    Blank(usize),
    /// The text ends within a record, and more text may come.
    Incomplete,
    /// The text is over.
    End,
    /// The text breaks the dialect, at this position, on this line after the record's first.
    Wrong(&'static str, usize, u64),
}
