//! One row as text: members of a JSON object, or fields of a CSV line.

use std::fmt::{Display, Write};

use super::Format;

/// Builds rows in a buffer that is used again for the next one.
pub(super) struct Row {
    format: Format,
    text: String,
    /// Where a value is formatted before it is known whether it needs quotes or escapes.
    value: String,
}

impl Row {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            text: String::new(),
            value: String::new(),
        }
    }

    pub(super) fn begin(&mut self) {
        self.text.clear();
    }

    /// The members without their braces, or the fields without a line end.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The separator, and for JSON the name.
    fn name(&mut self, name: &str) {
        if !self.text.is_empty() {
            self.text.push(',');
        }
        if self.format == Format::Singer {
            let _ = write!(self.text, "\"{name}\":");
        }
    }

    /// An integer, or a number that prints its digits.
    pub(super) fn number(&mut self, name: &str, value: impl Display) {
        self.name(name);
        let _ = write!(self.text, "{value}");
    }

    pub(super) fn string(&mut self, name: &str, value: impl Display) {
        self.put(name, value, false);
    }

    /// Text that has quotes in CSV even where it does not need them, as the comments and addresses of TPC-H have.
    pub(super) fn comment(&mut self, name: &str, value: impl Display) {
        self.put(name, value, true);
    }

    fn put(&mut self, name: &str, value: impl Display, quoted: bool) {
        self.name(name);
        self.value.clear();
        let _ = write!(self.value, "{value}");
        match self.format {
            Format::Singer => json_string(&mut self.text, &self.value),
            Format::Csv => csv_field(&mut self.text, &self.value, quoted),
        }
    }

    /// A value that is JSON already.
    pub(super) fn json(&mut self, name: &str, json: &str) {
        self.name(name);
        match self.format {
            Format::Singer => self.text.push_str(json),
            Format::Csv => csv_field(&mut self.text, json, false),
        }
    }

    pub(super) fn null(&mut self, name: &str) {
        match self.format {
            Format::Singer => self.json(name, "null"),
            Format::Csv => self.empty(),
        }
    }

    /// A column that this record lacks; CSV has an empty field for it.
    pub(super) fn absent(&mut self) {
        if self.format == Format::Csv {
            self.empty();
        }
    }

    fn empty(&mut self) {
        self.text.push(',');
    }
}

/// A JSON string. What is not ASCII stays as it is, as singer-sdk writes it.
fn json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn csv_field(out: &mut String, text: &str, quoted: bool) {
    if quoted || text.contains(['"', ',', '\n', '\r']) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}
