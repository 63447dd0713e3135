//! Builds the catalog entry of a table.

use melisma_sdk::Stream;
use serde_json::{Map, Value, json};

use super::{Form, Table};
use crate::config::Config;
use crate::drift;

impl Table {
    /// The stream, as `MeltanoLabs` tap-postgres describes it, with pipelinewise's metadata besides.
    pub(crate) fn stream(&self, settings: &Config, database: &str) -> Stream<'static> {
        let key = self.key.iter().map(String::as_str);
        // Bookmarks are in the database's order, which only the database knows.
        let mut stream = Stream::new(self.id(), self.schema(settings))
            .key(key)
            .manual_bookmark()
            .field("table_name", self.name.as_str())
            .field("is_view", self.is_view())
            .metadata("schema-name", self.schema.as_str())
            .metadata("database-name", database)
            .metadata("is-view", self.is_view());
        if let Some(rows) = self
            .rows
            .filter(|_| !matches!(self.form, Form::View | Form::Foreign))
        {
            stream = stream.metadata("row-count", rows);
        }
        if self.is_view() {
            stream = stream.metadata("view-key-properties", json!(self.key));
        }
        if self.is_partition {
            // Its rows come with the partitioned table.
            stream = stream.metadata("is-partition", true).not_selected_by_default();
        }
        if let Some(method) = settings.default_replication_method {
            stream = stream.prefers(method.into());
        }
        for column in &self.columns {
            stream = stream.property_metadata(&column.name, "sql-datatype", column.sql_type.as_str());
        }
        stream
    }

    fn schema(&self, settings: &Config) -> Value {
        let mut properties = Map::new();
        for column in &self.columns {
            let schema = drift::own_schema(self, column, &settings.values);
            properties.insert(column.name.clone(), schema);
        }
        let mut schema = json!({"type": "object", "properties": properties});
        if !self.key.is_empty() {
            schema["required"] = json!(self.key);
        }
        schema
    }
}
