//! Singer target for CSV files: one file for each stream, with a header.
//!
//! **Values.** Fields are quoted when they must be (RFC 4180). `true` and `false` are written so; numbers have the
//! digits that came; objects and arrays are JSON text. A null and a missing value are `null_value`, unquoted; a text
//! that reads the same is quoted, so with the default an empty text is `""` and a null is nothing at all. (The only
//! field of a row is always something, because readers skip empty lines: there a null is `""` too.) Lines end in
//! CR LF, as RFC 4180 and Python's `excel` dialect have it, unless `line_terminator` says `\n`; lines added to a file
//! end as its header does.
//!
//! **Columns** are those of the SCHEMA, in its order, or those of `fixed_headers`. They stay right when the SCHEMA
//! changes, and when a file of an earlier run is appended to:
//! - `append` and `replace` have one header, so a file has every column that was ever known, each where it first
//!   stood. A new one is added at the right: the file is rewritten, earlier rows with `null_value` in the new column,
//!   and the new file takes the place of the old one at once. A column that is gone keeps its place, with nulls.
//! - `parts` begins a new part, with the new header.
//!
//! [`melisma_sdk::files`] says what each way of writing promises. The default is `append`: together with bookmarks,
//! replacing would lose what earlier runs have brought.

mod config;
mod dialect;
mod encoder;
mod encoding;
mod header;
mod plan;
mod sink;
mod widen;

use std::collections::HashMap;
use std::sync::Arc;

use melisma_sdk::files::{Files, Format, Pool, WriteMode};
use melisma_sdk::internal::Connector;
use melisma_sdk::target::{Capabilities, StandardConfig, Target};
use melisma_sdk::{CommitMode, Destination, Result, StreamSchema};

pub use config::Config;
pub use encoder::CsvEncoder;
pub use plan::Plan;
pub use sink::CsvSink;

use dialect::Dialect;
use encoding::Encoding;

/// What `melisma` has inside of it.
pub static CONNECTOR: Connector = Connector::target::<TargetCsv>();

/// Writes each stream to a CSV file.
#[derive(Debug)]
pub struct TargetCsv {
    files: Files,
    form: Form,
    fixed_headers: HashMap<String, Vec<String>>,
    pool: Arc<Pool>,
}

/// How values become bytes.
#[derive(Clone, Debug)]
struct Form {
    dialect: Dialect,
    encoding: Encoding,
}

const FORMAT: Format = Format {
    naming_scheme: "{stream_name}.csv",
    modes: &[WriteMode::Append, WriteMode::Replace, WriteMode::Parts],
    // RFC 4180: the last row may have no line end. Whether it is inside quotes, the whole file says.
    is_whole: None,
};

impl Destination for TargetCsv {
    type Plan = Plan;
    type Encoder = CsvEncoder;
    type Worker = ();
    type Sink = CsvSink;

    fn plan(&self, schema: &Arc<StreamSchema>, previous: Option<&Arc<Plan>>) -> Result<Arc<Plan>> {
        let plan = match previous {
            Some(plan) => plan.next(schema),
            None => self.first_plan(schema)?,
        };
        Ok(Arc::new(plan))
    }

    fn encoder(&self, plan: &Arc<Plan>) -> Result<CsvEncoder> {
        Ok(CsvEncoder::new(plan, &self.pool))
    }

    fn worker(&self) -> Result<()> {
        Ok(())
    }

    fn sink(&self, (): &mut (), plan: &Arc<Plan>) -> Result<CsvSink> {
        let file = match plan.take_file() {
            Some(file) => file,
            None => self.open_file(&plan.schema)?,
        };
        CsvSink::new(file, plan)
    }
}

impl Target for TargetCsv {
    type Config = Config;

    const CAPABILITIES: Capabilities = Files::CAPABILITIES;

    fn defaults() -> StandardConfig {
        Files::defaults()
    }

    fn open(config: Config, standard: &mut StandardConfig) -> Result<Self> {
        Ok(Self {
            form: Form {
                dialect: config.dialect()?,
                encoding: Encoding::named(&config.encoding)?,
            },
            files: Files::open(&config.files, standard, &FORMAT)?,
            fixed_headers: config.fixed_headers,
            pool: Arc::default(),
        })
    }

    fn commit_mode(&self) -> CommitMode {
        self.files.commit_mode()
    }

    fn location(&self) -> Option<String> {
        Some(self.files.location())
    }
}
