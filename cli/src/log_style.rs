//! How a log line looks.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use melisma_sdk::internal::printable::{printable, printable_json};
use serde_json::{Map, Value};

use crate::level::Level;
use crate::project::spelling;

/// The look of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Coloured,
    Json,
    /// JSON with the keys that Google Cloud Logging reads.
    GoogleJson,
    KeyValue,
    Logfmt,
    Message,
}

/// A line before it has a look.
pub(crate) struct Line<'a> {
    pub(crate) at: Timestamp,
    pub(crate) level: Level,
    pub(crate) name: &'a str,
    pub(crate) message: &'a str,
    /// What lines for machines have besides.
    pub(crate) fields: &'a Map<String, Value>,
}

impl Style {
    /// Whether people read it, and not machines.
    pub(crate) fn is_for_people(self) -> bool {
        matches!(self, Self::Plain | Self::Coloured | Self::Message)
    }

    /// `2026-01-31T12:00:00.123456Z [info     ] tap-a        message`, or the same in another style, with an end of line.
    ///
    /// Whatever is in the line, it stays one line, and has no escape sequence for a terminal but its own colour.
    pub(crate) fn write(self, line: &Line<'_>) -> String {
        let time = line
            .at
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
            .to_string();
        match self {
            Self::Plain => text(&time, line, "", ""),
            Self::Coloured => text(&time, line, line.level.colour(), "\x1b[0m"),
            Self::Json => json(time, line, "level", "event", line.level.name().to_owned()),
            Self::GoogleJson => json(
                time,
                line,
                "severity",
                "message",
                line.level.name().to_uppercase(),
            ),
            Self::KeyValue => pairs(&time, line, |value| {
                printable(&spelling::repr(value)).into_owned()
            }),
            Self::Logfmt => pairs(&time, line, logfmt),
            Self::Message => format!("{}\n", printable(line.message)),
        }
    }
}

fn text(time: &str, line: &Line<'_>, on: &str, off: &str) -> String {
    let (name, message) = (printable(line.name), printable(line.message));
    format!(
        "{time} [{on}{:<9}{off}] {name:<12} {message}\n",
        line.level.name()
    )
}

fn json(time: String, line: &Line<'_>, level_key: &str, event_key: &str, level: String) -> String {
    let mut object = Map::from_iter([
        ("timestamp".to_owned(), Value::from(time)),
        (level_key.to_owned(), level.into()),
        ("name".to_owned(), line.name.into()),
        (event_key.to_owned(), line.message.into()),
    ]);
    for (key, value) in line.fields {
        // What a plugin calls its fields must not change who says what.
        object.entry(key).or_insert_with(|| value.clone());
    }
    format!("{}\n", printable_json(&Value::Object(object).to_string()))
}

/// `timestamp=... level=... event=... name=...`, in Meltano's order.
fn pairs(time: &str, line: &Line<'_>, spell: impl Fn(&Value) -> String) -> String {
    let own = [
        ("timestamp", time),
        ("level", line.level.name()),
        ("event", line.message),
        ("name", line.name),
    ];
    let mut words: Vec<String> = own
        .iter()
        .map(|(key, text)| format!("{key}={}", spell(&Value::from(*text))))
        .collect();
    for (key, value) in line.fields {
        if !own.iter().any(|(name, _)| name == key) {
            words.push(format!(
                "{}={}",
                printable(key).replace([' ', '='], "_"),
                spell(value)
            ));
        }
    }
    format!("{}\n", words.join(" "))
}

/// A value as logfmt has it: in quotes where it would not be one word.
fn logfmt(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => printable(text).into_owned(),
        other => printable_json(&other.to_string()).into_owned(),
    };
    if text.is_empty() || text.contains([' ', '=', '"']) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ALL: [Style; 7] = [
        Style::Plain,
        Style::Coloured,
        Style::Json,
        Style::GoogleJson,
        Style::KeyValue,
        Style::Logfmt,
        Style::Message,
    ];

    fn write(style: Style, level: Level, name: &str, message: &str, fields: &Value) -> String {
        let fields = fields.as_object().cloned().unwrap_or_default();
        style.write(&Line {
            at: Timestamp::from_microsecond(1_769_860_800_123_456).expect("in range"),
            level,
            name,
            message,
            fields: &fields,
        })
    }

    #[test]
    fn a_line_looks_as_meltano_writes_it() {
        let fields = json!({"stdio": "stderr", "consumer": false, "err": null});
        let write = |style| write(style, Level::Info, "tap-a", "it's \"so\"", &fields);
        assert_eq!(
            write(Style::Plain),
            "2026-01-31T12:00:00.123456Z [info     ] tap-a        it's \"so\"\n"
        );
        assert_eq!(
            write(Style::KeyValue),
            "timestamp='2026-01-31T12:00:00.123456Z' level='info' event='it\\'s \"so\"' name='tap-a' stdio='stderr' consumer=False err=None\n"
        );
        assert_eq!(
            write(Style::Logfmt),
            "timestamp=2026-01-31T12:00:00.123456Z level=info event=\"it's \\\"so\\\"\" name=tap-a stdio=stderr consumer=false err=\n"
        );
        assert_eq!(write(Style::Message), "it's \"so\"\n");
    }

    #[test]
    fn a_line_of_json_has_the_fields_that_meltano_gives_it() {
        let fields = json!({"stdio": "stderr", "event": "forged", "level": "debug", "k": {"n": 1}});
        let parse = |style| -> Value {
            let line = write(style, Level::Warning, "tap-a", "it is \"so\"", &fields);
            assert!(line.ends_with("}\n"), "{line}");
            serde_json::from_str(&line).expect("JSON")
        };
        let expected = json!({
            "timestamp": "2026-01-31T12:00:00.123456Z", "level": "warning", "name": "tap-a", "event": "it is \"so\"",
            "stdio": "stderr", "k": {"n": 1},
        });
        assert_eq!(parse(Style::Json), expected);
        let google = parse(Style::GoogleJson);
        assert_eq!(
            (&google["severity"], &google["message"]),
            (&json!("WARNING"), &json!("it is \"so\""))
        );
    }

    #[test]
    fn a_line_stays_one_line_without_escape_sequences() {
        let evil = "s\u{1b}]0;x\u{7}\n2026 FAKE\r\u{9b}31m\u{202e}";
        for style in ALL {
            let colours = if style == Style::Coloured { 9 } else { 0 };
            let line = write(style, Level::Error, "tap\u{1b}[2J", evil, &json!({evil: evil}));
            let line = line.strip_suffix('\n').expect("one line");
            let rest = line.replacen("\u{1b}[31m", "", 1).replacen("\u{1b}[0m", "", 1);
            assert_eq!(rest.len(), line.len() - colours);
            assert!(
                rest.chars().all(melisma_sdk::internal::printable::is_printable),
                "{line}"
            );
        }
    }
}
