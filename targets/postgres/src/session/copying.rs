//! The COPY of a connection: it goes on as long as rows for the same columns come.
//!
//! Rows go in COPY's binary format where all their values have one ([`binary`](crate::copy)), and as lines otherwise. The server
//! takes binary values for what the column has become since its type was read, if their sizes agree. So before rows are
//! committed, or the table is changed by us, the types are looked at again: the COPY keeps others from changing them.

use std::collections::{HashMap, HashSet, VecDeque};

use melisma_postgres::postgres::error::SqlState;
use melisma_postgres::{CopyIn, literal};
use melisma_sdk::{Error, Kind, Result, fault};

use super::Session;
use crate::copy::{Binary, Group, HEADER, TRAILER, write_tuple};
use crate::naming::TableName;

/// What a COPY does, for errors.
const COPY: &str = "cannot copy rows into";

/// Bytes of tuples that are sent at once.
const SENT: usize = 128 << 10;

/// Where rows go.
pub(crate) struct Load<'a> {
    /// The table that they are for.
    pub(crate) table: &'a TableName,
    /// The table or stage that takes them, as statements name it.
    pub(crate) into: String,
    /// The columns that they have.
    pub(crate) columns: Vec<&'a str>,
    /// The same in binary, with those that order the rows of a stage; `None` when one has no such form.
    pub(crate) binary: Option<Vec<Binary>>,
    /// All columns as the statement has them, those that order the rows of a stage too.
    pub(crate) list: String,
    /// Whether that is a stage, whose columns no other session changes.
    pub(crate) is_stage: bool,
    /// No other rows go by the same COPY.
    pub(crate) alone: bool,
}

/// What the session does about COPY.
#[derive(Default)]
pub(super) struct Copies {
    /// The COPY under way.
    copying: Option<Copying>,
    /// The statements of the transaction whose columns are to be looked at before it is committed.
    unproven: HashMap<String, Unproven>,
    /// Statements about stages whose columns were looked at.
    proven: HashSet<String>,
    /// Memory for what is sent.
    tuples: Vec<u8>,
}

/// Columns that got binary values.
struct Unproven {
    table: TableName,
    /// Counts those that have the types of the values.
    sql: String,
    /// How many these must be.
    count: usize,
    is_stage: bool,
}

struct Copying {
    copy: CopyIn,
    statement: String,
    table: TableName,
    is_binary: bool,
}

impl Session {
    /// Sends rows to the server, in the transaction. The COPY goes on where the last one was the same. Errors of the server
    /// about the rows may be returned by a later call.
    pub(crate) fn copy(&mut self, load: &Load<'_>, group: &Group) -> Result<()> {
        self.check()?;
        if group.tuples {
            self.copy_sound_tuples(load, group)?;
            fault!(PG_COPY_MIDDLE, error => { self.broken = true; return Err(error.into()) });
            return Ok(());
        }
        let mut lines = Unsent {
            pieces: group.lines().collect(),
        };
        if let Some(columns) = &load.binary {
            let mut tuples = std::mem::take(&mut self.copies.tuples);
            let sent = self.copy_tuples(load, columns, &mut lines, &mut tuples);
            if tuples.capacity() <= 4 * SENT {
                self.copies.tuples = tuples;
            }
            sent?;
        }
        let mut fresh = self.is_fresh(load);
        for piece in lines.pieces {
            self.start(load, None, fresh)?;
            self.send(load.table, piece)?;
            fresh = false;
        }
        fault!(PG_COPY_MIDDLE, error => { self.broken = true; return Err(error.into()) });
        Ok(())
    }

    /// Whether the rows go by a COPY of their own, whatever is under way.
    fn is_fresh(&self, load: &Load<'_>) -> bool {
        load.alone || self.backend.hurried
    }

    /// Sends rows that are tuples already.
    fn copy_sound_tuples(&mut self, load: &Load<'_>, group: &Group) -> Result<()> {
        let Some(columns) = &load.binary else {
            return Err(Error::bug("tuples for a table whose columns have no binary form"));
        };
        let mut fresh = self.is_fresh(load);
        for piece in group.lines() {
            self.start(load, Some(columns), fresh)?;
            self.send(load.table, piece)?;
            fresh = false;
        }
        Ok(())
    }

    /// Sends lines as tuples, up to the first that has none.
    fn copy_tuples(
        &mut self,
        load: &Load<'_>,
        columns: &[Binary],
        lines: &mut Unsent<'_>,
        tuples: &mut Vec<u8>,
    ) -> Result<()> {
        let mut fresh = self.is_fresh(load);
        loop {
            tuples.clear();
            let all = lines.take_tuples(columns, tuples);
            if !tuples.is_empty() {
                self.start(load, Some(columns), fresh)?;
                self.send(load.table, tuples)?;
                fresh = false;
            }
            if !all || lines.pieces.is_empty() {
                return Ok(());
            }
        }
    }

