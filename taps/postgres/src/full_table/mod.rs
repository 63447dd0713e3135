//! FULL_TABLE: reads a whole table in ranges of pages under one snapshot, so that an interrupted run can resume.

mod parallel;
mod progress;
mod snapshot;
mod storage;

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use melisma_postgres::Server;
use melisma_postgres::Session;
use melisma_sdk::{Output, Result};

use crate::config::Config;
use crate::copied::CopiedRows;
use crate::copy::copy;
use crate::query::Query;
use progress::{NAME, OPEN, Progress, Task, digest};
use snapshot::Snapshot;
use storage::Storage;

/// Pages have this many bytes, unless the server was built otherwise; then ranges are of another size, no more.
const PAGE: u32 = 8_192;
/// No more ranges than this a table, so that STATE stays small.
const RANGES: u32 = 1_024;

/// A piece of work: the query of a range, and what is known when it is done.
#[derive(Debug)]
struct Piece {
    query: String,
    /// Which table with which file, and which pages; `None` for what cannot be resumed.
    done: Option<(u32, u32, Task)>,
}

/// Reads a stream as a whole, or goes on where an interrupted run stopped.
pub(crate) fn read(
    query: &mut Query<'_>,
    server: &Server,
    session: &mut Session,
    settings: &Config,
    output: &mut Output<'_>,
) -> Result<()> {
    let mut snapshot = Snapshot::take(session)?;
    // Others that speak its protocol do not have a history.
    let is_postgres = snapshot.history.is_some();
    if !settings.full_table_resume {
        // Without a history nothing is noted and nothing that was noted counts.
        snapshot.history = None;
    }
    let storage = match query.limit {
        Some(_) => None,
        None => storage::of(session, query.table)?,
    };
    let kept = output.kept(NAME).unwrap_or_else(|error| {
        log::warn!("{error}; all rows are read");
        None
    });
    let mut progress = match &storage {
        Some(storage) => resume(kept, query, &snapshot, storage, output.stream()),
        None => Progress::default(),
    };
    if !progress.is_begun() {
        start_over(output)?;
    }
    let emit_versions = settings.emit_activate_version_messages;
    if emit_versions {
        let version = *progress.version.get_or_insert_with(now);
        output.set_version(version);
    }
    // Of a table's own rows alone: the settings of the session may mean something to a view or a condition.
    if is_postgres && storage.is_some() && query.clauses.is_empty() && settings.parallelism <= 1 {
        query.copied = CopiedRows::agree(query.table, settings, session, output)?;
    }
    let query = &*query;
    if let Some(rows) = storage.as_deref().and_then(expected) {
        log::info!(stream_name = output.stream(), expected_records = rows; "about {rows} rows are expected");
    }
    let pieces = match &storage {
        Some(storage) => {
            let size = settings.full_table_range_mb.max(1) * ((1 << 20) / PAGE);
            pieces(query, &snapshot, storage, &progress, size)
        }
        None => VecDeque::from([Piece {
            query: query.whole(),
            done: None,
        }]),
    };
    let connections = usize::try_from(settings.parallelism)
        .unwrap_or(1)
        .min(pieces.len());
    let mut reader = Reader {
        query,
        server,
        snapshot: &snapshot,
        progress,
        left: pieces.len(),
    };
    if connections > 1 {
        parallel::read(&mut reader, session, connections, pieces, output)?;
    } else {
        for piece in pieces {
            reader.read(session, &piece, output)?;
        }
    }
    snapshot::end(session)?;
    output.forget(NAME);
    if let Some(version) = reader.progress.version.filter(|_| emit_versions) {
        output.activate_version(version)?;
    }
    Ok(())
}

/// About how many rows a table has, when that is known of all its parts; `melisma run` says how long they will take.
fn expected(storage: &[Storage]) -> Option<i64> {
    storage.iter().map(|storage| storage.rows).sum()
}

/// All rows are read, although the STATE that this run began with may say that an earlier one has read some: says so.
pub(crate) fn start_over(output: &mut Output<'_>) -> Result<()> {
    match output.kept::<serde::de::IgnoredAny>(NAME) {
        Ok(None) => Ok(()),
        Ok(Some(_)) | Err(_) => {
            output.forget(NAME);
            output.emit_state()
        }
    }
}

