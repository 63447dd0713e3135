//! The stderr of a plugin: its log lines, told again under its name.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::console::{Console, Level};
use crate::names;
use crate::tally::MAX_STREAMS;

/// A longer line is told in pieces.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Characters of the place where a target says that its rows are; no path is longer.
const MAX_LOCATION: usize = 4096;

/// What stands before the JSON of a measurement.
const METRIC: &str = "METRIC: {";

/// What a plugin says of itself in its log.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Facts>>);

/// See [`Said`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Records by stream, as it counts them in its METRIC lines.
    pub(crate) records: BTreeMap<String, u64>,
    /// Where its rows are.
    pub(crate) location: Option<String>,
    /// How many records a stream will have, as a tap expects that knows its source.
    pub(crate) expected: BTreeMap<String, u64>,
}

impl Said {
    /// What was said so far.
    pub(crate) fn facts(&self) -> Facts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self, line: &Line) {
        let count = records(&line.message);
        if count.is_none() && line.location.is_none() && line.expected.is_none() {
            return;
        }
        let mut facts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stream, count)) = count {
            count_more(&mut facts.records, names::bounded(stream), count);
        }
        if let Some((stream, count)) = &line.expected {
            count_more(&mut facts.expected, names::bounded(stream.clone()), *count);
        }
        if let Some(location) = &line.location {
            facts.location = Some(location.chars().take(MAX_LOCATION).collect());
        }
    }
}

/// What was said of streams beyond the limit is not kept: a log may name any number of them.
fn count_more(counts: &mut BTreeMap<String, u64>, stream: String, count: u64) {
    if let Some(known) = counts.get_mut(&stream) {
        *known = known.saturating_add(count);
    } else if counts.len() < MAX_STREAMS {
        counts.insert(stream, count);
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
    #[serde(default)]
    exception: Option<Map<String, Value>>,
    #[serde(default)]
    metric_info: Option<Value>,
    #[serde(default)]
    extra: Option<Map<String, Value>>,
    #[serde(default)]
    stream_name: Option<String>,
}

/// What a line says.
struct Line {
    level: Level,
    message: String,
    /// Where the target says that its rows are.
    location: Option<String>,
    /// A stream, and how many records its tap expects in it.
    expected: Option<(String, u64)>,
}

/// `{"type": "counter", "metric": "record_count", "value": 1, "tags": {"stream": "s"}}`
#[derive(Deserialize)]
struct Counted {
    metric: String,
    value: Value,
    #[serde(default)]
    tags: Map<String, Value>,
}

/// Tells every line until the plugin closes its stderr.
pub(crate) fn tell_again(stderr: impl Read, name: &str, said: &Said, console: &Console) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let line = read(text.trim_end_matches(['\r', '\n']));
        said.take(&line);
        // Measurements are for machines; a person sees them in the progress and at the end.
        let level = if line.message.contains(METRIC) {
            Level::Debug
        } else {
            line.level
        };
        // Of a message with several lines, such as a traceback, each becomes a line of this plugin's: none can pass
        // for one of somebody else.
        for line in line.message.lines() {
            console.relay(level, name, &plain(line));
        }
    }
}

/// A line without what only matters on a terminal: colours go, tabs become spaces. What is left is escaped by the
/// console.
fn plain(line: &str) -> Cow<'_, str> {
    if !line.contains(['\u{1b}', '\t']) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut pieces = line.split("\u{1b}[");
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let parameters = piece
            .bytes()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'))
            .count();
        match piece[parameters..].strip_prefix('m') {
            Some(rest) => out.push_str(rest),
            None => out.extend(["\u{1b}[", piece]),
        }
    }
    Cow::Owned(out.replace('\t', "    "))
}

