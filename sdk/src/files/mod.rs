//! Files for targets: their names, and three ways of writing them.
//!
//! Rows that an emitted STATE covers are on disk and readable. When that is depends on the [`WriteMode`]:
//!
//! **`append`** adds to the stream's one file. A commit writes, flushes and syncs the file, then notes its length,
//! durably, in a journal beside it (`.orders.jsonl.melisma-journal`). So what stands behind the noted length was never
//! committed: a run that finds the journal of a killed run cuts the file there, to the byte, if the journal proves that
//! what it cuts is ours (`recover.rs`). No row that a STATE covers is lost, nor a line that another program has added;
//! rows that were committed, but whose STATE was not emitted yet, come a second time. The journal is removed when a run
//! ends well, and the file is then taken as it stands, whatever others have added to it. A JSONL file that has no
//! journal and does not end in a line end was torn by somebody else: a last line that is whole gets its line end, any
//! other is moved to `orders.jsonl.torn`, with a warning; in a CSV file it is a row. While a run appends, a reader may
//! see half a line.
//!
//! **`replace`** writes the stream's one file under a temporary name (`.orders.csv.melisma-partial`), and at the end
//! syncs it, renames it and syncs the folder. A reader sees the old file or the new one, never half of either. Only
//! then is anything durable, so the only STATE emitted is the last one. A killed run leaves the old file as it was.
//!
//! **`parts`** makes a file of its own from the rows of each commit: written under a temporary name, synced, renamed,
//! the folder synced. `orders.parquet` becomes `orders-20260823T101500123Z-000001.parquet`: the start of the run in
//! UTC, then a number, so that names sort in the order of the rows and none is used twice.
//!
//! What a killed run has left under temporary names is removed when the next run touches the folder. Files that a
//! living process writes are locked, so they are left alone, and two runs cannot write one file, whatever they call it.

mod append;
mod buffer;
mod config;
mod escape;
mod folder;
mod identity;
mod journal;
mod leftovers;
mod naming;
mod partial;
mod parts;
mod recover;
mod scratch;
mod tail;
mod write_back;
mod writer;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use melisma_engine::sink::CommitMode;
use melisma_engine::{Error, Result};

use append::Append;
use naming::Scheme;

use crate::target::{Capabilities, LoadMethod, StandardConfig};

pub use buffer::{Lines, Pool, write_int};
pub use config::{FileConfig, OverwriteBehavior, WriteMode};
pub(crate) use folder::is_same_place;
pub use partial::Partial;
pub use parts::Parts;
pub use scratch::{Piece, Scratch};
pub use writer::Writer;

/// What a kind of file can do.
#[derive(Debug)]
pub struct Format {
    /// The default of `file_naming_scheme`.
    pub naming_scheme: &'static str,
    /// The ways of writing it, the default first.
    pub modes: &'static [WriteMode],
    /// Whether a last line without a line end, in a file that no journal speaks of, is known to be whole. `None` when
    /// only the target can say: it then looks with [`Writer::ends_a_line`].
    pub is_whole: Option<fn(&[u8]) -> bool>,
}

/// The files of one run of a target.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    scheme: Scheme,
    mode: WriteMode,
    format: &'static Format,
    /// Where refused records go.
    letters: Option<PathBuf>,
    run: String,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Which stream has which file.
    taken: HashMap<PathBuf, String>,
    /// Folders that were made, and cleared of what killed runs left.
    folders: HashSet<PathBuf>,
}

impl Files {
    /// Makes the folder, clears it of what killed runs left, and checks the settings. Of the standard ones `load_method:
    /// overwrite` is [`WriteMode::Replace`], and `dead_letter_path` is no stream's file.
    ///
    /// # Errors
    /// Settings that contradict each other, name what does not exist, or ask for what files cannot do; a folder that
    /// cannot be made.
    pub fn open(settings: &FileConfig, standard: &StandardConfig, format: &'static Format) -> Result<Self> {
        let now = settings.now()?;
        let template = settings
            .file_naming_scheme
            .as_deref()
            .unwrap_or(format.naming_scheme);
        let files = Self {
            root: settings.destination_path.clone(),
            scheme: Scheme::new(template, &settings.stamps(&now)?)?,
            mode: settings.mode(format, standard.load_method)?,
            format,
            letters: standard.dead_letter_path.clone(),
            run: config::run_name(&now),
            known: Mutex::default(),
        };
        files.prepare(&files.root)?;
        Ok(files)
    }

