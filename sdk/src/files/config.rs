//! The settings that all file targets share.

use std::path::PathBuf;

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use melisma_engine::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Format;
use super::naming::Stamps;
use crate::target::LoadMethod;

/// The settings that all file targets share; flattened into the settings of each.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FileConfig {
    /// The folder for the files. It is created when it is missing.
    #[serde(alias = "output_path", alias = "output_path_prefix", alias = "filepath")]
    #[schemars(extend("x-aliases" = ["output_path", "output_path_prefix", "filepath"]))]
    pub destination_path: PathBuf,
    /// The name of a stream's file, with the placeholders `{stream_name}`, `{datestamp}` and `{timestamp}`. A `/` makes
    /// a folder. Characters of stream names that are not safe in file names are percent-escaped.
    pub file_naming_scheme: Option<String>,
    /// What `{datestamp}` becomes, in the notation of Python's strftime.
    pub datestamp_format: String,
    /// What `{timestamp}` becomes, in the notation of Python's strftime.
    pub timestamp_format: String,
    /// The time zone of both, such as `UTC` or `Europe/Berlin`.
    pub timestamp_timezone: String,
    /// How rows are combined with the files of earlier runs. `append`: appended to the stream's file, with a commit for
    /// each STATE that is emitted. `replace`: the file is replaced as a whole at the end of the run. `parts`: each
    /// commit creates a file.
    pub write_mode: Option<WriteMode>,
    /// Another name for `write_mode`, which other file targets use.
    pub overwrite_behavior: Option<OverwriteBehavior>,
}

/// How rows are combined with the files of earlier runs; see the [module](super) for what each promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WriteMode {
    /// One file for each stream, to which rows are appended.
    Append,
    /// One file for each stream, replaced as a whole at the end of the run.
    Replace,
    /// A new file for each commit.
    Parts,
}

/// The values of `overwrite_behavior`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverwriteBehavior {
    /// As `write_mode: replace`.
    ReplaceFile,
    /// As `write_mode: append`.
    AppendFile,
    /// As `write_mode: parts`.
    CreateFile,
}

impl Default for FileConfig {
    fn default() -> Self {
        Self {
            destination_path: PathBuf::from("."),
            file_naming_scheme: None,
            datestamp_format: "%Y-%m-%d".to_owned(),
            timestamp_format: "%Y-%m-%d.T%H%M%S".to_owned(),
            timestamp_timezone: "UTC".to_owned(),
            write_mode: None,
            overwrite_behavior: None,
        }
    }
}

impl FileConfig {
    /// How files of this format are written, by these settings and `load_method` together.
    pub(super) fn mode(&self, format: &Format, load_method: LoadMethod) -> Result<WriteMode> {
        let asked = self.asked()?;
        if let Some(mode) = asked.filter(|mode| !format.modes.contains(mode)) {
            let names: Vec<&str> = format.modes.iter().map(|mode| mode.name()).collect();
            return Err(Error::config(format!(
                "write_mode: such files cannot be written by {}, only by {}",
                mode.name(),
                names.join(" or ")
            )));
        }
        match (load_method, asked) {
            (LoadMethod::AppendOnly | LoadMethod::Append, _) => Ok(asked.unwrap_or(format.modes[0])),
            (LoadMethod::Upsert | LoadMethod::UpsertOnConflict, _) => Err(Error::config(
                "load_method is upsert, but files have no keys to find a row by: use append-only or overwrite",
            )),
            (LoadMethod::Overwrite, None | Some(WriteMode::Replace)) => Ok(WriteMode::Replace),
            (LoadMethod::Overwrite, Some(mode)) => Err(Error::config(format!(
                "load_method is overwrite, which replaces files, but write_mode is {}",
                mode.name()
            ))),
        }
    }

    /// The way of writing that was asked for by name.
    fn asked(&self) -> Result<Option<WriteMode>> {
        let other = self.overwrite_behavior.map(|behavior| match behavior {
            OverwriteBehavior::ReplaceFile => WriteMode::Replace,
            OverwriteBehavior::AppendFile => WriteMode::Append,
            OverwriteBehavior::CreateFile => WriteMode::Parts,
        });
        match (self.write_mode, other) {
            (Some(mode), Some(other)) if mode != other => Err(Error::config(format!(
                "write_mode is {}, but overwrite_behavior says {}",
                mode.name(),
                other.name()
            ))),
            (mode, other) => Ok(mode.or(other)),
        }
    }

