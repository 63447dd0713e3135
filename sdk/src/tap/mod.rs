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

use crate::plugin::Package;

#[cfg(feature = "check")]
pub(crate) use bookmark::comparison::KeyType;
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
pub use run::{command, run_tap_on, settings, test_stream};
#[cfg(feature = "check")]
pub(crate) use run::{discover, sync_in_process};

/// Reads a source. One value is one run.
///
/// ```
/// use melisma_sdk::{Context, JsonSchema, Result, Stream, Tap, json, tap};
///
/// /// Counts.
/// #[derive(serde::Deserialize, JsonSchema)]
/// struct Counter {
///     /// How far.
///     to: u32,
/// }
///
/// impl Tap for Counter {
///     type Config = Self;
///
///     fn open(config: Self, _: &Context) -> Result<Self> {
///         Ok(config)
///     }
///
///     fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
///         let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
///         let numbers = Stream::new("numbers", schema);
///         Ok(vec![numbers.sync(|output| {
///             (1..=self.to).try_for_each(|n| output.record(&json!({"n": n})))
///         })])
///     }
/// }
///
/// let tap = Counter { to: 2 };
/// let stream = tap.discover(&Context::default())?.remove(0);
/// let messages = tap::test_stream(stream, "")?;
/// assert_eq!(messages[2]["record"], json!({"n": 2}));
/// # Ok::<(), melisma_sdk::Error>(())
/// ```
pub trait Tap: Sized {
    /// The settings. The struct's doc comment is the tap's description in `--about`, its fields' doc comments are
    /// those of the settings.
    type Config: DeserializeOwned + JsonSchema;

    /// Settings that are options of the command line, too, each with its help: the path of a file.
    const OPTIONS: &'static [(&'static str, &'static str)] = &[];

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

    /// Streams that the source has and this tap cannot read, each with why. They are not in the catalog; a run without a catalog,
    /// or with one that selects them, reads the others, and ends with an error that names them.
    fn refused(&self) -> Vec<Refused> {
        Vec::new()
    }
}

/// A stream that a tap cannot read.
#[derive(Clone, Debug)]
pub struct Refused {
    pub(in crate::tap) name: Box<str>,
    pub(in crate::tap) why: Box<str>,
}

impl Refused {
    /// The stream of this name, for this reason.
    pub fn new(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            name: name.into().into(),
            why: why.into().into(),
        }
    }

    /// The name of the stream.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why it cannot be read.
    pub fn why(&self) -> &str {
        &self.why
    }
}

/// The whole main of a tap; [`tap_main!`](crate::tap_main) writes it.
pub fn run_tap<T: Tap>(package: Package) -> ExitCode {
    main_tap::<T>(package, std::env::args_os())
}

/// The main of a tap with these arguments, the first of which is the program's name.
pub fn main_tap<T: Tap>(package: Package, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run::main::<T>(package, args)
}

/// A state file's bytes as they would be emitted again; see [`crate::fuzzing`].
#[cfg(feature = "fuzzing")]
pub(crate) fn rewrite_state(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    bookmark::state::State::read(bytes)?.write(&mut out);
    Ok(out)
}
