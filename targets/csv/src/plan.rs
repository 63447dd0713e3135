//! What becomes of a schema: the columns of the file, and where the cells of a row go.
//!
//! The first plan of a stream opens its file, because the columns that are there decide where new ones stand. The file
//! stays open, and locked, until the sink takes it over.

use std::sync::{Arc, Mutex, PoisonError};

use melisma_sdk::files::{WriteMode, Writer};
use melisma_sdk::{Error, Result, StreamSchema};

use crate::encoding::Encoding;
use crate::header::{self, Header};
use crate::{Form, TargetCsv, widen};

/// The file of a stream, for one schema.
#[derive(Debug)]
pub struct Plan {
    pub(crate) schema: Arc<StreamSchema>,
    pub(crate) form: Arc<Form>,
    /// The header for rows of the schema.
    pub(crate) header: Arc<Header>,
    /// For each field the cell that it comes from.
    pub(crate) places: Vec<Option<usize>>,
    /// The file, until the sink takes it.
    file: Mutex<Option<OpenFile>>,
}

/// A file that is open, and what is in it.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) writer: Writer,
    pub(crate) form: Arc<Form>,
    /// The header of what is in it.
    pub(crate) header: Arc<Header>,
    /// Whether its last row lacks a line end.
    pub(crate) unended: bool,
}

impl Plan {
    /// The plan for the next schema of the stream.
    pub(crate) fn next(&self, schema: &Arc<StreamSchema>) -> Self {
        Self::new(schema, &self.form, &self.header)
    }

    fn new(schema: &Arc<StreamSchema>, form: &Arc<Form>, before: &Arc<Header>) -> Self {
        let header = before.for_schema(schema);
        Self {
            schema: Arc::clone(schema),
            form: Arc::clone(form),
            places: header.places(schema),
            header,
            file: Mutex::default(),
        }
    }

    /// The file that the plan has opened, once.
    pub(crate) fn take_file(&self) -> Option<OpenFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl TargetCsv {
    pub(crate) fn first_plan(&self, schema: &Arc<StreamSchema>) -> Result<Plan> {
        let file = self.open_file(schema)?;
        let mut plan = Plan::new(schema, &file.form, &file.header);
        plan.file = Mutex::new(Some(file));
        Ok(plan)
    }

    /// Opens the file of a stream, and sees what is in it.
    pub(crate) fn open_file(&self, schema: &StreamSchema) -> Result<OpenFile> {
        let name = &*schema.stream;
        let fixed = self.fixed_headers.get(name);
        let mut writer = self.files.writer(name)?;
        let mut form = self.form.clone();
        let mut header = match fixed {
            Some(names) => Header::fixed(names)?,
            None if self.files.mode() == WriteMode::Parts => Header::of_each_schema(),
            None => Header::growing(),
        };
        let mut unended = false;
        if let Some(earlier) = writer.earlier()? {
            let path = self.files.path(name)?;
            let wrong = |error: Error| {
                let message = format!("{}: {}", path.display(), error.message());
                Error::new(error.kind(), message).in_stream(name)
            };
            let found = header::read(earlier, &form).map_err(wrong)?;
            if fixed.is_none() {
                found.check(schema, &form).map_err(wrong)?;
            }
            if found.marked && form.encoding.is_utf8() {
                form.encoding = Encoding::Utf8 { mark: true };
            }
            if let Some(terminator) = found.terminator {
                form.dialect.terminator = terminator;
            }
            header = header.after(found.names).map_err(wrong)?;
            unended = !writer.ends_a_line()?;
            if unended
                && let Some(earlier) = writer.earlier()?
                && widen::ends_in_quotes(earlier, &form.dialect)?
            {
                return Err(wrong(Error::input(
                    "expected a last row that is whole, found a quoted field without end",
                )));
            }
        }
        Ok(OpenFile {
            writer,
            form: Arc::new(form),
            header: Arc::new(header),
            unended,
        })
    }
}
