//! The file of `--report`: what a run has done, written once, when it has ended.

use std::path::Path;

use melisma_sdk::internal::replaced::ReplacedFile;
use melisma_sdk::{Error, Result};

use crate::report::RunReport;

/// A file that can be written.
pub(super) struct ReportFile {
    file: ReplacedFile,
    path: String,
}

impl ReportFile {
    /// Tries whether a file can be made there, so that a run does not end without the report that was asked for.
    pub(super) fn new(path: &Path) -> Result<Self> {
        let file = ReplacedFile::at(path)?.for_everybody();
        match file.begin() {
            // Without a commit the trial is removed.
            Ok(trial) => drop(trial),
            Err(error) => {
                return Err(Error::config(format!(
                    "--report: cannot write {}: {error}",
                    path.display()
                )));
            }
        }
        Ok(Self {
            file,
            path: path.display().to_string(),
        })
    }

    /// Writes the report.
    pub(super) fn write(&self, report: &RunReport) -> Result<()> {
        let text =
            serde_json::to_string_pretty(report).map_err(|_| Error::bug("a report that is no JSON"))?;
        self.file
            .replace(format!("{text}\n").as_bytes())
            .map_err(|error| Error::io(format!("cannot write the report {}", self.path), error))
    }
}
