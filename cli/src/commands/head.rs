//! `melisma head`: the first records of a stream, before a run.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::internal::printable::printable;
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::open_project::open;
use super::output::{print, table};
use crate::args::ProjectArgs;
use crate::completions;
use crate::plugin_kind::PluginKind;
use crate::project::Plugin;
use crate::run::Single;

const EXAMPLES: &str = "\
Examples:
  melisma head tap-csv orders
  melisma head tap-postgres public-orders -n 3 --format json

The tap is started with the settings and the catalog of a run, and ended when it has written enough. No state is read
or stored, and no target is involved.";

/// A wider value is cut in a table.
const WIDEST: usize = 40;

/// The options of `melisma head`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct HeadArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// The tap
    #[arg(value_name = "TAP", add = ArgValueCandidates::new(completions::taps))]
    tap: String,
    /// The stream
    #[arg(value_name = "STREAM")]
    stream: String,
    /// How many records
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    records: u64,
    /// The format
    #[arg(long, default_value = "table")]
    format: HeadFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum HeadFormat {
    /// Columns for people; long values are cut
    Table,
    /// A JSON object a line
    Json,
}

pub(crate) fn run(args: &HeadArgs) -> Result<ExitCode> {
    let project = open(&args.project)?;
    let plugin = Plugin::load(&project, PluginKind::Extractor, &args.tap)?;
    let single = Single::new(&project, &plugin, &args.project)?;
    let mut columns: Vec<String> = Vec::new();
    let mut records: Vec<Map<String, Value>> = Vec::new();
    let most = usize::try_from(args.records).unwrap_or(usize::MAX);
    single.read_messages(Some(&args.stream), |message| {
        let text = |key: &str| message.get(key).and_then(Value::as_str);
        if text("stream") == Some(&args.stream) {
            let object = |value: Option<&Value>| value.and_then(Value::as_object).cloned();
            match text("type") {
                Some("SCHEMA") => {
                    let properties = object(message.pointer("/schema/properties"));
                    columns = properties.unwrap_or_default().keys().cloned().collect();
                }
                Some("RECORD") => records.extend(object(message.get("record"))),
                _ => {}
            }
        }
        records.len() >= most
    })?;
    if records.is_empty() {
        return Err(Error::input(format!(
            "{} wrote no record of {}",
            args.tap, args.stream
        )));
    }
    match args.format {
        HeadFormat::Json => {
            for record in records {
                print(&Value::Object(record).to_string())?;
            }
        }
        HeadFormat::Table => {
            for record in &records {
                let new = record.keys().filter(|key| !columns.contains(key));
                let new: Vec<String> = new.cloned().collect();
                columns.extend(new);
            }
            let rows: Vec<Vec<String>> = records
                .iter()
                .map(|record| columns.iter().map(|column| cell(record.get(column))).collect())
                .collect();
            let header: Vec<&str> = columns.iter().map(String::as_str).collect();
            print(&table(&header, &rows))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A value on one line, without anything that a terminal would obey.
fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None => return String::new(),
        Some(Value::String(text)) => printable(text).to_string(),
        Some(other) => printable(&other.to_string()).to_string(),
    };
    if text.chars().count() <= WIDEST {
        return text;
    }
    let cut: String = text.chars().take(WIDEST - 1).collect();
    format!("{cut}…")
}
