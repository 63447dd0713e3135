//! The stderr of a plugin: its log lines, told again under its name.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::console::{Console, Level};

/// A longer line is told in pieces.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Records by stream, as a plugin counts them itself in its METRIC lines.
#[derive(Clone, Default)]
pub(crate) struct Metrics(Arc<Mutex<BTreeMap<String, u64>>>);

impl Metrics {
    /// The counts so far.
    pub(crate) fn records(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, stream: &str, count: u64) {
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(stream.to_owned())
            .or_default() += count;
    }
}

/// A line of the Meltano SDK's JSON logs.
#[derive(Deserialize)]
struct Structured {
    level: String,
    #[serde(rename = "pid")]
    _pid: Value,
    #[serde(rename = "logger_name")]
    _logger: Value,
    #[serde(rename = "ts")]
    _ts: Value,
    #[serde(rename = "thread_name")]
    _thread: Value,
    #[serde(rename = "app_name")]
    _app: Value,
    message: String,
    exception: Option<Map<String, Value>>,
}

/// `{"type": "counter", "metric": "record_count", "value": 1, "tags": {"stream": "s"}}`
#[derive(Deserialize)]
struct Metric {
    metric: String,
    value: Value,
    #[serde(default)]
    tags: Map<String, Value>,
}

/// Tells every line until the plugin closes its stderr.
pub(crate) fn tell_again(stderr: impl Read, name: &str, metrics: &Metrics, console: &Console) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let (level, message) = read(text.trim_end_matches(['\r', '\n']));
        if let Some((stream, count)) = records(&message) {
            metrics.add(&stream, count);
        }
        console.log(level, name, &message);
    }
}

/// The level and the message of a line.
fn read(line: &str) -> (Level, String) {
    if line.starts_with('{')
        && let Ok(line) = serde_json::from_str::<Structured>(line)
    {
        let level = Level::parse(&line.level).unwrap_or(Level::Info);
        return (level, with_exception(line.message, line.exception.as_ref()));
    }
    (Level::Info, line.to_owned())
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
        message.push_str(&format!(": {}: {why}", text("type").unwrap_or("error")));
    }
    if let Some(traceback) = text("traceback") {
        message.push('\n');
        message.push_str(traceback.trim_end());
    }
    message
}

/// The stream and the number of a `record_count` in a METRIC line.
fn records(message: &str) -> Option<(String, u64)> {
    let (_, json) = message.split_once("METRIC: ")?;
    let metric: Metric = serde_json::from_str(json).ok()?;
    let stream = metric.tags.get("stream")?.as_str()?.to_owned();
    (metric.metric == "record_count").then_some((stream, metric.value.as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structured_lines_keep_their_level() {
        let line = r#"{"level": "WARNING", "pid": 1, "logger_name": "tap", "ts": 1.5, "thread_name": "Main",
                       "app_name": "tap-x", "stream_name": null, "message": "careful", "exception": null}"#;
        assert_eq!(read(line), (Level::Warning, "careful".to_owned()));
        let line = line.replace(
            "\"exception\": null",
            r#""exception": {"type": "ValueError", "message": "no"}"#,
        );
        assert_eq!(read(&line).1, "careful: ValueError: no");
    }

    #[test]
    fn json_that_lacks_a_field_is_a_plain_line() {
        assert_eq!(read(r#"{"level": "ERROR", "message": "x"}"#).0, Level::Info);
        assert_eq!(read("INFO hello"), (Level::Info, "INFO hello".to_owned()));
    }

    #[test]
    fn metric_lines_are_recognised_in_both_shapes() {
        let json =
            r#"{"type": "counter", "metric": "record_count", "value": 7, "tags": {"stream": "s", "pid": 1}}"#;
        for line in [format!("METRIC: {json}"), format!("INFO METRIC: {json}")] {
            assert_eq!(records(&line), Some(("s".to_owned(), 7)));
        }
        assert_eq!(records("METRIC: {}"), None);
        assert_eq!(records(&json.replace("record_count", "batch_count")), None);
    }
}