    pub(super) fn now(&self) -> Result<Zoned> {
        let name = &self.timestamp_timezone;
        // Known without the system's time zone database, which small containers lack.
        if name.eq_ignore_ascii_case("UTC") {
            return Ok(Timestamp::now().to_zoned(TimeZone::UTC));
        }
        Timestamp::now().in_tz(name).map_err(|error| {
            Error::config(format!(
                "timestamp_timezone: no time zone {:?} is known here",
                melisma_engine::error::show(name)
            ))
            .with_source(error)
        })
    }

    pub(super) fn stamps(&self, now: &Zoned) -> Result<Stamps> {
        Ok(Stamps {
            date: stamp(now, "datestamp_format", &self.datestamp_format)?,
            time: stamp(now, "timestamp_format", &self.timestamp_format)?,
        })
    }
}

impl WriteMode {
    /// The name in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::Parts => "parts",
        }
    }
}

/// The start of the run as it stands in the names of parts: UTC, milliseconds, sorting as text.
pub(super) fn run_name(now: &Zoned) -> String {
    let utc = now.with_time_zone(TimeZone::UTC);
    strtime::format("%Y%m%dT%H%M%S%3fZ", &utc)
        .unwrap_or_else(|_| format!("{}", utc.timestamp().as_millisecond()))
}

fn stamp(now: &Zoned, setting: &str, format: &str) -> Result<String> {
    strtime::format(from_python(format), now).map_err(|error| {
        Error::config(format!("{setting}: {}", melisma_engine::error::show(format))).with_source(error)
    })
}

/// Python's `%f` is six digits of microseconds; the rest of its notation is common.
fn from_python(format: &str) -> String {
    let mut out = String::with_capacity(format.len() + 2);
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '%' {
            match chars.next() {
                Some('f') => out.push_str("6f"),
                Some(next) => out.push(next),
                None => {}
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_pythons() {
        let now: Zoned = "2026-08-03T07:05:09.000042Z"
            .parse::<Timestamp>()
            .expect("a time")
            .to_zoned(TimeZone::UTC);
        let settings = FileConfig::default();
        let stamps = settings.stamps(&now).expect("stamps");
        assert_eq!(
            (stamps.date.as_str(), stamps.time.as_str()),
            ("2026-08-03", "2026-08-03.T070509")
        );
        assert_eq!(
            stamp(&now, "x", "%Y%m%dT%H%M%S.%f%%f %j %a %-d").expect("known"),
            "20260803T070509.000042%f 215 Mon 3"
        );
        assert!(stamp(&now, "x", "%E").is_err());
        assert_eq!(run_name(&now), "20260803T070509000Z");
    }

    #[test]
    fn an_unknown_zone_is_refused() {
        let settings = FileConfig {
            timestamp_timezone: "UTC".into(),
            ..FileConfig::default()
        };
        assert_eq!(settings.now().expect("a zone").time_zone(), &TimeZone::UTC);
        let settings = FileConfig {
            timestamp_timezone: "Mars/Olympus".into(),
            ..FileConfig::default()
        };
        assert!(
            settings
                .now()
                .expect_err("no such zone")
                .to_string()
                .starts_with("timestamp_timezone: ")
        );
    }

    #[test]
    fn names_of_modes_must_agree() {
        let parse = |text: &str| serde_json::from_str::<FileConfig>(text).expect("settings");
        assert_eq!(parse("{}").asked().expect("agrees"), None);
        let replace = parse(r#"{"overwrite_behavior": "replace_file", "output_path": "x"}"#);
        assert_eq!(replace.asked().expect("agrees"), Some(WriteMode::Replace));
        assert_eq!(replace.destination_path, PathBuf::from("x"));
        assert!(
            parse(r#"{"overwrite_behavior": "replace_file", "write_mode": "append"}"#)
                .asked()
                .is_err()
        );
    }
}
