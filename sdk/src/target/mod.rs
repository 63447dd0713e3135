//! What a target is made of: the [`Target`] trait, its standard settings and its `main`.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use melisma_engine::Result;
use melisma_engine::encode::Encoder;
use melisma_engine::pipeline::Limits;
use melisma_engine::schema::StreamSchema;
use melisma_engine::sink::Sink;

mod counts;
mod metrics;
mod run;
mod settings;
mod verdict;

pub use counts::{COUNTS_VARIABLE, Count};
pub(crate) use run::plugin;
pub use run::run_target_on;
pub use settings::{InvalidLine, LoadMethod, NotANumber, OnInvalid, Replace, Settings, UndeclaredProperties};
pub use verdict::{RUN_VERDICT_FAILED, RUN_VERDICT_OK, RUN_VERDICT_VARIABLE};

/// A Singer target: where records go.
///
/// [`open`](Target::open) is called once. Then each stream gets an encoder, which turns decoded rows into the form
/// that the target writes, and a sink, which writes them and makes them durable. STATE follows what the sinks have
/// committed, and nothing else.
pub trait Target: Send + Sync + Sized + 'static {
    /// The name of the executable, such as `target-jsonl`.
    const NAME: &'static str;

    /// The target's version; say `env!("CARGO_PKG_VERSION")` for the connector's own.
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    /// The target's own settings. Its doc comments become `--about`.
    type Config: serde::de::DeserializeOwned + schemars::JsonSchema;

    /// From rows to the form that the sink writes.
    type Encoder: Encoder;

    /// Writes one stream.
    type Sink: Sink<Batch = <Self::Encoder as Encoder>::Batch>;

    /// Connects, opens folders, checks what the settings say.
    fn open(config: Self::Config) -> Result<Self>;

    /// Whether the seven `_sdc_` columns are added unless `add_record_metadata` says otherwise.
    const ADD_RECORD_METADATA: bool = false;

    /// Whether its encoder writes the properties that a schema does not declare
    /// ([`Row::undeclared`](melisma_engine::cell::Row::undeclared)): then `undeclared_properties` may be `keep`, and is so
    /// where a schema says that records have such properties.
    const KEEPS_UNDECLARED: bool = false;

    /// Takes note of the standard settings; called once, after [`open`](Target::open). A target whose way of writing
    /// depends on `load_method` looks here, and refuses what it can not do; one with other names for some of them
    /// puts their values in.
    fn with_settings(self, settings: &mut Settings) -> Result<Self> {
        let _ = settings;
        Ok(self)
    }

    /// The values of `load_method` that the target follows. Others are refused before it is opened, and `--about` does
    /// not name them.
    const LOAD_METHODS: &'static [LoadMethod] = &[LoadMethod::AppendOnly, LoadMethod::Append];

    /// Whether its sinks follow ACTIVATE_VERSION ([`Sink::activate_version`]). When they do not, the capability and the
    /// setting `process_activate_version_messages` are not there, and a run that gets such a message warns of it.
    const ACTIVATES_VERSIONS: bool = false;

    /// The encoder of a stream, on the decoding thread; called again for each changed schema.
    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Self::Encoder>;

    /// The sink of a stream, on its writing thread; called once, at the first SCHEMA of the stream.
    fn sink(&self, schema: &Arc<StreamSchema>) -> Result<Self::Sink>;

    /// When rows are committed, unless the settings say otherwise.
    fn defaults() -> Limits {
        Limits::default()
    }

    /// Whether only the end of the input makes rows durable, as for files that are replaced as a whole.
    ///
    /// Then [`Sink::commit`] and [`Sink::finish`] are called once for each stream, after the last record of a run
    /// that ended as it should, and the only STATE emitted is the last. The end of the input alone does not show that a run
    /// ended as it should, because the pipe of a tap that was killed closes, too: the runner must say so
    /// ([`RUN_VERDICT_VARIABLE`]), or the last STATE must show it (`require_final_state`). A changed SCHEMA or an ACTIVATE_VERSION comes
    /// between writes, with no commit before it.
    fn commits_at_end(&self) -> bool {
        false
    }

    /// Whether rows become durable at a STATE only, those of all streams together, by
    /// [`Sink::commit_state`]: for targets that store the STATE with the rows. One thread then writes all streams.
    fn commits_at_states(&self) -> bool {
        false
    }

    /// Whether the destination can hold STATE beside the rows, so that [`stored_state`](Target::stored_state) is worth
    /// asking for.
    const STORES_STATE: bool = false;

    /// The STATE that the destination holds: it covers exactly the rows that are there (`--stored-state`). A runner
    /// starts the tap from it rather than from what it stored itself, which may be older.
    fn stored_state(&self) -> Result<Option<String>> {
        Ok(None)
    }

    /// Where the rows are, for people: a folder, a table. A run that succeeded logs it, and `melisma run` repeats it
    /// in its closing words. No secrets.
    fn location(&self) -> Option<String> {
        None
    }
}

/// The whole main of a target: `fn main() -> ExitCode { run_target::<MyTarget>() }`.
pub fn run_target<T: Target>() -> ExitCode {
    main_target::<T>(std::env::args_os())
}

/// The main of a target with these arguments, the first of which is the program's name.
pub fn main_target<T: Target>(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run::main::<T>(args)
}
