//! What a target is made of: the [`Target`] trait, the settings that all targets have, and `main`.
#![doc = include_str!("levels.md")]

use std::ffi::OsString;
use std::process::ExitCode;

use melisma_engine::Result;
use melisma_engine::sink::{CommitMode, Destination};

use crate::plugin::Package;

mod config;
mod counts;
mod metrics;
mod records;
mod run;
mod verdict;

pub use config::{
    InvalidLine, LoadMethod, NotANumber, OnInvalid, Replace, StandardConfig, UndeclaredProperties,
};
pub use counts::{COUNTS_VARIABLE, Count};
pub use records::{RecordSink, RecordTarget, RecordWriter, Records};
#[cfg(feature = "check")]
pub(crate) use run::load_in_process;
pub use run::{command, run_target_on};
pub use verdict::{RUN_VERDICT_FAILED, RUN_VERDICT_OK, RUN_VERDICT_VARIABLE};

/// A Singer target: a [`Destination`] with settings of its own.
///
/// [`open`](Target::open) is called once. Then each stream gets a plan and an encoder, which turns decoded rows into the
/// form that the target writes, and a sink, which writes them and makes them durable. STATE follows what the sinks have
/// committed, and nothing else.
pub trait Target: Destination + Sized + 'static {
    /// The target's own settings. Its doc comments become `--about`.
    type Config: serde::de::DeserializeOwned + schemars::JsonSchema;

    /// What it can do beyond adding rows.
    const CAPABILITIES: Capabilities = Capabilities::APPEND;

    /// The defaults of the settings that all targets have.
    fn defaults() -> StandardConfig {
        StandardConfig::default()
    }

    /// Connects, opens folders, checks what the settings say. `standard` has the settings that all targets have: a target
    /// looks there for `load_method`, and changes what its own settings decide otherwise.
    fn open(config: Self::Config, standard: &mut StandardConfig) -> Result<Self>;

    /// When rows become durable.
    ///
    /// With [`CommitMode::AtEnd`] the end of the input must be known to be the end of the data, because the pipe of a tap
    /// that was killed closes, too: the runner says so ([`RUN_VERDICT_VARIABLE`]), or the last STATE must show it
    /// (`require_final_state`).
    fn commit_mode(&self) -> CommitMode {
        CommitMode::PerStream
    }

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

/// What a target can do beyond adding rows. What it does not declare is refused or warned of by itself.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// The values of `load_method` that it applies. Others are refused before it is opened, and `--about` does not list
    /// them.
    pub load_methods: &'static [LoadMethod],
    /// Whether its sinks apply ACTIVATE_VERSION ([`Sink::activate_version`](crate::Sink::activate_version)). When they do
    /// not, neither the capability nor the setting `process_activate_version_messages` is there, and a run that gets such
    /// a message warns of it.
    pub activate_version: bool,
    /// Whether its encoder writes the properties that a schema does not declare
    /// ([`Row::undeclared`](crate::Row::undeclared)): then `undeclared_properties` may be `keep`, and is so where a schema
    /// says that records have such properties.
    pub undeclared_properties: bool,
    /// Whether the destination can hold STATE beside the rows, so that it is worth asking for the
    /// [`stored_state`](Target::stored_state).
    pub stored_state: bool,
}

impl Capabilities {
    /// Rows are added to those that are there, and nothing else.
    pub const APPEND: Self = Self {
        load_methods: &[LoadMethod::AppendOnly, LoadMethod::Append],
        activate_version: false,
        undeclared_properties: false,
        stored_state: false,
    };

    /// Rows are added, or replace those with the same key.
    pub const UPSERT: Self = Self {
        load_methods: &[
            LoadMethod::AppendOnly,
            LoadMethod::Append,
            LoadMethod::Upsert,
            LoadMethod::UpsertOnConflict,
        ],
        ..Self::APPEND
    };
}

/// The whole main of a target; [`target_main!`](crate::target_main) writes it.
pub fn run_target<T: Target>(package: Package) -> ExitCode {
    main_target::<T>(package, std::env::args_os())
}

/// The main of a target with these arguments, the first of which is the program's name.
pub fn main_target<T: Target>(package: Package, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run::main::<T>(package, args)
}
