//! The system database in a SQLite file.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use melisma_sdk::{Error, Kind, Result};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, params_from_iter};

use super::sql::{Row, Sql};

/// How long a write waits for another process; Meltano writes a heartbeat each second.
const BUSY: Duration = Duration::from_secs(30);
/// How long to wait before the next try where SQLite does not wait by itself.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// An open file.
pub(super) struct Sqlite {
    connection: Connection,
    path: PathBuf,
}

impl Sqlite {
    /// Opens the file at `path`; creates it and its folder if it is absent.
    pub(super) fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .map_err(|error| Error::io(format!("cannot create {}", folder.display()), error))?;
        }
        // Created here for this user only, because SQLite would follow the umask. The files that SQLite adds get the same
        // permissions.
        if let Err(error) = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(Error::io(
                format!("cannot create the system database {}", path.display()),
                error,
            ));
        }
        let connection = open(path).map_err(|error| failed(path, error))?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    use_wal(&connection)?;
    Ok(connection)
}

/// Switches a new file to the write-ahead log. SQLite refuses that at once while another process has the file open, and does
/// not wait as it does for a write (a wait could be a deadlock), so the waiting is done here.
fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    let since = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && since.elapsed() < BUSY =>
            {
                thread::sleep(BETWEEN_TRIES);
            }
            done => return done,
        }
    }
}

impl Sql for Sqlite {
    fn query(&mut self, statement: &str, values: &[Option<&str>]) -> Result<Vec<Row>> {
        rows(&self.connection, statement, values).map_err(|error| failed(&self.path, error))
    }

    fn batch(&mut self, statements: &str) -> Result<()> {
        let done = self.connection.execute_batch(statements);
        done.map_err(|error| failed(&self.path, error))
    }

    /// There is one lock for the whole file.
    fn begin(&mut self, _: &str) -> Result<()> {
        self.batch("BEGIN IMMEDIATE")
    }

    fn bytes(&self, hex: &str) -> String {
        format!("X'{hex}'")
    }

    fn row_lock(&self) -> &'static str {
        ""
    }

    fn reconnect(&mut self) -> Result<()> {
        self.connection = open(&self.path).map_err(|error| failed(&self.path, error))?;
        Ok(())
    }

    fn location(&self) -> String {
        self.path.display().to_string()
    }
}

fn rows(connection: &Connection, statement: &str, values: &[Option<&str>]) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare(statement)?;
    let columns = statement.column_count();
    let mut found = statement.query(params_from_iter(values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let row = (0..columns).map(|column| row.get_ref(column).map(text));
        rows.push(row.collect::<rusqlite::Result<_>>()?);
    }
    Ok(rows)
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn failed(path: &Path, error: rusqlite::Error) -> Error {
    Error::new(Kind::Io, format!("the system database {}", path.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn processes_that_open_a_new_file_at_once_wait_for_each_other() {
        const AT_ONCE: usize = 8;
        let folder = tempfile::tempdir().expect("a folder");
        for round in 0..20 {
            let path = folder.path().join(format!("{round}.db"));
            let start = Barrier::new(AT_ONCE);
            thread::scope(|scope| {
                for _ in 0..AT_ONCE {
                    scope.spawn(|| {
                        start.wait();
                        let mut database = Sqlite::open(&path).expect("open");
                        database.begin("tables").expect("begin");
                        database
                            .batch("CREATE TABLE IF NOT EXISTS t (x); COMMIT")
                            .expect("create");
                    });
                }
            });
        }
    }
}