    /// What targets that write files can do.
    pub const CAPABILITIES: Capabilities = Capabilities {
        load_methods: &[LoadMethod::AppendOnly, LoadMethod::Append, LoadMethod::Overwrite],
        ..Capabilities::APPEND
    };

    /// Their defaults. A commit is two syncs, which are worth 100,000 rows. STATE does not wait for that many, nor do rows
    /// wait longer than 5 minutes.
    pub fn defaults() -> StandardConfig {
        StandardConfig {
            batch_size_rows: 100_000,
            ..StandardConfig::default()
        }
    }

    /// When files become durable: those that are replaced, at the end.
    pub fn commit_mode(&self) -> CommitMode {
        match self.mode {
            WriteMode::Append | WriteMode::Parts => CommitMode::PerStream,
            WriteMode::Replace => CommitMode::AtEnd,
        }
    }

    /// The folder that all files are in, for people: an absolute path.
    pub fn location(&self) -> String {
        let absolute = std::path::absolute(&self.root).unwrap_or_else(|_| self.root.clone());
        absolute.display().to_string()
    }

    /// How files are written.
    pub fn mode(&self) -> WriteMode {
        self.mode
    }

    /// The file of a stream, which no other stream may have; its folder is there.
    ///
    /// # Errors
    /// Another stream has the same file, or the folder cannot be made.
    pub fn path(&self, stream: &str) -> Result<PathBuf> {
        let path = self.root.join(self.scheme.path(stream)?);
        self.claim(stream, &path)?;
        self.prepare(path.parent().unwrap_or(&self.root))?;
        if let Some(letters) = self
            .letters
            .as_deref()
            .filter(|letters| is_same_place(letters, &path))
        {
            return Err(Error::config(format!(
                "dead_letter_path: expected another file than that of the stream {stream:?}, found {}",
                letters.display()
            )));
        }
        Ok(path)
    }

    /// The parts of a stream's file.
    ///
    /// # Errors
    /// As [`path`](Files::path).
    pub fn parts(&self, stream: &str) -> Result<Parts> {
        Ok(Parts::new(&self.path(stream)?, &self.run))
    }

    /// A temporary file, for rows that wait for their commit and have no room in memory.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn scratch(&self) -> Result<Scratch> {
        Scratch::create(&self.root, &self.run)
    }

    /// Takes a path for a stream, in whose folder it is a file as well as the one of [`path`](Files::path).
    ///
    /// # Errors
    /// Another stream has that file.
    pub fn claim(&self, stream: &str, path: &Path) -> Result<()> {
        let mut known = self.known();
        let owner = known
            .taken
            .entry(folder::same_file_key(path))
            .or_insert_with(|| stream.to_owned());
        if owner == stream {
            return Ok(());
        }
        Err(Error::config(format!(
            "the streams {owner:?} and {stream:?} would both be written to {}: \
             put {{stream_name}} into file_naming_scheme",
            path.display()
        )))
    }

    /// The writer of a stream whose files are bytes in lines, in the way the settings ask for.
    ///
    /// # Errors
    /// As [`path`](Files::path), or the file cannot be opened, or another process is writing it.
    pub fn writer(&self, stream: &str) -> Result<Writer> {
        let path = self.path(stream)?;
        match self.mode {
            WriteMode::Append => {
                let mut file = Append::open(&path)?;
                if let Some(is_whole) = self.format.is_whole {
                    file.repair(is_whole)?;
                }
                Ok(Writer::append(file))
            }
            WriteMode::Replace => Writer::replace(&path),
            WriteMode::Parts => Ok(Writer::parts(Parts::new(&path, &self.run))),
        }
    }

    fn prepare(&self, folder: &Path) -> Result<()> {
        let mut known = self.known();
        if !known.folders.contains(folder) {
            folder::create(folder)?;
            leftovers::clear(folder)?;
            known.folders.insert(folder.to_owned());
        }
        Ok(())
    }

    /// A panic while the lock is held leaves the maps as they were: they are only ever added to.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a journal that holds these bytes says is committed; see [`crate::fuzzing`].
#[cfg(feature = "fuzzing")]
pub(crate) fn committed(bytes: &[u8]) -> Option<u64> {
    journal::read(bytes).committed.map(|mark| mark.length)
}

#[cfg(test)]
mod tests;
