//! Rows handed over as lines of PostgreSQL's COPY, to a target that takes them: cells with tabs between them.
//!
//! A record repeats the name of each column, which the tap writes and the target reads again. A row that has more to say than
//! its cells do, or a number or date that not every target takes as it stands, is written as a record.

use melisma_sdk::internal::copied::{self, Column, Form, Kind as CopiedKind};
use melisma_sdk::tap::{Form as PartForm, Part};
use melisma_sdk::{Output, Result};

use wide::u8x16;

use crate::columns::Slot;
use crate::infer::Kind;

/// The most bytes of a number that is handed over: any target has room for as many digits.
const MOST_DIGITS: usize = 18;
/// The bytes of a short cell, which are copied together with what stands behind it.
const SHORT: usize = 32;

/// The cells of a file that are handed over.
#[derive(Debug, Default)]
pub(crate) struct CopiedRows {
    /// What the target was told last.
    announced: Vec<Column>,
    /// The slots of the fields, and their kinds; empty where rows are written as records.
    fields: Vec<(usize, Kind)>,
    /// The memory of a row.
    line: Vec<u8>,
}

impl CopiedRows {
    /// Agrees with the target on the rows of a file with these slots.
    pub(crate) fn agree(&mut self, slots: &[Slot], output: &mut Output<'_>) -> Result<()> {
        self.fields.clear();
        if copied::form(output) != Some(Form::Lines) {
            return Ok(());
        }
        let mut columns = Vec::new();
        for (place, (slot, column)) in slots.iter().zip(output.columns()).enumerate() {
            if !column.selected {
                continue;
            }
            // A property that the record lacks is not null, and another schema may want other values.
            let Some(kind) = cell(slot).filter(|kind| kind.schema() == column.schema) else {
                self.fields.clear();
                return Ok(());
            };
            self.fields.push((place, kind));
            columns.push(Column {
                name: column.name.clone(),
                kind: copied_kind(kind),
            });
        }
        if !columns.is_empty() && columns != self.announced {
            copied::announce(output, &columns)?;
            log::debug!(
                "stream {}: rows are handed over as lines of COPY",
                output.stream()
            );
            self.announced = columns;
        }
        Ok(())
    }

    /// The schema has changed, so what was announced does not count any more.
    pub(crate) fn forget(&mut self) {
        self.announced.clear();
    }

    /// How many parts of a row it must know.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.fields.last().map_or(0, |(slot, _)| slot + 1)
    }

    /// Writes a row whose parts are these of a text; `false` when it is to be written as a record.
    #[inline]
    pub(crate) fn write(&mut self, text: &str, parts: &[Part], output: &mut Output<'_>) -> Result<bool> {
        let text = text.as_bytes();
        if self
            .fill_at_once(text, parts)
            .or_else(|| self.fill(text, parts))
            .is_none()
        {
            return Ok(false);
        }
        copied::write(output, &self.line).map(|()| true)
    }

    /// Fills the line with a row whose cells stand in the text as they are to stand in the line, but for what is between
    /// them.
    #[inline]
    fn fill_at_once(&mut self, text: &[u8], parts: &[Part]) -> Option<()> {
        let (first, parts) = (parts.first()?.start, parts.get(..self.fields.len())?);
        let mut start = first;
        for ((slot, kind), (place, part)) in self.fields.iter().zip(parts.iter().enumerate()) {
            let cell = text.get(part.start..part.end)?;
            let is_as_it_stands = match part.form {
                PartForm::Plain => *kind == Kind::Text || !cell.starts_with(b"0000"),
                PartForm::Number => is_taken(cell),
                _ => false,
            };
            if !is_as_it_stands || *slot != place || part.start != start {
                return None;
            }
            start = part.end + 1;
        }
        self.line.clear();
        self.line.extend_from_slice(text.get(first..start - 1)?);
        self.line.push(b'\n');
        for part in &parts[..parts.len() - 1] {
            *self.line.get_mut(part.end - first)? = b'\t';
        }
        Some(())
    }

    #[inline]
    fn fill(&mut self, text: &[u8], parts: &[Part]) -> Option<()> {
        let line = &mut self.line;
        line.clear();
        for (slot, kind) in &self.fields {
            let part = parts.get(*slot)?;
            match part.form {
                PartForm::Plain => {
                    let cell = text.get(part.start..part.end)?;
                    // The year 0 is none to most of those that read dates.
                    if *kind != Kind::Text && cell.starts_with(b"0000") {
                        return None;
                    }
                    append(line, text, part);
                }
                PartForm::Number => {
                    let cell = text.get(part.start..part.end)?;
                    if !is_taken(cell) {
                        return None;
                    }
                    append(line, text, part);
                }
                PartForm::Null => line.extend_from_slice(b"\\N"),
                PartForm::True => line.push(b't'),
                PartForm::False => line.push(b'f'),
                PartForm::Text => copied::escape(text.get(part.start..part.end)?, line),
                PartForm::Absent => return None,
            }
            line.push(b'\t');
        }
        *line.last_mut()? = b'\n';
        Some(())
    }
}

