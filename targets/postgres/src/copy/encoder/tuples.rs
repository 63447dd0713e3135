//! Rows that come as tuples of COPY's binary format, for columns whose values have the same bytes: they are passed on.

use melisma_sdk::Row;
use melisma_sdk::internal::copied::{Column, Kind, Value, Values};

use super::{CopyEncoder, Layout, PassedOn};
use crate::copy::binary::Binary;
use crate::copy::long;

/// How such a tuple becomes one of the table.
#[derive(Debug)]
pub(crate) struct PassedTuples {
    /// What the tuple begins with: the number of its columns.
    head: [u8; 2],
    /// What becomes of each value; `None` where all stay as they are.
    steps: Option<Box<[Step]>>,
    /// How many values come.
    fields: usize,
    /// The forms of the `_sdc_` columns, which follow.
    metadata: Box<[Binary]>,
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Same,
    /// An integer gets this number of bytes.
    Widen(u8),
    /// The version of the form is put before a text.
    ToJsonb,
}

impl PassedTuples {
    /// `None` when the rows have to come as lines: values of another form, columns in another order. `passed_on` are the
    /// lines of the same columns, and `binary` the forms of the table's.
    pub(crate) fn of(
        layout: &Layout,
        passed_on: &PassedOn,
        fields: &[Column],
        binary: &[Binary],
    ) -> Option<Self> {
        if passed_on.order.is_some() || binary.len() != layout.columns.len() {
            return None;
        }
        let (own, metadata) = binary.split_at_checked(fields.len())?;
        let pairs = fields.iter().zip(own);
        let steps: Vec<Step> = pairs
            .map(|(field, to)| Step::of(field.kind, *to))
            .collect::<Option<_>>()?;
        let all_same = steps.iter().all(|step| *step == Step::Same);
        Some(Self {
            head: u16::try_from(binary.len()).ok()?.to_be_bytes(),
            steps: (!all_same).then(|| steps.into()),
            fields: fields.len(),
            metadata: metadata.into(),
        })
    }

    /// Appends the tuple; `None` when it has none of this form.
    #[inline]
    fn write(&self, tuple: &[u8], out: &mut Vec<u8>) -> Option<()> {
        out.extend_from_slice(&self.head);
        let Some(steps) = &self.steps else {
            out.extend_from_slice(tuple);
            return Some(());
        };
        let mut values = Values::of(tuple);
        for step in steps {
            match values.next()? {
                Value::Null => out.extend_from_slice(&(-1_i32).to_be_bytes()),
                Value::Bytes(value) => step.write(value, out)?,
            }
        }
        values.is_empty().then_some(())
    }
}

impl Step {
    /// `None` when the forms of the two types differ in more.
    fn of(kind: Kind, to: Binary) -> Option<Self> {
        Some(match (kind, to) {
            (Kind::Bool, Binary::Boolean)
            | (Kind::Int2, Binary::Int2)
            | (Kind::Int4, Binary::Int4)
            | (Kind::Int8, Binary::Int8)
            | (Kind::Numeric { .. } | Kind::Decimal { .. }, Binary::Numeric)
            | (Kind::Float4, Binary::Float4)
            | (Kind::Float8, Binary::Float8)
            | (Kind::Text { .. }, Binary::Text)
            | (Kind::Json, Binary::Json)
            | (Kind::Uuid, Binary::Uuid)
            | (Kind::Date, Binary::Date)
            | (Kind::Timestamp, Binary::Timestamp)
            | (Kind::TimestampTz, Binary::Timestamp | Binary::TimestampTz) => Self::Same,
            (Kind::Int2, Binary::Int4) => Self::Widen(4),
            (Kind::Int2 | Kind::Int4, Binary::Int8) => Self::Widen(8),
            (Kind::Json, Binary::Jsonb) => Self::ToJsonb,
            _ => return None,
        })
    }

