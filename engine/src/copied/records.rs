//! From rows to the records that the tap would have written.

use super::{Column, Field, Fields, Kind};
use crate::json::write_string;

/// Writes rows as records.
///
/// ```
/// use melisma_engine::copied::{Column, Kind, Records};
///
/// let columns = [
///     Column { name: "id".into(), kind: Kind::Int4 },
///     Column { name: "note".into(), kind: Kind::Text { length: None } },
/// ];
/// let records = Records::new(&columns, &["id"]);
/// let mut record = Vec::new();
/// assert!(records.write("7\ttwo\\nlines", &mut record).is_some());
/// assert_eq!(record, br#"{"id":7,"note":"two\nlines"}"#);
/// ```
#[derive(Debug)]
pub struct Records {
    members: Vec<Member>,
}

/// A property of the records.
#[derive(Debug)]
struct Member {
    /// All that stands before its value: `,"name":`.
    before: Box<[u8]>,
    kind: Kind,
    is_key: bool,
}

impl Records {
    /// For rows with these columns; no value of a property of the key is null.
    pub fn new(columns: &[Column], key: &[impl AsRef<str>]) -> Self {
        let member = |(place, column): (usize, &Column)| {
            let mut before = vec![if place == 0 { b'{' } else { b',' }];
            write_string(&mut before, &column.name);
            before.push(b':');
            Member {
                before: before.into(),
                kind: column.kind,
                is_key: key.iter().any(|key| *key.as_ref() == *column.name),
            }
        };
        Self {
            members: columns.iter().enumerate().map(member).collect(),
        }
    }

    /// Appends the record of a row. `None` when the row has other fields than the columns, or null in its key; what was
    /// appended by then is no record.
    pub fn write(&self, row: &str, out: &mut Vec<u8>) -> Option<()> {
        let mut fields = Fields::of(row);
        for member in &self.members {
            out.extend_from_slice(&member.before);
            match fields.next()? {
                Field::Null if member.is_key => return None,
                Field::Null => out.extend_from_slice(b"null"),
                Field::Plain(text) => member.kind.write_plain(text, out),
                Field::Special(text) => member.kind.write(text, out),
            }
        }
        out.push(b'}');
        fields.next().is_none().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_other_fields_than_the_columns_is_no_row() {
        let columns: Vec<Column> =
            serde_json::from_str(r#"[{"name":"id","type":"int4"},{"name":"t","type":"text","length":5}]"#)
                .expect("columns");
        assert_eq!(columns[1].kind, Kind::Text { length: Some(5) });
        let records = Records::new(&columns, &["id"]);
        let mut out = Vec::new();
        assert!(records.write("7\ta", &mut out).is_some());
        assert_eq!(out, br#"{"id":7,"t":"a"}"#);
        for row in ["7", "7\ta\tb", "\\N\ta"] {
            assert!(records.write(row, &mut Vec::new()).is_none(), "{row}");
        }
    }
}
