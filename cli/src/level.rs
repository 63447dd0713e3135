//! Log levels.

use clap::ValueEnum;

/// The severity of a log line. The names are Python's, as Singer plugins use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Level {
    Debug,
    Info,
    Warning,
    Error,
    Critical,
    /// As a threshold: show nothing at all
    Disabled,
}

impl Level {
    /// The level of that name, in any case; `warn` and `fatal` are accepted too.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "debug" | "trace" => Self::Debug,
            "info" => Self::Info,
            "warning" | "warn" => Self::Warning,
            "error" => Self::Error,
            "critical" | "fatal" => Self::Critical,
            "disabled" => Self::Disabled,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Disabled => "disabled",
        }
    }

    /// The escape sequence of its colour.
    pub(crate) fn colour(self) -> &'static str {
        match self {
            Self::Debug => "\x1b[36m",
            Self::Info | Self::Disabled => "\x1b[32m",
            Self::Warning => "\x1b[33m",
            Self::Error | Self::Critical => "\x1b[31m",
        }
    }
}
