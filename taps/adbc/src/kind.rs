//! The kind of a column's values: how they come, what their JSON Schema is, and whether a stream can be read in their order.

use melisma_sdk::Result;
use melisma_sdk::arrow::schema::{DataType, Field};
use melisma_sdk::arrow::{ValueOptions, json_schema};
use serde_json::{Value, json};

use crate::declared::Declared;

/// The kind of a column's values.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Values of an Arrow type, which the field says.
    Arrow(Field),
    /// Integers that come as text, between these bounds.
    Integer { minimum: f64, maximum: f64 },
    /// Integers of any length, which come as text and are decimals to others.
    Decimal,
    /// Decimals that come as text, with their precision and scale where these are known.
    Numeric(Option<(u8, u8)>),
    /// What a column of SQLite is declared as.
    Declared(Declared),
    /// What has no form in JSON.
    Unsupported,
}

impl Kind {
    /// Texts that are JSON.
    pub(crate) fn json(name: &str) -> Self {
        let extension = ("ARROW:extension:name".to_owned(), "arrow.json".to_owned());
        Self::Arrow(Field::new(name, DataType::Utf8, true).with_metadata([extension]))
    }

    /// The JSON Schema of its values; null is for the caller to add.
    pub(crate) fn schema(&self, options: ValueOptions) -> Result<Value> {
        Ok(match self {
            Self::Arrow(field) => json_schema(&field.clone().with_nullable(false), options)?,
            Self::Integer { minimum, maximum } => {
                json!({"type": ["integer"], "minimum": minimum, "maximum": maximum})
            }
            Self::Decimal if options.decimals_as_strings => {
                json!({"type": ["string"], "format": "singer.decimal"})
            }
            Self::Numeric(Some((precision, scale))) if options.decimals_as_strings => json!({
                "type": ["string"], "format": "singer.decimal", "precision": precision, "scale": scale,
            }),
            Self::Numeric(_) if options.decimals_as_strings => {
                json!({"type": ["string"], "format": "singer.decimal"})
            }
            Self::Decimal | Self::Numeric(_) => json!({"type": ["number"]}),
            Self::Declared(declared) => declared.schema(options),
            // As other taps list what they cannot read.
            Self::Unsupported => json!({"type": ["string"]}),
        })
    }

    /// Whether the values have an order in which a stream can be read from a bookmark on.
    pub(crate) fn has_order(&self) -> bool {
        match self {
            Self::Arrow(field) => arrow_has_order(field),
            Self::Integer { .. } | Self::Decimal | Self::Numeric(_) => true,
            Self::Declared(declared) => declared.has_order(),
            Self::Unsupported => false,
        }
    }

    /// Whether the values are dates or moments, to which the setting `start_date` applies.
    pub(crate) fn is_time(&self) -> bool {
        match self {
            Self::Arrow(field) => matches!(
                field.data_type(),
                DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)
            ),
            Self::Declared(declared) => matches!(declared, Declared::Date | Declared::Timestamp),
            _ => false,
        }
    }
}

fn arrow_has_order(field: &Field) -> bool {
    match field.data_type() {
        // Some drivers say more of a text than what it is.
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            !field.metadata().contains_key("ARROW:extension:name")
        }
        DataType::Dictionary(_, values) => matches!(
            **values,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        ),
        DataType::Duration(_)
        | DataType::Interval(_)
        | DataType::Union(..)
        | DataType::RunEndEncoded(..)
        | DataType::Null => false,
        other => !other.is_nested(),
    }
}
