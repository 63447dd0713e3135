//! The input of what is measured: a file, or one that is generated for each number of rows, columns and streams.

use std::fs;
use std::path::{Path, PathBuf};

use melisma_bench::generate::{Format, Recipe, Shape};
use melisma_bench::plan::{GeneratedInput, Kind};
use melisma_sdk::{Error, Kind as ErrorKind, Result};
use tempfile::TempDir;

use super::args::{CommonArgs, InputFormat};
use super::generate::{recipe, to_file};
use crate::console::Console;

/// Rows of the input that `bench pipe` generates by itself.
const PIPE_ROWS: u64 = 1_000_000;

/// An input that is there.
pub(super) struct Input {
    /// Its file.
    pub(super) path: Option<PathBuf>,
    /// What it was generated as, when it was.
    pub(super) generated: Option<GeneratedInput>,
}

impl Input {
    /// Removes a generated file: the next one may be larger.
    pub(super) fn remove(&self) {
        if let (Some(path), Some(_)) = (&self.path, &self.generated) {
            // The folder goes at the end, whatever is left in it.
            let _ = fs::remove_file(path);
        }
    }
}

/// An input that is still to be made.
pub(super) enum Source {
    /// A file of the user, or none.
    Given(Option<PathBuf>),
    /// A file to generate.
    Generated(Recipe, Format),
}

/// All inputs of a command.
pub(super) struct Inputs(Vec<Source>);

impl Inputs {
    /// Those that the options ask for.
    pub(super) fn of(
        kind: Kind,
        args: &CommonArgs,
        input: Option<&Path>,
        format: InputFormat,
    ) -> Result<Self> {
        let format = match format {
            InputFormat::Csv => Format::Csv,
            InputFormat::Singer => Format::Singer,
        };
        let shape = match (args.shape, input, kind) {
            (None, None, Kind::Pipe) => Some(Shape::Tpch(melisma_bench::generate::Table::Lineitem)),
            (shape, ..) => shape,
        };
        let Some(shape) = shape else {
            if let Some(path) = input {
                fs::metadata(path)
                    .map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?;
            }
            return Ok(Self(vec![Source::Given(input.map(Path::to_owned))]));
        };
        let rows: Vec<Option<u64>> = match (&args.rows[..], args.shape) {
            ([], None) => vec![Some(PIPE_ROWS)],
            ([], Some(_)) => vec![None],
            (rows, _) => rows.iter().copied().map(Some).collect(),
        };
        if rows.contains(&Some(0)) {
            return Err(Error::new(
                ErrorKind::Usage,
                "--rows: expected a number above 0, found 0",
            ));
        }
        let mut sources = Vec::new();
        for &rows in &rows {
            for columns in numbers(&args.columns) {
                for streams in numbers(&args.streams) {
                    let recipe = Recipe {
                        columns,
                        streams,
                        ..recipe(shape, rows, &args.seed)
                    };
                    sources.push(Source::Generated(recipe, format));
                }
            }
        }
        Ok(Self(sources))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }
}

/// The numbers of an option; without one the shape chooses.
fn numbers(option: &[u32]) -> Vec<Option<u32>> {
    match option {
        [] => vec![None],
        numbers => numbers.iter().copied().map(Some).collect(),
    }
}

impl Source {
    /// Makes it, in `folder`.
    pub(super) fn make(&self, folder: &TempDir, console: &Console) -> Result<Input> {
        match self {
            Self::Given(path) => Ok(Input {
                path: path.clone(),
                generated: None,
            }),
            Self::Generated(recipe, format) => {
                let name = recipe.shape.name();
                let end = if *format == Format::Csv { "csv" } else { "singer" };
                let path = folder.path().join(format!("{name}.{end}"));
                console.info(&format!("generating {name}"));
                let generated = to_file(recipe, *format, &path)?;
                Ok(Input {
                    path: Some(path),
                    generated: Some(GeneratedInput {
                        shape: name.to_owned(),
                        rows: generated.records,
                        columns: recipe.columns,
                        streams: recipe.streams,
                    }),
                })
            }
        }
    }
}
