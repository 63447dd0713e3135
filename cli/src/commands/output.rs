//! What commands answer: text on stdout.

use std::io::{ErrorKind, Write};

use melisma_sdk::internal::protocol;
use melisma_sdk::{Error, Result};

/// Writes a text with a line break. A reader that wants no more of it, such as `head`, is no failure.
pub(super) fn print(text: &str) -> Result<()> {
    match protocol::stdout()?.write_all(format!("{text}\n").as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::io("cannot write to stdout", error))
        }
        _ => Ok(()),
    }
}
