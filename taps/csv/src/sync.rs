//! Syncs a stream: reads its files and writes their rows as records.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Kind as Failure, Method, Output, Position, Result, json, show};
use serde_json::{Map, Value};

use crate::columns::{Columns, Slot};
use crate::config::{Config, OnTypeMismatch, Ragged};
use crate::copied::CopiedRows;
use crate::discover::MODIFIED;
use crate::entry::Entry;
use crate::files::Files;
use crate::forms::Forms;
use crate::infer::Kind;
use crate::reader::{Flow, Reader};
use crate::record::Record;
use crate::{files, forms, header};

/// Reads the files of an entry, those that changed only if the stream is INCREMENTAL.
pub(crate) fn stream(entry: &Entry, settings: &Config, output: &mut Output<'_>) -> Result<()> {
    let Files {
        found, unreadable, ..
    } = files::list(&entry.settings)?;
    let mut sync = Sync {
        entry,
        settings,
        columns: Columns::new(output, entry, settings)?,
        slots: Vec::new(),
        forms: Forms::default(),
        copied: CopiedRows::default(),
    };
    if output.replication_method() == Method::Incremental {
        sync.incremental(&found, output)?;
    } else {
        for file in &found {
            sync.file(file, &files::modified(file)?, output)?;
            output.checkpoint()?;
        }
        // Some files may lack some columns; one that all of them lack is gone.
        for column in sync.columns.missing() {
            output.leave_out(column);
        }
    }
    // What can be read was read, and the run still must not look as if that were everything.
    match &unreadable[..] {
        [] => Ok(()),
        [first, ..] => Err(Error::new(
            Failure::Io,
            format!(
                "files that cannot be read: {}, the first {}",
                unreadable.len(),
                first.display()
            ),
        )),
    }
}

impl Sync<'_> {
    /// Reads the files that are new, or were modified since the last run.
    fn incremental(&mut self, found: &[PathBuf], output: &mut Output<'_>) -> Result<()> {
        if output.replication_key() != Some(MODIFIED) {
            return Err(Error::config(format!(
                "replication key: expected {MODIFIED}, because rows have no bookmark of their own, found {}",
                show(output.replication_key().unwrap_or_default())
            )));
        }
        // A file that is gone will not be asked for again; if it comes back, it is new.
        let names: HashSet<String> = found.iter().map(|file| files::name(file)).collect();
        output.retain_partitions(|context| context["file"].as_str().is_some_and(|name| names.contains(name)));
        for file in found {
            output.partition(&json!({"file": files::name(file)}))?;
            // Taken before the file is read: what is written meanwhile changes the time, and the next run reads it.
            let modified = files::modified(file)?;
            if output.bookmark::<String>()?.as_ref() == Some(&modified) {
                log::info!(
                    "{}: skipped, because it was not modified since it was read",
                    file.display()
                );
                continue;
            }
            self.file(file, &modified, output)?;
            output.set_bookmark(&modified)?;
            output.checkpoint()?;
        }
        Ok(())
    }
}

struct Sync<'a> {
    entry: &'a Entry,
    settings: &'a Config,
    columns: Columns,
    slots: Vec<Slot>,
    forms: Forms,
    /// Rows that are handed over, and not written as records.
    copied: CopiedRows,
}

/// What all records of a file have in common.
struct Origin<'a> {
    file: &'a str,
    modified: &'a str,
}

