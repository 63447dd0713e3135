//! Tables and their columns.

use crate::kind::Kind;

/// A table or view.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Empty where the database has no schemas.
    pub(crate) schema: String,
    pub(crate) name: String,
    /// The name with its schema, as SQL has it.
    pub(crate) quoted: String,
    pub(crate) is_view: bool,
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key, else of a unique constraint over columns that are not null.
    pub(crate) key: Vec<String>,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Its name as SQL has it.
    pub(crate) quoted: String,
    /// What the database calls its type: `DECIMAL(10,2)`.
    pub(crate) sql_type: String,
    pub(crate) nullable: bool,
    pub(crate) comment: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) cast: Cast,
}

/// What a query makes of a column, so that its driver hands over all of the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cast {
    /// Nothing.
    #[default]
    None,
    /// Text.
    Text,
    /// JSON.
    Json,
}

impl Table {
    /// The stream's name: `schema-table`.
    pub(crate) fn id(&self) -> String {
        if self.schema.is_empty() {
            self.name.clone()
        } else {
            format!("{}-{}", self.schema, self.name)
        }
    }

    /// The name with its schema, quoted for SQL.
    pub(crate) fn quoted_name(&self) -> &str {
        &self.quoted
    }

    /// Whether the column of this name is a part of the key.
    pub(crate) fn is_key(&self, column: &str) -> bool {
        self.key.iter().any(|name| name == column)
    }
}
