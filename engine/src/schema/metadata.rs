//! The columns that a target fills in: the seven `_sdc_` columns of `add_record_metadata`, as Meltano's SDK names and fills
//! them, and the one for properties that the schema does not declare.

use serde_json::json;

use super::{Column, DataType, StreamSchema};
use crate::error::{Error, Result, show};

/// A column that the target fills in by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// `_sdc_extracted_at`: the record's `time_extracted`.
    ExtractedAt,
    /// `_sdc_received_at`: when the target read the record.
    ReceivedAt,
    /// `_sdc_batched_at`: when the record's batch was begun.
    BatchedAt,
    /// `_sdc_deleted_at`: passed through from the record.
    DeletedAt,
    /// `_sdc_sequence`: epoch milliseconds when the target read the record.
    Sequence,
    /// `_sdc_table_version`: the record's `version`.
    TableVersion,
    /// `_sdc_sync_started_at`: epoch milliseconds of the target's start.
    SyncStartedAt,
    /// The properties that the schema does not declare, as one JSON object, or null where there are none. It is named by the
    /// user, and not among [`ALL`](Self::ALL).
    Undeclared,
}

impl Metadata {
    /// All seven, in the order in which they are appended.
    pub const ALL: [Self; 7] = [
        Self::ExtractedAt,
        Self::ReceivedAt,
        Self::BatchedAt,
        Self::DeletedAt,
        Self::Sequence,
        Self::TableVersion,
        Self::SyncStartedAt,
    ];

    /// Whether one of the seven has this name.
    pub(crate) fn is_name(name: &str) -> bool {
        name.starts_with("_sdc_") && Self::ALL.iter().any(|metadata| metadata.name() == name)
    }

    /// The column's name; for [`Undeclared`](Self::Undeclared) its default name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExtractedAt => "_sdc_extracted_at",
            Self::ReceivedAt => "_sdc_received_at",
            Self::BatchedAt => "_sdc_batched_at",
            Self::DeletedAt => "_sdc_deleted_at",
            Self::Sequence => "_sdc_sequence",
            Self::TableVersion => "_sdc_table_version",
            Self::SyncStartedAt => "_sdc_sync_started_at",
            Self::Undeclared => "_sdc_undeclared",
        }
    }

    fn column(self) -> Column {
        let (data_type, schema) = match self {
            Self::Sequence | Self::TableVersion | Self::SyncStartedAt => (
                DataType::Integer {
                    minimum: None,
                    maximum: None,
                },
                json!({"type": ["integer", "null"]}),
            ),
            Self::Undeclared => (DataType::Json, json!({"type": ["object", "null"]})),
            _ => (
                DataType::DateTime,
                json!({"type": ["string", "null"], "format": "date-time"}),
            ),
        };
        Column {
            name: self.name().into(),
            data_type,
            nullable: true,
            required: false,
            metadata: Some(self),
            schema: schema.into(),
        }
    }
}

impl StreamSchema {
    /// The schema with the seven `_sdc_` columns at its end. Those that the tap sends already are kept where they
    /// are; only `_sdc_deleted_at` then keeps the tap's value, as in Meltano's SDK.
    #[must_use]
    pub fn with_metadata(mut self) -> Self {
        for metadata in Metadata::ALL {
            match self.column(metadata.name()) {
                Some(at) if metadata == Metadata::DeletedAt => self.columns[at].nullable = true,
                Some(at) => self.columns[at] = metadata.column(),
                None => self.columns.push(metadata.column()),
            }
        }
        self
    }

    /// The schema with a column of this name at its end, for the properties that it does not declare.
    ///
    /// # Errors
    /// ([`Kind::Input`](crate::Kind::Input)) A property that has the name.
    pub fn with_undeclared(mut self, name: &str) -> Result<Self> {
        if self.column(name).is_some() {
            return Err(Error::input(format!(
                "schema: expected no property \"{0}\": the column for undeclared properties has the name, which \
                 undeclared_column may change",
                show(name)
            ))
            .in_stream(&self.stream));
        }
        let name = name.into();
        self.columns.push(Column {
            name,
            ..Metadata::Undeclared.column()
        });
        Ok(self)
    }

    /// The schema without those of the seven columns that a tap sends, as Meltano's SDK has it when
    /// `add_record_metadata` is off. Other names that begin with `_sdc_`, such as tap-csv's, are the tap's own.
    #[must_use]
    pub fn without_metadata(mut self) -> Self {
        let mut gone: Vec<usize> = Metadata::ALL
            .iter()
            .filter_map(|metadata| self.column(metadata.name()))
            .filter(|at| !self.key.contains(at))
            .collect();
        gone.sort_unstable();
        for &at in gone.iter().rev() {
            self.columns.remove(at);
        }
        for place in &mut self.key {
            *place -= gone.iter().filter(|&&at| at < *place).count();
        }
        self
    }
}
