//! Cells that are parts of a text.

/// What a [`Part`] becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A number by its digits, which must be valid JSON; they are not looked at.
    Number,
    /// A text that is known to hold no quote, backslash or control character; it is not looked at.
    Plain,
    /// A text, escaped as it needs.
    Text,
    /// `true`, whatever stands there.
    True,
    /// `false`, whatever stands there.
    False,
    /// `null`, whatever stands there.
    Null,
    /// Nothing: the property is left out of the record.
    Absent,
}

/// A cell that is a part of a text, for [`RowWriter::parts`](super::RowWriter::parts).
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Where it starts in the text, in bytes; like the end, not in the midst of a character.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What it becomes.
    pub form: Form,
}

impl Part {
    /// A cell that is left out of the record.
    pub const ABSENT: Self = Self {
        start: 0,
        end: 0,
        form: Form::Absent,
    };
    /// A cell that is null.
    pub const NULL: Self = Self {
        form: Form::Null,
        ..Self::ABSENT
    };
}
