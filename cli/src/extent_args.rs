//! The options of `run` and `el` that change which records a run extracts.

use std::ffi::OsString;
use std::str::FromStr;

/// Which records are extracted, when that is not what the stored state says.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct ExtentArgs {
    /// Extract the streams that match STREAM again from their beginning, and the others from their bookmarks
    #[arg(long, value_name = "STREAM")]
    pub(crate) full_refresh_stream: Vec<String>,
    /// Extract the streams that match STREAM from VALUE of their replication key, instead of from their bookmarks
    #[arg(long, value_name = "STREAM=VALUE")]
    pub(crate) from: Vec<From>,
    /// Leave the stored state as it is. With --from, --full-refresh-stream or --full-refresh
    #[arg(long)]
    pub(crate) backfill: bool,
    /// Pass at most N records of each stream to the target, and store no state
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

impl ExtentArgs {
    /// The option that leaves the stored state as it is, if one is given.
    pub(crate) fn leaves_state(&self) -> Option<&'static str> {
        match (self.backfill, self.limit) {
            (true, _) => Some("--backfill"),
            (false, Some(_)) => Some("--limit"),
            (false, None) => None,
        }
    }

    /// The options again, as words of a command line of melisma.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        let mut option = |name: &str, value: String| words.push(format!("{name}={value}").into());
        for stream in &self.full_refresh_stream {
            option("--full-refresh-stream", stream.clone());
        }
        for from in &self.from {
            option("--from", format!("{}={}", from.stream, from.value));
        }
        if let Some(limit) = self.limit {
            option("--limit", limit.to_string());
        }
        if self.backfill {
            words.push("--backfill".into());
        }
        words
    }
}

/// `STREAM=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct From {
    /// The name of a stream, or a pattern.
    pub(crate) stream: String,
    /// A value of its replication key.
    pub(crate) value: String,
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((stream, value)) if !stream.is_empty() && !value.is_empty() => Ok(Self {
                stream: stream.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("expected STREAM=VALUE".to_owned()),
        }
    }
}
