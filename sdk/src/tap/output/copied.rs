//! Rows handed over in forms of PostgreSQL's COPY ([`copied`]), where the runner says that the target takes them.

use melisma_engine::copied::{self, Column, Form};
use melisma_engine::{Error, Result};
use serde::Serialize;

use super::{Output, Test};

/// The message that announces them.
#[derive(Serialize)]
struct Announcement<'a> {
    r#type: &'static str,
    stream: &'a str,
    columns: &'a [Column],
}

impl Output<'_> {
    /// The form of COPY in which rows are to come, if they may come so: somebody must take them, and nothing may depend on the
    /// values of records.
    pub(crate) fn copied_form(&self) -> Option<Form> {
        let current = &self.current;
        let may = self.test == Test::Off
            && !current.silent
            && !current.has_children()
            && current.progress.is_none()
            && current.version.is_none();
        self.emitter.copied_form.filter(|_| may)
    }

    /// Announces that rows may come in a form of COPY with these columns.
    pub(crate) fn announce_copied(&mut self, columns: &[Column]) -> Result<()> {
        let current = &self.current;
        let announcement = Announcement {
            r#type: "COPY",
            stream: &current.name,
            columns,
        };
        let text = serde_json::to_vec(&announcement)
            .map_err(|error| Error::bug("cannot write a message").with_source(error))?;
        let first = match self.emitter.copied_form {
            Some(Form::KeyedTuples) => copied::TUPLE,
            Some(Form::Lines) | None => copied::ROW,
        };
        self.current.copied_head = copied::head(first, &current.name).into();
        self.emitter.buffer.append(|out| {
            out.extend_from_slice(&text);
            out.push(b'\n');
        });
        self.emitter.extracted();
        Ok(())
    }

    /// Writes a row: fields with tabs between them and a line end, as the server sends them.
    #[inline]
    pub(crate) fn copied(&mut self, fields: &[u8]) -> Result<()> {
        self.row_of_copy(|out| out.extend_from_slice(fields))
    }

    /// Writes a row: the values of a tuple, as the server sends them.
    #[inline]
    pub(crate) fn tuple(&mut self, tuple: &[u8]) -> Result<()> {
        self.row_of_copy(|out| {
            copied::seal(tuple, out);
            out.push(b'\n');
        })
    }

    #[inline]
    fn row_of_copy(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        self.begin();
        self.check_failed()?;
        if self.emitter.buffer.is_empty() {
            self.emitter.extracted();
        }
        let head = &self.current.copied_head;
        self.emitter.buffer.append(|out| {
            out.extend_from_slice(head);
            write(out);
        });
        let written = self.after_record();
        self.failed |= written.is_err();
        written
    }
}
