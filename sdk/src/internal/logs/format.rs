//! A log record as a line.

use jiff::{SignedDuration, Timestamp};
use log::kv::{Key, Value, VisitSource};
use log::{Level, Record};
use melisma_engine::printable::{printable, printable_json};
use serde_json::value::RawValue;
use serde_json::{Map, json};

/// The key-values that have a place of their own; the rest is `extra`.
#[derive(Default)]
struct Pairs {
    stream: Option<String>,
    metric: Option<String>,
    critical: bool,
    exception: Option<String>,
    extra: Map<String, serde_json::Value>,
}

impl<'kvs> VisitSource<'kvs> for Pairs {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        match key.as_str() {
            "stream_name" => self.stream = Some(value.to_string()).filter(|name| !name.is_empty()),
            "metric" => self.metric = Some(value.to_string()),
            "critical" => self.critical = value.to_bool() == Some(true),
            "exception" => self.exception = Some(value.to_string()),
            other => {
                let value = value
                    .to_i64()
                    .map_or_else(|| value.to_string().into(), serde_json::Value::from);
                self.extra.insert(other.to_owned(), value);
            }
        }
        Ok(())
    }
}

fn pairs(record: &Record<'_>) -> Pairs {
    let mut pairs = Pairs::default();
    let _ = record.key_values().visit(&mut pairs);
    pairs
}

/// Python's name of the level.
fn level(record: &Record<'_>, critical: bool) -> &'static str {
    match record.level() {
        Level::Error if critical => "CRITICAL",
        Level::Error => "ERROR",
        Level::Warn => "WARNING",
        Level::Info => "INFO",
        Level::Debug | Level::Trace => "DEBUG",
    }
}

/// A line for people, the Meltano SDK's columns: time, level, name, message.
///
/// A metric is written as singer-python does, `INFO METRIC: {...}`, since its readers look for that at the start of
/// the line. It is one line whatever the message holds: names come from the input.
pub(super) fn plain(name: &str, record: &Record<'_>) -> String {
    let pairs = pairs(record);
    if let Some(metric) = &pairs.metric {
        return format!("INFO METRIC: {}\n", printable_json(metric));
    }
    let time = Timestamp::now();
    let message = record.args().to_string();
    let message = printable(&message);
    format!(
        "{time:.3} | {:<8} | {name} | {message}\n",
        level(record, pairs.critical)
    )
}

/// A JSON line with every field that Meltano's reader asks for. Its message is escaped twice, once as JSON: whoever
/// reads it out shows one line.
pub(super) fn structured(name: &str, record: &Record<'_>) -> String {
    let pairs = pairs(record);
    let message = if pairs.metric.is_some() {
        "METRIC".to_owned()
    } else {
        printable(&record.args().to_string()).into_owned()
    };
    let thread = std::thread::current();
    let mut line = json!({
        "level": level(record, pairs.critical).to_ascii_lowercase(),
        "pid": std::process::id(),
        "logger_name": record.target().replace("::", "."),
        "ts": seconds(Timestamp::now().duration_since(Timestamp::UNIX_EPOCH)),
        "thread_name": thread.name().unwrap_or("unnamed"),
        "app_name": name,
        "stream_name": pairs.stream,
        "message": &message,
        "extra": pairs.extra,
    });
    if let Some(object) = line.as_object_mut() {
        if let Some(kind) = pairs.exception {
            let exception = json!({"type": kind, "module": "melisma", "message": &message});
            object.insert("exception".into(), exception);
        }
        if let Some(metric) = pairs.metric.and_then(|metric| RawValue::from_string(metric).ok()) {
            object.insert(
                "metric_info".into(),
                serde_json::to_value(metric).unwrap_or_default(),
            );
        }
    }
    format!("{}\n", printable_json(&line.to_string()))
}

/// Python's `time.time()`: seconds with microseconds.
fn seconds(since_epoch: SignedDuration) -> f64 {
    (since_epoch.as_secs_f64() * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> serde_json::Value {
        serde_json::from_str(line).expect("a JSON line")
    }

    #[test]
    fn a_structured_line_has_all_fields() {
        let pairs = [("stream_name", "orders"), ("page", "7")];
        let record = Record::builder()
            .args(format_args!("reading \"x\"\nagain"))
            .level(Level::Warn)
            .target("tap_csv::files")
            .key_values(&pairs)
            .build();
        let line = structured("tap-csv", &record);
        assert_eq!(line.matches('\n').count(), 1);
        let line = parsed(&line);
        for field in [
            "level",
            "pid",
            "logger_name",
            "ts",
            "thread_name",
            "app_name",
            "stream_name",
            "message",
            "extra",
        ] {
            assert!(
                line.get(field).is_some_and(|value| !value.is_null()),
                "{field}: {line}"
            );
        }
        assert_eq!(line["level"], "warning");
        assert_eq!(line["stream_name"], "orders");
        assert_eq!(line["logger_name"], "tap_csv.files");
        assert_eq!(line["extra"]["page"], "7");
        let bare = Record::builder()
            .args(format_args!("x"))
            .level(Level::Info)
            .build();
        assert!(parsed(&structured("tap-csv", &bare))["stream_name"].is_null());
    }

    #[test]
    fn a_metric_has_one_source_and_two_shapes() {
        let metric = r#"{"type":"counter","metric":"record_count","value":7,"tags":{"stream":"orders"}}"#;
        let pairs = [("metric", metric), ("stream_name", "orders")];
        let record = Record::builder()
            .args(format_args!("METRIC: as in the key-value"))
            .level(Level::Info)
            .target("melisma_sdk::metrics")
            .key_values(&pairs)
            .build();
        assert_eq!(plain("tap-csv", &record), format!("INFO METRIC: {metric}\n"));
        let line = parsed(&structured("tap-csv", &record));
        assert_eq!(line["message"], "METRIC");
        assert_eq!(line["metric_info"]["value"], 7);
    }

    #[test]
    fn a_name_from_the_input_makes_no_second_line_and_obeys_nobody() {
        let name = "evil\u{1b}[2J\n2026-11-26 [error] melisma FAKE\r\u{9b}31m\u{202e}";
        let metric = json!({"metric": "record_count", "tags": {"stream": name}}).to_string();
        let quiet = |line: &str| {
            line.strip_suffix('\n')
                .is_some_and(|line| line.chars().all(melisma_engine::printable::is_printable))
        };
        let pairs: [&[(&str, &str)]; 2] = [
            &[("stream_name", name), ("location", name)],
            &[("metric", &metric), ("stream_name", name)],
        ];
        for pairs in pairs {
            let line = |shape: fn(&str, &Record<'_>) -> String| {
                let args = format_args!("stream {name}: 1 record");
                let record = Record::builder()
                    .args(args)
                    .level(Level::Info)
                    .key_values(&pairs)
                    .build();
                shape("tap-csv", &record)
            };
            let (plain, structured) = (line(plain), line(structured));
            assert!(quiet(&plain) && quiet(&structured), "{plain}{structured}");
            assert_eq!(
                parsed(&structured)["stream_name"],
                name,
                "a machine reads the name as it is"
            );
        }
    }

    #[test]
    fn a_fatal_error_is_critical() {
        let pairs = [("critical", true)];
        let record = Record::builder()
            .args(format_args!("x"))
            .level(Level::Error)
            .key_values(&pairs)
            .build();
        assert!(plain("tap-csv", &record).contains(" | CRITICAL | tap-csv | x\n"));
        assert_eq!(parsed(&structured("tap-csv", &record))["level"], "critical");
    }
}
