//! Rows of tables.

use postgres::SimpleQueryMessage;
use serde_json::Value;

use super::row;
use crate::rig::Rig;
use crate::source::{Row, Stream};

/// All rows of a stream's table; none when there is no table.
pub(super) fn rows(rig: &Rig<'_>, stream: Stream) -> Result<Vec<Row>, String> {
    let Some((server, schema)) = &rig.server else {
        return Err("no server".into());
    };
    let mut client = server.client()?;
    let table = format!("\"{schema}\".\"{}\"", stream.name());
    let cannot = |error: postgres::Error| format!("PostgreSQL: {error}");
    let there = client
        .query_one("select pg_catalog.to_regclass($1) is not null", &[&table])
        .map_err(cannot)?;
    if !there.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    // One that is there for the versions alone, and is deleted, counts as not there.
    let sql = format!("select pg_catalog.to_jsonb(t)::text from {table} t order by n");
    let mut found = Vec::new();
    for message in client.simple_query(&sql).map_err(cannot)? {
        if let SimpleQueryMessage::Row(cells) = message {
            let text = cells.get(0).unwrap_or_default();
            let value: Value = serde_json::from_str(text).map_err(|error| format!("P3: {table}: {error}"))?;
            found.push(row(&value).ok_or_else(|| format!("P3: {table}: no row: {text}"))?);
        }
    }
    Ok(found)
}

/// The STATE that the target holds beside its rows.
pub(super) fn held(rig: &Rig<'_>) -> Result<Option<String>, String> {
    let Some((server, schema)) = &rig.server else {
        return Err("no server".into());
    };
    let mut client = server.client()?;
    let table = format!("\"{schema}\".\"_melisma_state\"");
    let cannot = |error: postgres::Error| format!("PostgreSQL: {error}");
    let there = client
        .query_one("select pg_catalog.to_regclass($1) is not null", &[&table])
        .map_err(cannot)?;
    if !there.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = client
        .query_opt(&format!("select state from {table}"), &[])
        .map_err(cannot)?;
    Ok(row.map(|row| row.get(0)))
}
