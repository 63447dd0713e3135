//! A file that an option names for what a command has found out: written once, at the end.

use std::path::Path;

use melisma_sdk::internal::replaced::ReplacedFile;
use melisma_sdk::{Error, Result};

/// A file that can be written.
pub(crate) struct AnswerFile {
    file: ReplacedFile,
    path: String,
}

impl AnswerFile {
    /// Tries whether a file can be made there, so that a command does not end without the answer that was asked for.
    pub(crate) fn new(option: &str, path: &Path) -> Result<Self> {
        let file = ReplacedFile::at(path)?.for_everybody();
        match file.begin() {
            // Without a commit the trial is removed.
            Ok(trial) => drop(trial),
            Err(error) => {
                return Err(Error::config(format!(
                    "{option}: cannot write {}: {error}",
                    path.display()
                )));
            }
        }
        Ok(Self {
            file,
            path: path.display().to_string(),
        })
    }

    /// Writes the text, and a line break.
    pub(crate) fn write(&self, text: &str) -> Result<()> {
        self.file
            .replace(format!("{}\n", text.trim_end()).as_bytes())
            .map_err(|error| Error::io(format!("cannot write {}", self.path), error))
    }
}
