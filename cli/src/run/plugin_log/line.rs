//! One log line of a plugin: plain text, or JSON as the Meltano SDK writes it.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::level::Level;

/// The text before the JSON of a metric.
const METRIC: &str = "METRIC: {";

/// A line of the Meltano SDK's JSON logs.
#[derive(Deserialize)]
struct Structured {
    level: String,
    pid: Value,
    logger_name: Value,
    #[serde(rename = "ts")]
    _ts: Value,
    thread_name: Value,
    app_name: Value,
    message: String,
    #[serde(default)]
    exception: Option<Map<String, Value>>,
    #[serde(default)]
    metric_info: Option<Value>,
    #[serde(default)]
    extra: Option<Map<String, Value>>,
    #[serde(default)]
    stream_name: Option<String>,
    /// What the line has besides.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// The content of a log line.
pub(super) struct LogLine {
    pub(super) level: Level,
    pub(super) message: String,
    /// What it says besides, by Meltano's names.
    pub(super) fields: Map<String, Value>,
    /// Where the target's rows are.
    pub(super) location: Option<String>,
    /// A stream, and the number of records that the tap expects of it.
    pub(super) expected: Option<(String, u64)>,
}

/// `{"type": "counter", "metric": "record_count", "value": 1, "tags": {"stream": "s"}}`
#[derive(Deserialize)]
struct Metric {
    metric: String,
    value: Value,
    #[serde(default)]
    tags: Map<String, Value>,
}

impl LogLine {
    /// Reads a line: a JSON object of the Meltano SDK, or else plain text.
    pub(super) fn read(line: &str) -> Self {
        if line.starts_with('{')
            && let Ok(line) = serde_json::from_str::<Structured>(line)
        {
            let message = match line.metric_info {
                // Our plugins and those of the Meltano SDK have the metric in a field of its own; as text it is one line.
                Some(ref metric) if metric.is_object() => format!("METRIC: {metric}"),
                _ => with_exception(line.message, line.exception.as_ref()),
            };
            let mut fields = line.rest;
            let stream = line.stream_name.as_deref().map(Value::from);
            for (key, value) in [
                ("pid", line.pid),
                ("thread_name", line.thread_name),
                ("app_name", line.app_name),
                ("plugin_logger", line.logger_name),
                ("stream_name", stream.unwrap_or_default()),
                ("metric_info", line.metric_info.clone().unwrap_or_default()),
            ] {
                fields.insert(key.to_owned(), value);
            }
            fields.extend(line.extra.clone().unwrap_or_default());
            fields.retain(|_, value| !value.is_null());
            let extra = line.extra.as_ref();
            let location = extra
                .and_then(|extra| extra.get("location")?.as_str())
                .map(str::to_owned);
            let expected = extra.and_then(|extra| extra.get("expected_records")?.as_u64());
            return Self {
                level: Level::parse(&line.level).unwrap_or(Level::Info),
                message,
                fields,
                location,
                expected: line.stream_name.zip(expected),
            };
        }
        Self {
            level: Level::Info,
            message: line.to_owned(),
            fields: Map::new(),
            location: None,
            expected: None,
        }
    }

    pub(super) fn is_metric(&self) -> bool {
        self.message.contains(METRIC)
    }

    /// The stream and the number of a `record_count` in a METRIC line.
    pub(super) fn record_count(&self) -> Option<(String, u64)> {
        let (_, json) = self.message.split_once(METRIC)?;
        let metric: Metric = serde_json::from_str(&format!("{{{json}")).ok()?;
        let stream = metric.tags.get("stream")?.as_str()?.to_owned();
        (metric.metric == "record_count").then_some((stream, metric.value.as_u64()?))
    }
}

fn with_exception(mut message: String, exception: Option<&Map<String, Value>>) -> String {
    let Some(exception) = exception else {
        return message;
    };
    let text = |key: &str| {
        exception
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if let Some(why) = text("message").filter(|why| !message.contains(*why)) {
        let _ = write!(message, ": {}: {why}", text("type").unwrap_or("error"));
    }
    if let Some(traceback) = text("traceback") {
        message.push('\n');
        message.push_str(traceback.trim_end());
    }
    message
}
