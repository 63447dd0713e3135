//! Names for the parts of a stream.

use std::path::{Path, PathBuf};

use melisma_engine::Result;

use super::partial::Partial;

/// Makes the parts of one stream: `orders-20260823T101500123Z-000001.csv`, and so on.
#[derive(Debug)]
pub struct Parts {
    path: PathBuf,
    run: String,
    number: u32,
}

impl Parts {
    pub(super) fn new(path: &Path, run: &str) -> Self {
        Self {
            path: path.to_owned(),
            run: run.to_owned(),
            number: 0,
        }
    }

    /// Begins the next part.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn begin(&mut self) -> Result<Partial> {
        loop {
            self.number += 1;
            let path = self.name();
            // Another run may have begun in the same millisecond.
            if path.exists() {
                continue;
            }
            let part = Partial::create(&path)?;
            // It may have published this very part since; from now on its name is ours.
            if !path.exists() {
                return Ok(part);
            }
        }
    }

    fn name(&self) -> PathBuf {
        let mut name = self.path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{}-{:06}", self.run, self.number));
        if let Some(extension) = self.path.extension() {
            name.push(".");
            name.push(extension);
        }
        self.path.with_file_name(name)
    }
}
