//! Builds the catalog entry of a table.

use melisma_sdk::arrow::ValueOptions;
use melisma_sdk::{Result, Stream};
use serde_json::{Map, Value, json};

use crate::config::ReadConfig;
use crate::kind::Kind;
use crate::table::{Column, Table};

/// The stream, as tap-postgres describes it.
pub(crate) fn stream(table: &Table, read: &ReadConfig, options: ValueOptions) -> Result<Stream<'static>> {
    let key = table.key.iter().map(String::as_str);
    let unsupported = table
        .columns
        .iter()
        .filter(|column| matches!(column.kind, Kind::Unsupported));
    // Bookmarks are in the database's order, which only the database knows.
    let mut stream = Stream::new(table.id(), schema(table, options)?)
        .key(key)
        .manual_bookmark()
        .field("table_name", table.name.as_str())
        .field("is_view", table.is_view)
        .metadata("schema-name", table.schema.as_str())
        .metadata("is-view", table.is_view)
        .unsupported(unsupported.map(|column| column.name.as_str()));
    if let Some(method) = read.default_replication_method {
        stream = stream.prefers(method.into());
    }
    for column in &table.columns {
        stream = stream.property_metadata(&column.name, "sql-datatype", column.sql_type.as_str());
    }
    Ok(stream)
}

fn schema(table: &Table, options: ValueOptions) -> Result<Value> {
    let mut properties = Map::new();
    for column in &table.columns {
        properties.insert(column.name.clone(), own_schema(table, column, options)?);
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if !table.key.is_empty() {
        schema["required"] = json!(table.key);
    }
    Ok(schema)
}

/// The schema that discovery gives a column. All but those of the key may be null: a NOT NULL may be dropped later.
pub(crate) fn own_schema(table: &Table, column: &Column, options: ValueOptions) -> Result<Value> {
    let mut schema = column.kind.schema(options)?;
    if !table.is_key(&column.name)
        && let Some(Value::Array(types)) = schema.get_mut("type")
        && !types.iter().any(|name| name == "null")
    {
        types.push("null".into());
    }
    if let Some(comment) = &column.comment {
        schema["description"] = comment.as_str().into();
    }
    Ok(schema)
}
