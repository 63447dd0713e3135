//! The lines of the text files in a folder.
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use melisma_sdk::{Context, Error, JsonSchema, Output, Record, Result, Stream, Tap};

/// The lines of the text files in a folder. A file is read again when it has changed.
#[derive(serde::Deserialize, JsonSchema)]
struct @type@ {
    /// The folder.
    folder: PathBuf,
    /// The extension of the files.
    #[serde(default = "txt")]
    extension: String,
}

fn txt() -> String {
    "txt".to_owned()
}

#[derive(Record)]
struct Line {
    file: String,
    line: usize,
    text: String,
    modified_at: jiff::Timestamp,
}

impl Tap for @type@ {
    type Config = Self;

    fn open(config: Self, _: &Context) -> Result<Self> {
        match config.folder.is_dir() {
            true => Ok(config),
            false => Err(Error::config(format!(
                "there is no folder {}",
                config.folder.display()
            ))),
        }
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let lines = Stream::of::<Line>("lines")
            .key(["file", "line"])
            .replication_key("modified_at")
            .sorted();
        Ok(vec![lines.sync(|output| self.read(output))])
    }
}

impl @type@ {
    fn read(&self, output: &mut Output<'_>) -> Result<()> {
        let since: Option<jiff::Timestamp> = output.bookmark()?;
        for (modified_at, path) in self.files()? {
            if since.is_some_and(|since| modified_at < since) {
                continue;
            }
            let what = |error| Error::io(format!("cannot read {}", path.display()), error);
            let file = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            for (number, text) in BufReader::new(File::open(&path).map_err(what)?)
                .lines()
                .enumerate()
            {
                output.record(&Line {
                    file: file.clone(),
                    line: number + 1,
                    text: text.map_err(what)?,
                    modified_at,
                })?;
            }
            output.checkpoint()?; // a STATE may go out between two files
        }
        Ok(())
    }

    /// The files, the one that was changed first before the others.
    fn files(&self) -> Result<Vec<(jiff::Timestamp, PathBuf)>> {
        let mut files = Vec::new();
        for entry in self.folder.read_dir()? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| *extension == *self.extension)
            {
                let modified = jiff::Timestamp::try_from(path.metadata()?.modified()?);
                files.push((
                    modified.map_err(|error| Error::input("a file's time").with_source(error))?,
                    path,
                ));
            }
        }
        files.sort();
        Ok(files)
    }
}

melisma_sdk::tap_main!(@type@);

#[cfg(test)]
mod tests;
