//! The file of one stream, and its header.

use std::sync::Arc;

use melisma_sdk::files::Lines;
use melisma_sdk::{Result, Sink};

use crate::plan::{OpenFile, Plan};
use crate::widen::widen;

/// Writes one stream.
#[derive(Debug)]
pub struct CsvSink {
    file: OpenFile,
}

impl CsvSink {
    /// A sink for a file that is open.
    pub(crate) fn new(file: OpenFile, plan: &Plan) -> Result<Self> {
        let mut sink = Self { file };
        sink.file.writer.set_header(plan.header.line(&plan.form)?);
        sink.follow(plan)?;
        Ok(sink)
    }

    /// Rows for the header of this plan come next. Rows of the old one are committed, or nothing is before the end.
    fn follow(&mut self, plan: &Plan) -> Result<()> {
        let OpenFile {
            writer,
            form,
            header,
            unended,
        } = &mut self.file;
        if header.names() == plan.header.names() {
            return Ok(());
        }
        let line = plan.header.line(form)?;
        if writer.length() > 0 {
            let (old, new) = (header.names().len(), plan.header.names().len());
            log::info!("the file gets {} new columns, {new} in all", new - old.min(new));
            writer.rewrite(|read, write| widen(read, write, form, &line, new))?;
            *unended = false;
        }
        writer.set_header(line);
        *header = Arc::clone(&plan.header);
        Ok(())
    }
}

impl Sink for CsvSink {
    type Batch = Lines;
    type Plan = Plan;
    type Worker = ();

    fn write(&mut self, (): &mut (), lines: Lines) -> Result<()> {
        let OpenFile {
            writer,
            form,
            unended,
            ..
        } = &mut self.file;
        if *unended && !lines.bytes().is_empty() {
            writer.write(form.dialect.terminator.bytes())?;
            *unended = false;
        }
        writer.write(lines.bytes())
    }

    fn commit(&mut self, (): &mut ()) -> Result<()> {
        self.file.writer.commit()
    }

    fn change_plan(&mut self, (): &mut (), plan: &Arc<Plan>) -> Result<()> {
        self.follow(plan)
    }

    fn finish(&mut self, (): &mut ()) -> Result<()> {
        self.file.writer.finish()
    }
}
