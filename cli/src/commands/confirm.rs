//! Questions before something is lost.

use std::io::{self, BufRead, IsTerminal};

use melisma_sdk::{Error, Kind, Result};

/// Asks on the terminal.
///
/// # Errors
/// The answer is not yes, or there is no terminal to ask on: `flag` answers in advance.
pub(super) fn confirm(question: &str, flag: &str) -> Result<()> {
    let refused = |why: &str| Err(Error::new(Kind::Usage, format!("{why}; nothing was changed")));
    if !io::stdin().is_terminal() {
        return refused(&format!(
            "{question} There is no terminal to ask on; {flag} answers yes"
        ));
    }
    crate::stderr::write_at_the_end(format!("{question} [y/N]: "));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        refused("the answer was not yes")
    }
}