    /// Sees to it that the COPY for these rows is under way.
    fn start(&mut self, load: &Load<'_>, binary: Option<&[Binary]>, fresh: bool) -> Result<()> {
        let format = if binary.is_some() { " (format binary)" } else { "" };
        let statement = format!("copy {} ({}) from stdin{format}", load.into, load.list);
        let same = |copying: &Copying| copying.statement == statement;
        if !fresh && self.copies.copying.as_ref().is_some_and(same) {
            return Ok(());
        }
        self.begin(load.table)?;
        let copy = self.client.copy_in(&statement);
        let mut copy = copy.map_err(|error| self.fail(load.table, COPY, error))?;
        if binary.is_some() {
            let begun = self.client.feed(&mut copy, HEADER);
            begun.map_err(|error| self.fail(load.table, COPY, error))?;
        }
        if let Some(binary) = binary
            && !self.copies.proven.contains(&statement)
            && !self.copies.unproven.contains_key(&statement)
        {
            let unproven = Unproven::new(load, binary);
            self.copies.unproven.insert(statement.clone(), unproven);
        }
        self.copies.copying = Some(Copying {
            copy,
            statement,
            table: load.table.clone(),
            is_binary: binary.is_some(),
        });
        Ok(())
    }

    fn send(&mut self, table: &TableName, bytes: &[u8]) -> Result<()> {
        let Some(copying) = &mut self.copies.copying else {
            return Err(Error::bug("rows without a COPY"));
        };
        match self.client.send(&mut copying.copy, bytes) {
            Ok(()) => Ok(()),
            // When sending fails, the end of the COPY has the server's reason.
            Err(error) => self.end_copy().and_then(|()| Err(self.fail(table, COPY, error))),
        }
    }

    /// Ends the COPY that is under way.
    pub(super) fn end_copy(&mut self) -> Result<()> {
        let Some(mut copying) = self.copies.copying.take() else {
            return Ok(());
        };
        fault!(PG_COPY_END, error => { self.broken = true; return Err(error.into()) });
        if copying.is_binary {
            // Where this fails, the end of the COPY says why.
            let _ = self.client.feed(&mut copying.copy, TRAILER);
        }
        match self.client.finish_copy(copying.copy) {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some(&SqlState::INVALID_BINARY_REPRESENTATION) => {
                self.broken = true;
                Err(changed(&copying.table))
            }
            Err(error) => Err(self.fail(&copying.table, COPY, error)),
        }
    }

    /// Sees to it that the columns which got binary values have the types that those are of.
    pub(super) fn prove_types(&mut self) -> Result<()> {
        for (statement, unproven) in std::mem::take(&mut self.copies.unproven) {
            let rows = self.query(&unproven.table, "cannot see the types of", &unproven.sql)?;
            let count = rows.first().map_or(0, |row| row.get::<_, i64>(0));
            if usize::try_from(count) != Ok(unproven.count) {
                self.broken = true;
                return Err(changed(&unproven.table));
            }
            if unproven.is_stage {
                self.copies.proven.insert(statement);
            }
        }
        Ok(())
    }
}

#[cold]
fn changed(table: &TableName) -> Error {
    let what = format!(
        "{}: a column got another type while rows were loaded; nothing of them was committed",
        table.sql()
    );
    Error::new(Kind::Retry, what)
}

impl Unproven {
    fn new(load: &Load<'_>, binary: &[Binary]) -> Self {
        let expected = load.columns.iter().zip(binary).map(|(name, binary)| {
            let oids: Vec<String> = binary.oids().iter().map(u32::to_string).collect();
            format!("({}, '{{{}}}'::oid[])", literal(name), oids.join(","))
        });
        let expected: Vec<String> = expected.collect();
        let sql = format!(
            "select count(*) from pg_catalog.pg_attribute a join (values {}) e (name, oids) on a.attname = e.name \
             where a.attrelid = pg_catalog.to_regclass({}) and a.attnum > 0 and a.atttypid = any (e.oids)",
            expected.join(", "),
            literal(&load.into)
        );
        Self {
            table: load.table.clone(),
            sql,
            count: expected.len(),
            is_stage: load.is_stage,
        }
    }
}

/// Lines that are still to be sent.
struct Unsent<'a> {
    pieces: VecDeque<&'a [u8]>,
}

impl Unsent<'_> {
    /// Makes tuples of lines, as many as are sent at once. `false` when the next line has none.
    fn take_tuples(&mut self, columns: &[Binary], tuples: &mut Vec<u8>) -> bool {
        while let Some(piece) = self.pieces.front_mut() {
            while let Some(end) = memchr::memchr(b'\n', piece) {
                if tuples.len() >= SENT {
                    return true;
                }
                let start = tuples.len();
                if write_tuple(tuples, &piece[..end], columns).is_none() {
                    tuples.truncate(start);
                    return false;
                }
                *piece = &piece[end + 1..];
            }
            // No line is left out: what has no end goes as text, and the server says what it thinks of it.
            if !piece.is_empty() {
                return false;
            }
            self.pieces.pop_front();
        }
        true
    }
}
