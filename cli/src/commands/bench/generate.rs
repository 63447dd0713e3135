//! `melisma bench gen`.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use melisma_bench::generate::{Format, Generated, Recipe, Shape};
use melisma_sdk::internal::protocol;
use melisma_sdk::{Error, Kind, Result};
use serde_json::json;

use super::args::{GenArgs, GenFormat, SeedArgs};
use crate::console::Console;
use crate::run::units::noun;

/// Generates what the options ask for.
pub(super) fn run(args: &GenArgs, console: &Console) -> Result<ExitCode> {
    let recipe = Recipe {
        columns: args.columns,
        streams: args.streams,
        ..recipe(args.shape, args.rows, &args.seed)
    };
    let is_stdout = args.out == Path::new("-");
    let generated = match args.format {
        GenFormat::Parquet if is_stdout => {
            return Err(Error::new(
                Kind::Usage,
                "--format parquet needs --out DIR: its files are in a folder",
            ));
        }
        GenFormat::Parquet => parquet(&recipe, &args.out)?,
        GenFormat::Singer => text(&recipe, Format::Singer, is_stdout, &args.out)?,
        GenFormat::Csv => text(&recipe, Format::Csv, is_stdout, &args.out)?,
    };
    let Generated {
        records,
        streams,
        keys,
        bytes,
    } = generated;
    let counted = |count: u64, what| format!("{count} {}", noun(count, what));
    console.info(&format!(
        "{} of {}, {}, {bytes} bytes",
        counted(records, "record"),
        counted(streams, "stream"),
        counted(keys, "key")
    ));
    Ok(ExitCode::SUCCESS)
}

/// The recipe of these options.
pub(super) fn recipe(shape: Shape, rows: Option<u64>, seed: &SeedArgs) -> Recipe {
    Recipe {
        rows,
        seed: seed.seed,
        scale: seed.scale,
        ..Recipe::of(shape)
    }
}

fn text(recipe: &Recipe, format: Format, is_stdout: bool, path: &Path) -> Result<Generated> {
    if is_stdout {
        recipe.write(format, protocol::stdout()?)
    } else {
        to_file(recipe, format, path)
    }
}

/// Writes into a new file.
pub(super) fn to_file(recipe: &Recipe, format: Format, path: &Path) -> Result<Generated> {
    let cannot = |error| Error::io(format!("cannot write {}", path.display()), error);
    let file = File::create(path).map_err(cannot)?;
    recipe.write(format, file)
}

/// Pipes the messages into target-parquet.
fn parquet(recipe: &Recipe, folder: &Path) -> Result<Generated> {
    let program =
        std::env::current_exe().map_err(|error| Error::io("cannot find the executable of melisma", error))?;
    let mut config = tempfile::Builder::new()
        .suffix(".json")
        .tempfile()
        .map_err(|error| Error::io("cannot make a temporary file", error))?;
    write!(config, "{}", json!({"destination_path": folder}))
        .map_err(|error| Error::io("cannot write a temporary file", error))?;
    let mut target = Command::new(program)
        .arg("target-parquet")
        .arg("--config")
        .arg(config.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| Error::io("cannot start target-parquet", error))?;
    let stdin = target
        .stdin
        .take()
        .ok_or_else(|| Error::bug("a piped stdin that is none"))?;
    protocol::widen(&stdin);
    let generated = recipe.write(Format::Singer, stdin);
    let status = target
        .wait()
        .map_err(|error| Error::io("cannot wait for target-parquet", error))?;
    // A target that has failed says why itself; that it no longer reads follows from it.
    if !status.success() {
        return Err(Error::new(
            Kind::Failed,
            format!("target-parquet failed: {status}"),
        ));
    }
    generated
}
