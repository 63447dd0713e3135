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
        (
            "--full-refresh-stream",
            !args.extent.full_refresh_stream.is_empty(),
        ),
        ("--from", !args.extent.from.is_empty()),
        ("--backfill", args.extent.backfill),
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
        ("--full-refresh", "--full-refresh-stream"),
    ] {
        if is_given(one) && is_given(other) {
            return Err(usage(format!("{one} cannot be used with {other}")));
        }
    }
    // Merged over the old state, a new one would bring the old bookmark back when the stream does not reach its end.
    let merges = args.merge_state || args.state_strategy == StateStrategy::Merge;
    for option in ["--full-refresh-stream", "--from"] {
        if merges && is_given(option) && args.extent.leaves_state().is_none() {
            return Err(usage(format!(
                "{option} cannot be used with a state that is merged over the stored one"
            )));
        }
    }
    if args.extent.backfill
        && !["--from", "--full-refresh-stream", "--full-refresh"]
            .into_iter()
            .any(is_given)
    {
        return Err(usage(
            "--backfill needs --from, --full-refresh-stream or --full-refresh, which say what is extracted"
                .to_owned(),
        ));
    }
    let pairs = blocks.iter().filter(|block| matches!(block, Block::Pair(_)));
    if pairs.count() > 1 {
        for (options, names) in [
            (["--state", "--state-id"], "the state of one tap and one target"),
            (["--full-refresh-stream", "--from"], "streams of one tap"),
        ] {
            if let Some(option) = options.into_iter().find(|name| is_given(name)) {
                return Err(usage(format!(
                    "{option} names {names}, and these blocks have several"
                )));
            }
        }
    }
    Ok(())
}

fn usage(message: String) -> Error {
    Error::new(Kind::Usage, message)
}
