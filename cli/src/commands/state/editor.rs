//! A text in the user's editor.

use std::fs;
use std::io::Write;
use std::process::Command;

use melisma_sdk::{Error, Result};
use tempfile::{Builder, TempPath};

/// What the user has made of a text. Its file can be read by this user only.
pub(super) struct Draft {
    pub(super) text: String,
    path: TempPath,
}

impl Draft {
    /// Starts the editor of `VISUAL` or `EDITOR` on a text, and waits for its end.
    pub(super) fn edit(text: &str) -> Result<Self> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let editor = set("VISUAL")
            .or_else(|| set("EDITOR"))
            .unwrap_or_else(|| "vi".to_owned());
        let words = shlex::split(&editor).unwrap_or_default();
        let Some((program, args)) = words.split_first() else {
            return Err(Error::config(format!("EDITOR is no command line: {editor:?}")));
        };
        let failed = |error| Error::io("cannot write a file for the editor", error);
        let mut file = Builder::new()
            .prefix("melisma-state-")
            .suffix(".json")
            .tempfile()
            .map_err(failed)?;
        writeln!(file, "{text}").map_err(failed)?;
        let path = file.into_temp_path();
        let status = Command::new(program)
            .args(args)
            .arg(&path)
            .status()
            .map_err(|error| {
                Error::config(format!("cannot start the editor {program}")).with_source(error)
            })?;
        if !status.success() {
            return Err(Error::config(format!(
                "the editor {program} ended with {status}; nothing was changed"
            )));
        }
        let text = fs::read_to_string(&path)
            .map_err(|error| Error::io("cannot read what the editor has written", error))?;
        Ok(Self { text, path })
    }

    /// The error with the path of the draft, which stays: it is the user's work.
    pub(super) fn kept(self, error: &Error) -> Error {
        match self.path.keep() {
            Ok(path) => Error::new(
                error.kind(),
                format!("{error}; your text is in {}", path.display()),
            ),
            Err(_) => Error::new(error.kind(), error.to_string()),
        }
    }
}
