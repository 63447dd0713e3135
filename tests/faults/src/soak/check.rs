//! What is in a target: the newest row after a kill, and at the end every row.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use rusqlite::{Connection, OptionalExtension as _};
use serde::Deserialize;

use super::lane::Lane;
use super::tap::{self, STREAM};
use crate::rig::Kind;

/// Enough of the end of a file for several rows.
const TAIL: u64 = 4096;

/// The row that the stored STATE covers all rows before: what the next run starts from.
pub(super) fn stored(lane: &Lane<'_>) -> Result<u64, String> {
    let state = match lane.kind {
        Kind::Postgres => held(lane)?,
        _ => database(lane)?,
    };
    state.map_or(Ok(0), |state| {
        tap::next_of(&state).ok_or_else(|| format!("the stored STATE is not the tap's: {state}"))
    })
}

fn database(lane: &Lane<'_>) -> Result<Option<String>, String> {
    let cannot = |error: rusqlite::Error| format!("the state database: {error}");
    let mut found = Vec::new();
    for name in [".meltano/meltano.db", ".melisma/meltano.db"] {
        let path = lane.folder.path().join(name);
        if path.exists() {
            found.push(path);
        }
    }
    let Some(path) = found.pop() else { return Ok(None) };
    let complete: Option<String> = Connection::open(path)
        .map_err(cannot)?
        .query_row("select completed_state from state", [], |row| row.get(0))
        .optional()
        .map_err(cannot)?;
    let Some(complete) = complete else { return Ok(None) };
    complete
        .strip_prefix("{\"singer_state\": ")
        .and_then(|rest| rest.strip_suffix('}'))
        .map(|state| Some(state.to_owned()))
        .ok_or_else(|| format!("the store holds {complete}"))
}

fn held(lane: &Lane<'_>) -> Result<Option<String>, String> {
    let cannot = |error: postgres::Error| format!("PostgreSQL: {error}");
    let mut client = lane.server.client()?;
    let there = client
        .query_one(
            "select pg_catalog.to_regclass('soak._melisma_state') is not null",
            &[],
        )
        .map_err(cannot)?;
    if !there.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = client
        .query_opt("select state from soak._melisma_state", &[])
        .map_err(cannot)?;
    Ok(row.map(|row| row.get(0)))
}

/// One more than the number of the newest row.
pub(super) fn newest(lane: &Lane<'_>) -> Result<u64, String> {
    if lane.kind == Kind::Postgres {
        return table(lane, "select coalesce(max(id) + 1, 0) from soak.ticks");
    }
    // The newest file may have a torn tail and no whole row; the one before it has.
    let mut newest = 0;
    for path in files(lane)?.iter().rev().take(2) {
        let last = match lane.kind {
            Kind::Parquet => last_of_parquet(path)?,
            _ => last_line(lane.kind, path)?,
        };
        newest = newest.max(last.map_or(0, |id| id + 1));
    }
    Ok(newest)
}

fn table(lane: &Lane<'_>, sql: &str) -> Result<u64, String> {
    let cannot = |error: postgres::Error| format!("PostgreSQL: {error}");
    let mut client = lane.server.client()?;
    let there = client
        .query_one("select pg_catalog.to_regclass('soak.ticks') is not null", &[])
        .map_err(cannot)?;
    if !there.get::<_, bool>(0) {
        return Ok(0);
    }
    let row = client.query_one(sql, &[]).map_err(cannot)?;
    Ok(row.get::<_, i64>(0) as u64)
}

/// The visible files of the stream, by their names, which are those of their time.
fn files(lane: &Lane<'_>) -> Result<Vec<PathBuf>, String> {
    let entries = match fs::read_dir(lane.folder.path().join("out")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("the output: {error}")),
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.strip_prefix(STREAM)
                .is_some_and(|rest| rest.starts_with(['.', '-']))
        })
        .collect();
    files.sort();
    Ok(files)
}

/// The row of the last whole line of a file that grows.
fn last_line(kind: Kind, path: &PathBuf) -> Result<Option<u64>, String> {
    let cannot = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = File::open(path).map_err(cannot)?;
    let length = file.metadata().map_err(cannot)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
        .map_err(cannot)?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).map_err(cannot)?;
    let tail = String::from_utf8_lossy(&tail);
    let whole = tail.rfind('\n').map_or("", |end| &tail[..end]);
    Ok(whole
        .lines()
        .rev()
        .find_map(|line| parse(kind, line).map(|row| row.id)))
}

fn last_of_parquet(path: &PathBuf) -> Result<Option<u64>, String> {
    let mut last = None;
    parquet(path, &mut |row| {
        last = Some(row.id);
        Ok(())
    })?;
    Ok(last)
}

/// A row as the files have it.
#[derive(Deserialize)]
struct Line {
    id: u64,
    value: u64,
    name: String,
}