/// Reads pieces and notes that they are done.
struct Reader<'a> {
    query: &'a Query<'a>,
    server: &'a Server,
    snapshot: &'a Snapshot,
    progress: Progress,
    /// How many pieces are not done.
    left: usize,
}

impl Reader<'_> {
    fn read(&mut self, client: &mut Session, piece: &Piece, output: &mut Output<'_>) -> Result<()> {
        let (query, doing) = (&piece.query, self.query.doing);
        match &self.query.copied {
            Some(copied) => copied.read(client, self.server, query, doing, output)?,
            None => copy(client, self.server, query, doing, |tuple| {
                self.query.columns.write(tuple, output)
            })?,
        }
        self.done(piece, output)
    }

    /// The rows of the piece are written.
    fn done(&mut self, piece: &Piece, output: &mut Output<'_>) -> Result<()> {
        self.left -= 1;
        if let Some((table, file, task)) = piece.done
            && self.snapshot.history.is_some()
            && self.left > 0
        {
            self.progress.mark(table, file, task.pages, self.snapshot.xmin);
            output.keep(NAME, &self.progress)?;
        }
        output.checkpoint()
    }
}

/// What an earlier run left to do, as far as it can be relied on.
fn resume(
    kept: Option<Progress>,
    query: &Query<'_>,
    snapshot: &Snapshot,
    storage: &[Storage],
    stream: &str,
) -> Progress {
    let fresh = Progress {
        history: snapshot.history.clone().unwrap_or_default(),
        query: digest(&query.identity()),
        lsn: snapshot.lsn,
        version: None,
        parts: Vec::new(),
    };
    let Some(kept) = kept.filter(|_| snapshot.history.is_some()) else {
        return fresh;
    };
    let changed = if kept.history != fresh.history {
        "the server is another, or was restored or promoted"
    } else if kept.lsn > snapshot.lsn_before {
        "the server is behind the one that was read"
    } else if kept.query != fresh.query {
        "the selected columns, or settings, are others"
    } else {
        let files: Vec<_> = storage
            .iter()
            .filter_map(|storage| Some((storage.oid, storage.file?)))
            .collect();
        let mut progress = Progress {
            lsn: fresh.lsn,
            ..kept
        };
        progress.check(&files, snapshot.next);
        log::info!("stream {stream}: goes on where an interrupted run stopped");
        return progress;
    };
    log::info!("stream {stream}: an interrupted run cannot be resumed, because {changed}; all rows are read");
    fresh
}

fn pieces(
    query: &Query<'_>,
    snapshot: &Snapshot,
    storage: &[Storage],
    progress: &Progress,
    size: u32,
) -> VecDeque<Piece> {
    let mut pieces = VecDeque::new();
    for storage in storage {
        let Some(file) = storage.file else {
            pieces.push_back(Piece {
                query: query.only(&storage.name, &[]),
                done: None,
            });
            continue;
        };
        let size = if snapshot.has_range_scans {
            size.max(storage.pages / RANGES + 1)
        } else {
            OPEN
        };
        for task in progress.tasks(storage.oid, storage.pages, size) {
            pieces.push_back(Piece {
                query: query.only(&storage.name, &conditions(task)),
                done: Some((storage.oid, file, task)),
            });
        }
    }
    pieces
}

/// The conditions that a row of the task meets.
fn conditions(task: Task) -> Vec<String> {
    let mut conditions = Vec::new();
    if task.pages.from > 0 {
        conditions.push(format!("t.ctid >= '({},0)'::pg_catalog.tid", task.pages.from));
    }
    if task.pages.to < OPEN {
        conditions.push(format!("t.ctid < '({},0)'::pg_catalog.tid", task.pages.to));
    }
    if let Some(since) = task.since {
        let since = since & u64::from(u32::MAX);
        conditions.push(format!(
            "pg_catalog.age(t.xmin) <= pg_catalog.age('{since}'::pg_catalog.xid)"
        ));
    }
    conditions
}

/// A version: milliseconds since 1970, as Singer's database taps number them.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
