//! `state list`.

use std::io::{self, IsTerminal};

use globset::GlobBuilder;
use melisma_sdk::{Error, Kind, Result};

use super::super::output::print;
use super::edits::checked;
use crate::console::Console;
use crate::state::{States, is_empty};

/// Prints the ids; on a terminal in the colour of their states: green, yellow for an empty one, red for an invalid one.
pub(super) fn list(states: &mut States, pattern: Option<&str>, console: &Console) -> Result<()> {
    let pattern = pattern.map(|pattern| {
        let glob = GlobBuilder::new(pattern).build();
        let wrong = |error: globset::Error| Error::new(Kind::Usage, format!("--pattern: {}", error.kind()));
        glob.map(|glob| glob.compile_matcher()).map_err(wrong)
    });
    let pattern = pattern.transpose()?;
    let mut ids = states.ids()?;
    ids.retain(|id| pattern.as_ref().is_none_or(|pattern| pattern.is_match(id)));
    if ids.is_empty() {
        console.info(&format!("No state IDs found in {}.", states.location()));
    }
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let coloured = io::stdout().is_terminal() && !set("NO_COLOR");
    for id in ids {
        if !coloured {
            print(&id)?;
            continue;
        }
        let state = states.get(&id)?;
        let colour = match checked(&state, true) {
            _ if is_empty(&state) => 33,
            Ok(_) => 32,
            Err(_) => 31,
        };
        print(&format!("\u{1b}[{colour}m{id}\u{1b}[0m"))?;
    }
    Ok(())
}
