//! Options of a run that exclude each other. They are checked here and not by clap, because a variable that is `false` counts
//! as set there.

use melisma_sdk::{Error, Kind, Result};

use super::grammar::Block;
use crate::args::{RunArgs, StateStrategy};

/// Refuses options that contradict each other, or the blocks.
pub(super) fn check(args: &RunArgs, blocks: &[Block]) -> Result<()> {
    let given = [
        ("--state", args.state.is_some()),
        ("--state-id", args.state_id.is_some()),
        ("--state-id-suffix", args.state_id_suffix.is_some()),
        ("--full-refresh", args.full_refresh),
        ("--no-state-update", args.no_state_update),
        ("--adopt-state", args.adopt_state),
        ("--merge-state", args.merge_state),
        ("--state-strategy", args.state_strategy != StateStrategy::Auto),
    ];
    let is_given = |name: &str| given.iter().any(|(other, given)| *other == name && *given);
    for (one, other) in [
        ("--state", "--state-id-suffix"),
        ("--state", "--no-state-update"),
        ("--adopt-state", "--full-refresh"),
        ("--adopt-state", "--no-state-update"),
        ("--merge-state", "--state-strategy"),
    ] {
        if is_given(one) && is_given(other) {
            return Err(usage(format!("{one} cannot be used with {other}")));
        }
    }
    let pairs = blocks.iter().filter(|block| matches!(block, Block::Pair(_)));
    if pairs.count() > 1
        && let Some(option) = ["--state", "--state-id"].into_iter().find(|name| is_given(name))
    {
        return Err(usage(format!(
            "{option} names the state of one tap and one target, and these blocks have several"
        )));
    }
    Ok(())
}

fn usage(message: String) -> Error {
    Error::new(Kind::Usage, message)
}
