//! JSON Schema, with the formats that targets read.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jsonschema::{Draft, Validator};
use melisma_engine::error::show;
use serde_json::Value;

/// The validator of a schema, or what is wrong with the schema.
pub(super) fn compile(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("date-time", is_date_time)
        .with_format("date", |text: &str| text.parse::<Date>().is_ok())
        .with_format("time", is_time);
    options
        .build(schema)
        .map_err(|error| format!("no JSON Schema: {}", show(&error.to_string())))
}

/// As databases and their drivers write moments: with or without a zone.
fn is_date_time(text: &str) -> bool {
    let has_time = text.len() > "2026-01-31".len();
    has_time && (text.parse::<Timestamp>().is_ok() || text.parse::<DateTime>().is_ok())
}

fn is_time(text: &str) -> bool {
    let zone = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    text[..zone].parse::<Time>().is_ok()
}

/// The first way in which a record does not fit.
pub(super) fn misfit(validator: &Validator, record: &Value) -> Option<String> {
    let error = validator.iter_errors(record).next()?;
    let place = error.instance_path().to_string();
    let place = place.trim_start_matches('/').replace('/', ".");
    let message = show(&error.to_string());
    Some(if place.is_empty() {
        message
    } else {
        format!("{}: {message}", crate::names::show_name(&place))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_may_have_no_zone() {
        let fits = |format: &str, text: &str| {
            let validator = compile(&json!({"type": "string", "format": format})).expect("a schema");
            misfit(&validator, &text.into()).is_none()
        };
        for text in [
            "2026-01-31T10:00:00Z",
            "2026-01-31T10:00:00.5+02:00",
            "2026-01-31T10:00:00",
            "2026-01-31 10:00",
        ] {
            assert!(fits("date-time", text), "{text}");
        }
        for text in ["2026-01-31", "yesterday", "31.01.2026 10:00", ""] {
            assert!(!fits("date-time", text), "{text}");
        }
        assert!(fits("date", "2026-01-31") && !fits("date", "2026-02-31"));
        assert!(fits("time", "10:00:00") && fits("time", "10:00:00.25+02:00") && !fits("time", "10 o'clock"));
    }
}