/// Whether every target takes a number as it stands.
#[inline]
fn is_taken(number: &[u8]) -> bool {
    let mut padded = [0; 16];
    // Without a branch on each digit, where there are no more of them than fit.
    let has_exponent = match padded.get_mut(..number.len()) {
        Some(short) => {
            short.copy_from_slice(number);
            let upper = u8x16::new(padded) & u8x16::splat(!0x20);
            upper.simd_eq(u8x16::splat(b'E')).to_bitmask() != 0
        }
        None => number.iter().any(|byte| byte.eq_ignore_ascii_case(&b'e')),
    };
    !has_exponent && number.len() <= MOST_DIGITS && number != b"-0"
}

/// Appends a part that stands as it is. To copy an exact number of bytes costs a mispredicted branch on that number.
#[inline]
fn append(line: &mut Vec<u8>, text: &[u8], part: &Part) {
    let length = part.end - part.start;
    match text[part.start..].first_chunk::<SHORT>() {
        Some(chunk) if length <= SHORT => {
            let end = line.len() + length;
            line.extend_from_slice(chunk);
            line.truncate(end);
        }
        _ => line.extend_from_slice(&text[part.start..part.end]),
    }
}

fn cell(slot: &Slot) -> Option<Kind> {
    match slot {
        Slot::Cell { kind, .. } => Some(*kind),
        _ => None,
    }
}

/// A date-time stays as it is written, and PostgreSQL writes it otherwise.
fn copied_kind(kind: Kind) -> CopiedKind {
    match kind {
        Kind::Text | Kind::DateTime => CopiedKind::Text { length: None },
        Kind::Integer => CopiedKind::Int8,
        Kind::Number => CopiedKind::Numeric { limits: None },
        Kind::Boolean => CopiedKind::Bool,
        Kind::Date => CopiedKind::Date,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(kinds: &[Kind], text: &str, parts: &[Part]) -> Option<String> {
        let mut rows = CopiedRows {
            fields: kinds.iter().copied().enumerate().collect(),
            ..CopiedRows::default()
        };
        let by_cells = rows.fill(text.as_bytes(), parts).map(|()| rows.line.clone());
        if rows.fill_at_once(text.as_bytes(), parts).is_some() {
            assert_eq!(by_cells.as_ref(), Some(&rows.line));
        }
        by_cells.map(|line| String::from_utf8(line).expect("UTF-8"))
    }

    fn part(start: usize, end: usize, form: PartForm) -> Part {
        Part { start, end, form }
    }

    #[test]
    fn parts_become_the_fields_of_a_line() {
        let text = r#"17,a "b" \ c,é,2024-02-29,,"#;
        let parts = [
            part(0, 2, PartForm::Number),
            part(3, 12, PartForm::Text),
            part(13, 15, PartForm::Plain),
            part(16, 26, PartForm::Plain),
            part(27, 27, PartForm::Null),
            part(0, 0, PartForm::True),
        ];
        let kinds = [
            Kind::Integer,
            Kind::Text,
            Kind::Text,
            Kind::Date,
            Kind::Number,
            Kind::Boolean,
        ];
        assert_eq!(
            filled(&kinds, text, &parts).as_deref(),
            Some("17\ta \"b\" \\\\ c\té\t2024-02-29\t\\N\tt\n")
        );
    }

    #[test]
    fn a_row_without_nulls_and_quotes_is_taken_at_once() {
        let text = "17,1.50,é,2024-02-29,x";
        let (starts, ends) = ([0, 3, 8, 11, 22], [2, 7, 10, 21, 23]);
        let (number, plain) = (PartForm::Number, PartForm::Plain);
        let forms = [number, number, plain, plain, plain];
        let kinds = [Kind::Integer, Kind::Number, Kind::Text, Kind::Date, Kind::Text];
        let mut parts: Vec<Part> = (0..5).map(|at| part(starts[at], ends[at], forms[at])).collect();
        assert_eq!(
            filled(&kinds, text, &parts).as_deref(),
            Some("17\t1.50\té\t2024-02-29\tx\n")
        );
        let mut rows = CopiedRows {
            fields: kinds.into_iter().enumerate().collect(),
            ..CopiedRows::default()
        };
        assert_eq!(rows.fill_at_once(text.as_bytes(), &parts), Some(()));
        parts[2].form = PartForm::Null;
        assert_eq!(rows.fill_at_once(text.as_bytes(), &parts), None);
    }

    #[test]
    fn a_value_that_not_every_target_takes_is_left_to_records() {
        for (kind, text, form) in [
            (Kind::Integer, "1234567890123456789", PartForm::Number),
            (Kind::Number, "1e300", PartForm::Number),
            (Kind::Number, "1E3", PartForm::Number),
            (Kind::Integer, "-0", PartForm::Number),
            (Kind::Date, "0000-01-01", PartForm::Plain),
            (Kind::Text, "x", PartForm::Absent),
        ] {
            assert_eq!(
                filled(&[kind], text, &[part(0, text.len(), form)]),
                None,
                "{text}"
            );
        }
        let text = "0000";
        assert_eq!(
            filled(&[Kind::Text], text, &[part(0, 4, PartForm::Plain)]).as_deref(),
            Some("0000\n")
        );
    }
}
