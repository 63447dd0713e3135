//! What a tap is made of: [`Tap`], [`Stream`], [`Output`] and the main around them.

mod bookmark;
mod catalog;
mod context;
mod output;
mod projection;
mod run;

use std::ffi::OsString;
use std::process::ExitCode;

use melisma_engine::Result;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

pub use catalog::method::Method;
pub(crate) use catalog::record_schema::{merge_variants, nullable, of as schema_of_type};
pub use catalog::selection::Selection;
pub use catalog::stream::Stream;
pub use catalog::{Catalog, Entry};
pub use context::Context;
pub use output::Output;
pub use output::part::{Form, Part};
pub use output::row_writer::RowWriter;
pub use projection::schema::Column;
pub use run::{command, run_tap_on, settings};

/// Reads a source. One value is one run.
pub trait Tap: Sized {
    /// The plugin's name: `tap-csv`.
    const NAME: &'static str;

    /// The plugin's version; say `env!("CARGO_PKG_VERSION")` for the connector's own.
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    /// The settings. The struct's doc comment is the tap's description in `--about`, its fields' doc comments are
    /// those of the settings.
    type Config: DeserializeOwned + JsonSchema;

    /// Checks the settings further than their types say, and connects.
    fn open(config: Self::Config, context: &Context) -> Result<Self>;

    /// All streams that the source has, each with what reads it.
    fn discover(&self, context: &Context) -> Result<Vec<Stream<'_>>>;

    /// The streams to sync when a catalog is given. The default discovers them again; a tap with a slow discovery
    /// makes them from the catalog instead.
    ///
    /// A selected stream that is not among them, or a selected property that none of them has, is left out: the others
    /// are read, and the run ends with an error that names it. Where the source's types are no longer the catalog's,
    /// [`Stream::corrects`] says so.
    fn streams(&self, catalog: &Catalog, context: &Context) -> Result<Vec<Stream<'_>>> {
        let _ = catalog;
        self.discover(context)
    }
}

/// The whole main of a tap: `fn main() -> ExitCode { run_tap::<MyTap>() }`.
pub fn run_tap<T: Tap>() -> ExitCode {
    main_tap::<T>(std::env::args_os())
}

/// The main of a tap with these arguments, the first of which is the program's name.
pub fn main_tap<T: Tap>(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run::main::<T>(args)
}

/// A state file's bytes as they would be told again; see [`crate::fuzzing`].
#[cfg(feature = "fuzzing")]
pub(crate) fn rewrite_state(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    bookmark::state::State::read(bytes)?.write(&mut out);
    Ok(out)
}