fn read(line: &str) -> Line {
    if line.starts_with('{')
        && let Ok(line) = serde_json::from_str::<Structured>(line)
    {
        let message = match line.metric_info {
            // Our own plugins and the SDK's put the metric beside the message; told again it is one line of text.
            Some(metric) if metric.is_object() => format!("METRIC: {metric}"),
            _ => with_exception(line.message, line.exception.as_ref()),
        };
        let extra = line.extra.as_ref();
        let location = extra
            .and_then(|extra| extra.get("location")?.as_str())
            .map(str::to_owned);
        let expected = extra.and_then(|extra| extra.get("expected_records")?.as_u64());
        return Line {
            level: Level::parse(&line.level).unwrap_or(Level::Info),
            message,
            location,
            expected: line.stream_name.zip(expected),
        };
    }
    Line {
        level: Level::Info,
        message: line.to_owned(),
        location: None,
        expected: None,
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

/// The stream and the number of a `record_count` in a METRIC line.
fn records(message: &str) -> Option<(String, u64)> {
    let (_, json) = message.split_once(METRIC)?;
    let metric: Counted = serde_json::from_str(&format!("{{{json}")).ok()?;
    let stream = metric.tags.get("stream")?.as_str()?.to_owned();
    (metric.metric == "record_count").then_some((stream, metric.value.as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structured(more: &str) -> String {
        format!(
            r#"{{"level": "WARNING", "pid": 1, "logger_name": "tap", "ts": 1.5, "thread_name": "Main",
                "app_name": "tap-x", "stream_name": null, "message": "careful", {more}}}"#
        )
    }

    #[test]
    fn structured_lines_keep_their_level() {
        let line = read(&structured(r#""exception": null"#));
        assert_eq!((line.level, line.message.as_str()), (Level::Warning, "careful"));
        let line = read(&structured(
            r#""exception": {"type": "ValueError", "message": "no"}"#,
        ));
        assert_eq!(line.message, "careful: ValueError: no");
    }

    #[test]
    fn a_location_and_a_metric_are_taken_out() {
        let said = Said::default();
        said.take(&read(&structured(r#""extra": {"location": "/out"}"#)));
        let metric = r#"{"type": "counter", "metric": "record_count", "value": 7, "tags": {"stream": "s"}}"#;
        for _ in 0..2 {
            said.take(&read(&structured(&format!(r#""metric_info": {metric}"#))));
        }
        let facts = said.facts();
        assert_eq!(facts.location.as_deref(), Some("/out"));
        assert_eq!(facts.records, BTreeMap::from([("s".to_owned(), 14)]));
    }

    #[test]
    fn colours_go_and_other_sequences_stay_to_be_escaped() {
        assert_eq!(plain("\u{1b}[1;31mno\u{1b}[0m\u{1b}[m\tx"), "no    x");
        assert_eq!(plain("a\u{1b}[2Jb\u{1b}]0;t\u{7}"), "a\u{1b}[2Jb\u{1b}]0;t\u{7}");
        assert_eq!(plain("é"), "é");
    }

    #[test]
    fn what_a_plugin_says_of_itself_is_bounded() {
        let said = Said::default();
        let long = "x".repeat(100_000);
        for stream in 0..MAX_STREAMS + 10 {
            let name = if stream < 10 {
                format!("{stream}{long}")
            } else {
                stream.to_string()
            };
            let metric = format!(
                r#"INFO METRIC: {{"type":"counter","metric":"record_count","value":18446744073709551615,"tags":{{"stream":"{name}"}}}}"#
            );
            said.take(&read(&metric));
            said.take(&read(&metric));
        }
        let facts = said.facts();
        assert_eq!(facts.records.len(), MAX_STREAMS);
        assert!(facts.records.keys().all(|name| name.len() <= names::MAX_BYTES));
        said.take(&read(&structured(&format!(
            r#""extra": {{"location": "{long}"}}"#
        ))));
        assert!(
            said.facts()
                .location
                .is_some_and(|location| location.len() <= MAX_LOCATION)
        );
    }

    #[test]
    fn json_that_lacks_a_field_is_a_plain_line() {
        assert_eq!(read(r#"{"level": "ERROR", "message": "x"}"#).level, Level::Info);
        assert_eq!(read("INFO hello").message, "INFO hello");
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
