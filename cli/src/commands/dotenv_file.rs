//! Writing to `.env`. Lines that an edit is not about stay as they are.

use std::fs;
use std::io;

use melisma_sdk::internal::replaced::ReplacedFile;
use melisma_sdk::{Error, Result};

use crate::project::{Project, dotenv_pieces};

/// A line that sets a variable. `\\` and `\'` are the only escapes in single quotes.
pub(super) fn line(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('\'', "\\'");
    format!("{name}='{value}'\n")
}

/// The file of variables of a project while a command edits it.
pub(super) struct DotenvFile {
    file: ReplacedFile,
    text: String,
    changed: bool,
}

impl DotenvFile {
    /// Opens the project's `.env`, which need not exist, or the file of `--env-file`.
    pub(super) fn open(project: &Project) -> Result<Self> {
        let path = &project.dotenv_path;
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            other => other,
        };
        Ok(Self {
            text: text.map_err(|error| {
                Error::config(format!("cannot read {}", path.display())).with_source(error)
            })?,
            // For this user only when it is new: it holds secrets.
            file: ReplacedFile::at(path)?,
            changed: false,
        })
    }

    /// Sets a variable: in the place where it is, or at the end.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.replace(name, Some(&line(name, value)));
    }

    /// Removes a variable.
    pub(super) fn remove(&mut self, name: &str) {
        self.replace(name, None);
    }

    /// Replaces the lines of a variable, the last one of which counts.
    fn replace(&mut self, name: &str, line: Option<&str>) {
        let mut text = String::with_capacity(self.text.len());
        let mut line_left = line;
        for (variable, piece) in dotenv_pieces(&self.text) {
            match variable {
                Some(variable) if variable == name => text.push_str(line_left.take().unwrap_or_default()),
                _ => text.push_str(piece),
            }
        }
        if let Some(line) = line_left {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(line);
        }
        self.changed |= text != self.text;
        self.text = text;
    }

    /// Writes the edits.
    pub(super) fn save(self) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        let path = self.file.path().display().to_string();
        self.file
            .replace(self.text.as_bytes())
            .map_err(|error| Error::io(format!("cannot write {path}"), error))
    }
}