impl Sync<'_> {
    /// Writes a record for each row of a file.
    fn file(&mut self, file: &Path, modified: &str, output: &mut Output<'_>) -> Result<()> {
        let mut reader = self.entry.open(file)?;
        let Some(names) = header::read(&mut reader, &self.entry.settings)? else {
            log::warn!("{}: is empty", reader.file());
            return Ok(());
        };
        self.check_keys(&reader, &names)?;
        self.columns.slots(reader.file(), &names, &mut self.slots);
        self.forms = Forms::new(&self.slots);
        self.copied.agree(&self.slots, output)?;
        let name = files::name(file);
        let origin = Origin {
            file: &name,
            modified,
        };
        let mut extra = String::new();
        let mut number = 0;
        reader.read(|record| {
            number += 1;
            if record.len() != names.len() {
                self.ragged(record, names.len(), &origin, &mut extra)?;
            }
            while let Err(column) = self.row(record, number, &origin, &extra, output)? {
                self.mismatch(record, column, &origin, output)?;
            }
            extra.clear();
            Ok(Flow::Next)
        })
    }

    /// Every file must have the key properties: a record without them cannot be told from others.
    fn check_keys(&self, reader: &Reader, names: &[String]) -> Result<()> {
        let ours = |key: &str| key.starts_with("_sdc_source_");
        match self
            .entry
            .settings
            .keys
            .iter()
            .find(|&key| !names.contains(key) && !ours(key))
        {
            None => Ok(()),
            Some(key) => Err(Error::input(format!(
                "{}: header: expected a column {}, which is a key property, found {}",
                reader.file(),
                show(key),
                show(&names.join(", "))
            ))),
        }
    }

    /// Writes a record; an error is the column whose cell does not have the column's type.
    fn row(
        &mut self,
        record: &Record<'_>,
        number: i64,
        origin: &Origin<'_>,
        extra: &str,
        output: &mut Output<'_>,
    ) -> Result<Result<(), usize>> {
        let nulls = &self.entry.nulls;
        let together = if record.is_plain_text() {
            self.forms.len()
        } else {
            0
        };
        if together > 0
            && let Err(column) = self.forms.find(record, nulls)
        {
            return Ok(Err(column));
        }
        let handed_over = self.copied.len();
        if handed_over > 0
            && handed_over <= together
            && self.copied.write(record.text, &self.forms, output)?
        {
            return Ok(Ok(()));
        }
        let mut row = output.row();
        row.parts(record.text, &self.forms.parts()[..together]);
        for (column, slot) in self.slots.iter().enumerate().skip(together) {
            match *slot {
                Slot::Cell { at, kind } => match forms::part(record, at, kind, nulls) {
                    Some((around, part)) => row.part(around, part),
                    None => return Ok(Err(column)),
                },
                Slot::Absent => row.absent(),
                Slot::File => row.text(origin.file),
                Slot::Modified => row.plain(origin.modified),
                Slot::Line => row.int(number),
                Slot::Extra if extra.is_empty() => row.null(),
                Slot::Extra => row.json(extra),
            }
        }
        row.end()?;
        Ok(Ok(()))
    }

    /// A cell that does not have its column's type: an error, or the column becomes text.
    #[cold]
    fn mismatch(
        &mut self,
        record: &Record<'_>,
        column: usize,
        origin: &Origin<'_>,
        output: &mut Output<'_>,
    ) -> Result<()> {
        let Slot::Cell { at, kind } = self.slots[column] else {
            return Err(Error::bug("a column without a cell cannot have a wrong type"));
        };
        let name = show(self.columns.name(column));
        if self.settings.on_type_mismatch == OnTypeMismatch::Error {
            let found = show(record.get(at).unwrap_or_default());
            return Err(Error::input(format!(
                "{}: column {name}: expected {}, found {found:?} (see the setting on_type_mismatch)",
                origin.file,
                kind.expected(),
            ))
            .at(position(record)));
        }
        log::warn!(
            "{}: line {}: column {name}: expected {}; the column is text from here on",
            origin.file,
            record.line,
            kind.expected()
        );
        self.columns.widen(column);
        self.slots[column] = Slot::Cell { at, kind: Kind::Text };
        self.forms = Forms::new(&self.slots);
        let mut schema = output.schema().clone();
        let mut properties: Map<String, Value> = output
            .columns()
            .iter()
            .map(|column| (column.name.to_string(), column.schema.clone()))
            .collect();
        properties.insert(self.columns.name(column).to_owned(), Kind::Text.schema());
        schema["properties"] = properties.into();
        output.change_schema(schema)?;
        self.copied.forget();
        self.copied.agree(&self.slots, output)
    }

    /// A row with fewer or more cells than the header: an error, or its surplus goes into `extra`.
    #[cold]
    fn ragged(
        &self,
        record: &Record<'_>,
        width: usize,
        origin: &Origin<'_>,
        extra: &mut String,
    ) -> Result<()> {
        let surplus = record.len() > width;
        match self.entry.settings.ragged {
            Ragged::Truncate => Ok(()),
            Ragged::Pad if !surplus => Ok(()),
            Ragged::Extra => {
                if surplus {
                    let cells: Vec<&str> = record.cells().skip(width).collect();
                    *extra = json!(cells).to_string();
                }
                Ok(())
            }
            Ragged::Error | Ragged::Pad => Err(Error::input(format!(
                "{}: expected {width} cells, as the header has, found {} (see the setting ragged)",
                origin.file,
                record.len()
            ))
            .at(position(record))),
        }
    }
}

fn position(record: &Record<'_>) -> Position {
    Position {
        line: record.line,
        byte: record.byte,
    }
}