    #[inline]
    fn write(self, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let length = i32::try_from(value.len()).ok()?;
        match self {
            Self::Same => {
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(value);
            }
            Self::Widen(bytes) => {
                let number = match *value {
                    [a, b] => i16::from_be_bytes([a, b]).into(),
                    [a, b, c, d] => i32::from_be_bytes([a, b, c, d]).into(),
                    _ => return None,
                };
                let wide = i64::to_be_bytes(number);
                out.extend_from_slice(&[0, 0, 0, bytes]);
                out.extend_from_slice(wide.get(8 - usize::from(bytes)..)?);
            }
            Self::ToJsonb => {
                out.extend_from_slice(&length.checked_add(1)?.to_be_bytes());
                out.push(1);
                out.extend_from_slice(value);
            }
        }
        Some(())
    }
}

impl CopyEncoder {
    /// Whether the rows of the batch are tuples: then no line can be among them.
    #[inline]
    pub(crate) fn holds_tuples(&self) -> bool {
        self.tuples
    }

    /// Adds a row; `row` has the cells of the `_sdc_` columns. `false` when it is to come as a line: this batch has lines, or
    /// the row has no tuple or a key that has to be looked at.
    #[inline]
    pub(crate) fn push_tuple(&mut self, how: &PassedTuples, tuple: &[u8], row: &Row<'_>) -> bool {
        if !self.tuples && self.rows > 0 {
            return false;
        }
        let start = self.groups[0].lines.len();
        let Some(key_end) = self.write_tuple(how, tuple, row) else {
            self.groups[0].lines.truncate(start);
            return false;
        };
        self.tuples = true;
        self.groups[0].rows += 1;
        if self.layout.keys > 0 {
            self.deduplicate(0, start, key_end);
        }
        self.rows += 1;
        true
    }

    /// Appends the tuple to the rows with all columns; returns where its key ends.
    #[inline]
    fn write_tuple(&mut self, how: &PassedTuples, tuple: &[u8], row: &Row<'_>) -> Option<usize> {
        let Self {
            layout,
            groups,
            scratch,
            ..
        } = self;
        let out = &mut groups[0].lines;
        let start = out.len();
        how.write(tuple, out)?;
        for (column, binary) in layout.columns[how.fields..].iter().zip(&how.metadata) {
            scratch.clear();
            column
                .write(scratch, &row.cells[column.cell], layout.policy)
                .ok()?;
            binary.write_field(out, scratch)?;
        }
        let mut key = Values::of(&out[start + how.head.len()..]);
        let all = key.bytes().len();
        for _ in 0..layout.keys {
            match key.next()? {
                // Refused, by what it says as a line.
                Value::Null => return None,
                Value::Bytes(_) => {}
            }
        }
        let length = all - key.bytes().len();
        (length <= long::LONG).then_some(start + how.head.len() + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(step: Step, value: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        step.write(value, &mut out).map(|()| out)
    }

    #[test]
    fn values_get_the_form_of_their_column() {
        let four = (-7_i32).to_be_bytes();
        let mut wide = vec![0, 0, 0, 8];
        wide.extend_from_slice(&(-7_i64).to_be_bytes());
        assert_eq!(written(Step::Widen(8), &four), Some(wide));
        assert_eq!(
            written(Step::Widen(4), &(-7_i16).to_be_bytes()),
            Some([&[0, 0, 0, 4][..], &four].concat())
        );
        assert_eq!(written(Step::Widen(8), b"abc"), None);
        assert_eq!(
            written(Step::ToJsonb, b"[]"),
            Some(vec![0, 0, 0, 3, 1, b'[', b']'])
        );
        assert_eq!(written(Step::Same, b""), Some(vec![0; 4]));
    }

    #[test]
    fn a_number_does_not_become_one_of_another_kind() {
        for (kind, to) in [
            (Kind::Int8, Binary::Int4),
            (Kind::Int4, Binary::Numeric),
            (Kind::Float4, Binary::Float8),
            (Kind::Timestamp, Binary::TimestampTz),
            (Kind::Uuid, Binary::Text),
        ] {
            assert_eq!(Step::of(kind, to), None, "{kind:?} {to:?}");
        }
    }
}
