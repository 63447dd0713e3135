//! Rows handed over as lines of PostgreSQL's COPY, to a target that takes them: cells with tabs between them.
//!
//! A record repeats the name of each column, which the tap writes and the target reads again. A row that has more to say than
//! its cells do, or a number or date that not every target takes as it stands, is written as a record.

use melisma_sdk::internal::copied::{self, Column, Form, Kind as CopiedKind};
use melisma_sdk::tap::{Form as PartForm, Part};
use melisma_sdk::{Output, Result};

use crate::columns::Slot;
use crate::forms::Forms;
use crate::infer::Kind;

/// The most bytes of a number that is handed over: any target has room for as many digits.
const MOST_DIGITS: usize = 18;
/// The bytes of a short cell, which are copied together with what stands behind it.
const SHORT: usize = 32;

/// The cells of a file that are handed over.
#[derive(Debug, Default)]
pub(crate) struct CopiedRows {
    /// The columns that were announced last.
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

    /// Writes a row whose cells have these forms in a text; `false` when it is to be written as a record.
    #[inline]
    pub(crate) fn write(&mut self, text: &str, forms: &Forms, output: &mut Output<'_>) -> Result<bool> {
        let (text, parts) = (text.as_bytes(), forms.parts());
        let filled = if forms.are_as_written() {
            self.fill_as_written(text, parts)
        } else {
            self.fill(text, parts, forms.short_numbers())
        };
        if filled.is_none() {
            return Ok(false);
        }
        copied::write(output, &self.line).map(|()| true)
    }

    /// Fills the line with parts as they are written ([`Forms::are_as_written`]), without a branch on the form of each, which the
    /// processor mispredicts.
    #[inline]
    fn fill_as_written(&mut self, text: &[u8], parts: &[Part]) -> Option<()> {
        let line = &mut self.line;
        line.clear();
        for (slot, _) in &self.fields {
            append(line, text, parts.get(*slot)?);
            line.push(b'\t');
        }
        *line.last_mut()? = b'\n';
        Some(())
    }

    /// Fills the line with parts of any form; `None` for one that not every target takes.
    #[inline]
    fn fill(&mut self, text: &[u8], parts: &[Part], short_numbers: bool) -> Option<()> {
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
                    if cell == b"-0" || (!short_numbers && !is_taken(cell)) {
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

/// Whether every target takes a number as it stands. Short ones without an exponent they do.
#[cold]
fn is_taken(number: &[u8]) -> bool {
    number.len() <= MOST_DIGITS && !number.iter().any(|byte| byte.eq_ignore_ascii_case(&b'e'))
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
    use proptest::prelude::*;

    use super::*;
    use crate::entry::Nulls;
    use crate::record::{Cells, Record};

    /// The forms of a row, and where its text ends; `None` when a cell does not have its kind.
    fn forms(row: &str, kinds: &[Kind]) -> Option<Forms> {
        let mut ends = vec![usize::MAX];
        ends.extend(row.match_indices(',').map(|(at, _)| at));
        ends.push(row.find('\n').unwrap_or(row.len()));
        let record = Record {
            text: row,
            scratch: "",
            cells: Cells::Plain {
                ends: &ends,
                quote: b'"',
            },
            plain: !row.contains(['\t', '\\']),
            line: 1,
            byte: 0,
        };
        let slot = |(at, kind): (usize, &Kind)| Slot::Cell { at, kind: *kind };
        let slots: Vec<Slot> = kinds.iter().enumerate().map(slot).collect();
        let mut forms = Forms::new(&slots);
        let nulls = Nulls::new(&["null".to_owned()], None);
        forms.find(&record, &nulls).ok().map(|()| forms)
    }

    proptest! {
        #[test]
        fn a_line_of_parts_as_they_are_written_is_the_same_line(
            cells in prop::collection::vec(
                (
                    0..4_usize,
                    "-?[0-9]{0,4}(\\.[0-9]{1,3})?|[0-9]{17,20}|(0000|2024)-02-2[0-9]|[a-zé\\t\\\\ ]{0,5}|\"[a-z7]{0,3}\"|null",
                ),
                1..6,
            ),
            more: bool,
        ) {
            let kinds = [Kind::Text, Kind::Integer, Kind::Number, Kind::Date];
            let kinds: Vec<Kind> = cells.iter().map(|(kind, _)| kinds[*kind]).collect();
            let cells: Vec<&str> = cells.iter().map(|(_, cell)| cell.as_str()).collect();
            let row = cells.join(",") + if more { "\n12345678901234567890" } else { "" };
            if let Some(forms) = forms(&row, &kinds).filter(Forms::are_as_written) {
                let mut rows = CopiedRows {
                    fields: kinds.into_iter().enumerate().collect(),
                    ..CopiedRows::default()
                };
                let (text, parts) = (row.as_bytes(), forms.parts());
                prop_assert_eq!(rows.fill_as_written(text, parts), Some(()));
                let as_written = rows.line.clone();
                prop_assert_eq!(rows.fill(text, parts, forms.short_numbers()), Some(()));
                prop_assert_eq!(as_written, rows.line);
            }
        }
    }

    #[test]
    fn parts_as_they_are_written_become_the_fields_of_a_line() {
        let kinds = [Kind::Integer, Kind::Number, Kind::Text, Kind::Date, Kind::Text];
        let row = "17,21.50,é,2024-02-29,\"x\"\nand the next row";
        let forms = forms(row, &kinds)
            .filter(Forms::are_as_written)
            .expect("as written");
        let mut rows = CopiedRows {
            fields: kinds.into_iter().enumerate().collect(),
            ..CopiedRows::default()
        };
        assert_eq!(rows.fill_as_written(row.as_bytes(), forms.parts()), Some(()));
        assert_eq!(
            String::from_utf8(rows.line).as_deref(),
            Ok("17\t21.50\té\t2024-02-29\tx\n")
        );
    }

    #[test]
    fn a_cell_that_becomes_something_else_is_seen() {
        // What stands behind the last cell makes it one of the usual ones.
        let behind = "\nand the next row";
        let kinds = [Kind::Text, Kind::Number, Kind::Date];
        let are_as_written = |row: &str| {
            let forms = forms(&format!("{row}{behind}"), &kinds).expect("the kinds are right");
            forms.are_as_written()
        };
        for row in ["a,1.5,2024-02-29", "\"a\",-1,2024-02-29", ",0,1999-12-31"] {
            assert!(are_as_written(row), "{row}");
        }
        for row in [
            "null,1.5,2024-02-29",
            "a\\b,1.5,2024-02-29",
            "a,,2024-02-29",
            "a,-0,2024-02-29",
            "a,1e3,2024-02-29",
            "a,12345678901234567,2024-02-29",
            "a,1.5,0000-02-29",
            "a,1.5,null",
        ] {
            assert!(!are_as_written(row), "{row}");
        }
    }

    fn filled(kinds: &[Kind], text: &str, parts: &[Part]) -> Option<String> {
        let mut rows = CopiedRows {
            fields: kinds.iter().copied().enumerate().collect(),
            ..CopiedRows::default()
        };
        rows.fill(text.as_bytes(), parts, false)?;
        Some(String::from_utf8(rows.line).expect("UTF-8"))
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
