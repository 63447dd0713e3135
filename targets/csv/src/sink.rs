//! The file of one stream, and its header.

use std::sync::Arc;

use melisma_sdk::files::Writer;
use melisma_sdk::{Result, Sink, StreamSchema};

use crate::encoder::CsvBatch;
use crate::header::Header;
use crate::widen::widen;
use crate::{Form, Opened};

/// Writes one stream.
#[derive(Debug)]
pub struct CsvSink {
    writer: Writer,
    /// The header of what is in the file.
    header: Arc<Header>,
    form: Arc<Form>,
    /// Whether the last row of an earlier run, or of another program, lacks its line end.
    unended: bool,
}

impl CsvSink {
    /// A sink for a file that has `header` now.
    pub(crate) fn new(opened: Opened, form: Arc<Form>, schema: &Arc<StreamSchema>) -> Result<Self> {
        let Opened {
            writer,
            header,
            unended,
        } = opened;
        let mut sink = Self {
            writer,
            header,
            form,
            unended,
        };
        let header = sink.header.for_schema(schema);
        sink.writer.set_header(header.line(&sink.form)?);
        sink.change_header(&header)?;
        sink.header = header;
        Ok(sink)
    }

    /// Rows for this header come next. Rows of the old one are committed, or nothing is before the end.
    fn change_header(&mut self, header: &Arc<Header>) -> Result<()> {
        if self.header.names() == header.names() {
            return Ok(());
        }
        let line = header.line(&self.form)?;
        if self.writer.length() > 0 {
            let (old, new) = (self.header.names().len(), header.names().len());
            log::info!("the file gets {} new columns, {new} in all", new - old.min(new));
            let form = &self.form;
            self.writer
                .rewrite(|read, write| widen(read, write, form, &line, new))?;
            self.unended = false;
        }
        self.writer.set_header(line);
        self.header = Arc::clone(header);
        Ok(())
    }
}

impl Sink for CsvSink {
    type Batch = CsvBatch;

    fn write(&mut self, batch: CsvBatch) -> Result<()> {
        self.change_header(&batch.header)?;
        if self.unended && !batch.lines.bytes().is_empty() {
            self.writer.write(self.form.dialect.terminator.bytes())?;
            self.unended = false;
        }
        self.writer.write(batch.lines.bytes())
    }

    fn commit(&mut self) -> Result<()> {
        self.writer.commit()
    }

    fn change_schema(&mut self, schema: &Arc<StreamSchema>) -> Result<()> {
        let header = self.header.for_schema(schema);
        self.change_header(&header)
    }

    fn finish(&mut self) -> Result<()> {
        self.writer.finish()
    }
}