fn parse(kind: Kind, line: &str) -> Option<tap::Row> {
    let Line { id, value, name } = match kind {
        Kind::Jsonl => serde_json::from_str(line).ok()?,
        _ => {
            let (id, rest) = line.split_once(',')?;
            let (value, name) = rest.split_once(',')?;
            let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
            Line {
                id: id.parse().ok()?,
                value: value.parse().ok()?,
                name: quoted.map_or_else(|| name.to_owned(), |name| name.replace("\"\"", "\"")),
            }
        }
    };
    Some(tap::Row { id, value, name })
}

/// Which rows were seen, and how many of them twice.
struct Seen<'l, 's> {
    lane: &'l Lane<'s>,
    bits: Vec<u64>,
    rows: u64,
    again: u64,
}

impl Seen<'_, '_> {
    fn add(&mut self, row: &tap::Row) -> Result<(), String> {
        if row.id >= self.lane.rows || tap::row(self.lane.seed, row.id) != *row {
            return Err(format!("{row:?} is there, and was never sent"));
        }
        let word = &mut self.bits[(row.id / 64) as usize];
        let bit = 1 << (row.id % 64);
        self.again += u64::from(*word & bit != 0);
        *word |= bit;
        self.rows += 1;
        Ok(())
    }
}

/// Reads all rows back: each one that was sent is there, and as it was sent.
pub(super) fn everything(lane: &Lane<'_>) -> Result<(), String> {
    let mut seen = Seen {
        lane,
        bits: vec![0; (lane.rows / 64 + 1) as usize],
        rows: 0,
        again: 0,
    };
    match lane.kind {
        Kind::Postgres => copy_out(lane, &mut |row| seen.add(&row))?,
        Kind::Parquet => {
            for path in files(lane)? {
                parquet(&path, &mut |row| seen.add(&row))?;
            }
        }
        _ => {
            for path in files(lane)? {
                lines(lane.kind, &path, &mut |row| seen.add(&row))?;
            }
        }
    }
    let missing = lane.rows + seen.again - seen.rows;
    if missing > 0 {
        let first = (0..lane.rows).find(|id| seen.bits[(id / 64) as usize] & (1 << (id % 64)) == 0);
        return Err(format!("{missing} rows are lost, the first is {first:?}"));
    }
    // One with its STATE beside it must not have a row twice; the others, no more than were sent again.
    let most = if lane.kind == Kind::Postgres {
        0
    } else {
        lane.again()
    };
    if seen.again > most {
        return Err(format!(
            "{} rows are there twice, {} were sent again",
            seen.again,
            lane.again()
        ));
    }
    Ok(())
}

type Take<'t> = &'t mut dyn FnMut(tap::Row) -> Result<(), String>;

fn lines(kind: Kind, path: &PathBuf, take: Take<'_>) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path).map_err(cannot)?);
    let mut line = String::new();
    let mut number = 0_u64;
    while reader.read_line(&mut line).map_err(cannot)? > 0 {
        number += 1;
        let text = line.trim_end_matches(['\r', '\n']);
        let header = kind == Kind::Csv && number == 1;
        match parse(kind, text) {
            Some(row) => take(row)?,
            None if header => {}
            None => return Err(format!("line {number} of {} is no row", path.display())),
        }
        line.clear();
    }
    Ok(())
}

fn parquet(path: &PathBuf, take: Take<'_>) -> Result<(), String> {
    let cannot = |error: parquet::errors::ParquetError| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let reader = SerializedFileReader::new(file).map_err(cannot)?;
    for row in reader.get_row_iter(None).map_err(cannot)? {
        let row = row.map_err(cannot)?;
        take(tap::Row {
            id: row.get_long(0).map_err(cannot)? as u64,
            value: row.get_long(1).map_err(cannot)? as u64,
            name: row.get_string(2).map_err(cannot)?.clone(),
        })?;
    }
    Ok(())
}

fn copy_out(lane: &Lane<'_>, take: Take<'_>) -> Result<(), String> {
    let cannot = |error: postgres::Error| format!("PostgreSQL: {error}");
    let mut client = lane.server.client()?;
    let reader = client
        .copy_out("copy soak.ticks (id, value, name) to stdout (format csv, force_quote (name))")
        .map_err(cannot)?;
    for text in BufReader::with_capacity(1 << 20, reader).lines() {
        let text = text.map_err(|error| format!("PostgreSQL: {error}"))?;
        take(parse(Kind::Csv, &text).ok_or_else(|| format!("no row: {text}"))?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_rows_of_both_kinds_of_lines() {
        let row = tap::row(1, 7);
        let json = serde_json::json!({"id": row.id, "value": row.value, "name": row.name}).to_string();
        let csv = format!("{},{},\"{}\"", row.id, row.value, row.name.replace('"', "\"\""));
        assert_eq!(parse(Kind::Jsonl, &json), Some(tap::row(1, 7)));
        assert_eq!(parse(Kind::Csv, &csv), Some(row));
        assert_eq!(parse(Kind::Csv, "id,value,name"), None);
        assert_eq!(parse(Kind::Jsonl, &json[..json.len() - 2]), None);
    }
}
