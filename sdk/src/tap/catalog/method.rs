//! How a stream is read: in full, from a bookmark on, or from a log.

use std::fmt;

use melisma_engine::error::show;
use melisma_engine::{Error, Result};

/// How a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Everything, each time.
    FullTable,
    /// From the bookmark of the replication key on.
    Incremental,
    /// From a log of changes.
    LogBased,
}

impl Method {
    /// Reads `FULL_TABLE`, `INCREMENTAL` or `LOG_BASED`.
    ///
    /// ```
    /// use melisma_sdk::Method;
    ///
    /// assert_eq!(Method::parse("incremental")?, Method::Incremental);
    /// assert!(Method::parse("sometimes").is_err());
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    pub fn parse(word: &str) -> Result<Self> {
        match word.to_ascii_uppercase().as_str() {
            "FULL_TABLE" => Ok(Self::FullTable),
            "INCREMENTAL" => Ok(Self::Incremental),
            "LOG_BASED" => Ok(Self::LogBased),
            _ => Err(Error::config(format!(
                "replication method: expected FULL_TABLE, INCREMENTAL or LOG_BASED, found {}",
                show(word)
            ))),
        }
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::FullTable => "FULL_TABLE",
            Self::Incremental => "INCREMENTAL",
            Self::LogBased => "LOG_BASED",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
