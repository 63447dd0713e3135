//! The catalog and the state that the tap gets, as arguments for its command line.

use std::ffi::OsString;
use std::fs;
use std::process::ExitStatus;

use melisma_sdk::{Error, Kind, Result};
use serde_json::Value;

use super::bookmarks;
use super::catalog_cache::CatalogCache;
use super::context::RunContext;
use super::plan::{CatalogPlan, StatePlan, TapPlan};
use super::process_group::{describe, kind_of};
use super::program::Program;
use super::query_plugin::query_plugin;
use crate::catalog::{apply, missing};
use crate::extent_args::ExtentArgs;
use crate::project::spelling;

/// What the tap gets.
pub(super) struct Prepared {
    /// The arguments that name its catalog and its state.
    pub(super) args: Vec<OsString>,
    /// The streams that are selected; `None` when the runner does not know them.
    pub(super) streams: Option<Vec<String>>,
}

/// Writes the tap's catalog and state to files.
///
/// Unless `refresh`, a catalog that was discovered before is used.
pub(super) fn prepare(
    tap: &TapPlan,
    stored: Option<String>,
    refresh: bool,
    extent: &ExtentArgs,
    context: &RunContext,
) -> Result<Prepared> {
    let found = catalog(tap, refresh, context)?;
    let catalog = found.as_ref().map(|(_, catalog)| catalog);
    let mut args = match &found {
        Some((flag, catalog)) => write_catalog(tap, flag, catalog, context)?,
        None => Vec::new(),
    };
    args.extend(state_args(tap, stored, extent, catalog, context)?);
    Ok(Prepared {
        args,
        streams: bookmarks::selected(catalog),
    })
}

/// Writes the state that the tap resumes from to a file; returns the arguments that name it.
fn state_args(
    tap: &TapPlan,
    stored: Option<String>,
    extent: &ExtentArgs,
    catalog: Option<&Value>,
    context: &RunContext,
) -> Result<Vec<OsString>> {
    let name = &tap.program.name;
    let is_changed = bookmarks::is_changed(extent);
    if is_changed && !matches!(tap.state, StatePlan::Stored | StatePlan::File(_)) {
        return Err(Error::config(format!(
            "--from and --full-refresh-stream change the state that the tap gets, and {name} gets none from this run: \
             it does not have the `state` capability, or its command line decides itself"
        )));
    }
    let state = match &tap.state {
        StatePlan::None => {
            if stored.is_some() {
                context.console.warn(&format!(
                    "A state was found, but it will be ignored, because {name} does not have the `state` capability"
                ));
            }
            return Ok(Vec::new());
        }
        StatePlan::OnCommandLine => {
            context.console.info(&format!(
                "{name} has a state on its command line, so it does not get the stored one"
            ));
            return Ok(Vec::new());
        }
        StatePlan::Unreachable => {
            context.console.warn(&format!(
                "{name} gets no state and no catalog, because its script does not pass its arguments on: add \"$@\" \
                 after the tap's command"
            ));
            return Ok(Vec::new());
        }
        StatePlan::Stored => stored,
        StatePlan::File(path) => {
            Some(fs::read_to_string(path).map_err(|error| {
                Error::config(format!("cannot read {}", path.display())).with_source(error)
            })?)
        }
    };
    let state = if is_changed {
        bookmarks::change(state.as_deref(), extent, catalog, name)?
    } else {
        state
    };
    let Some(state) = state else {
        context
            .console
            .info("there is no state to resume from, so the tap extracts everything");
        return Ok(Vec::new());
    };
    context.console.info(if is_changed {
        "the tap resumes from the stored state with the bookmarks that were asked for"
    } else {
        "the tap resumes from the stored state"
    });
    let path = context.dir.write("state.json", &state)?;
    Ok(vec!["--state".into(), path.into()])
}

/// Writes the tap's catalog to a file; returns the arguments that name it.
pub(super) fn catalog_args(tap: &TapPlan, refresh: bool, context: &RunContext) -> Result<Vec<OsString>> {
    match catalog(tap, refresh, context)? {
        Some((flag, catalog)) => write_catalog(tap, flag, &catalog, context),
        None => Ok(Vec::new()),
    }
}

fn write_catalog(tap: &TapPlan, flag: &str, catalog: &Value, context: &RunContext) -> Result<Vec<OsString>> {
    let text = spelling::indented_json(catalog);
    if let CatalogPlan::Discover {
        cache: Some(cache), ..
    } = &tap.catalog
        && let Err(error) = cache.write(&text)
    {
        context
            .console
            .debug(&format!("the catalog is not cached: {error}"));
    }
    let path = context.dir.write("tap.properties.json", &text)?;
    Ok(vec![flag.into(), path.into()])
}

/// The tap's option for a catalog, and the catalog with the rules of the project applied.
pub(super) fn catalog(
    tap: &TapPlan,
    refresh: bool,
    context: &RunContext,
) -> Result<Option<(&'static str, Value)>> {
    let (flag, rules, catalog) = match &tap.catalog {
        CatalogPlan::None => return Ok(None),
        CatalogPlan::File { flag, path, rules } => {
            let text = fs::read_to_string(path).map_err(|error| {
                Error::config(format!("cannot read {}", path.display())).with_source(error)
            })?;
            let catalog = serde_json::from_str(&text).map_err(|error| {
                Error::config(format!("{} is not JSON", path.display())).with_source(error)
            })?;
            (flag, rules, Some(catalog))
        }
        CatalogPlan::Discover {
            flag,
            rules,
            required,
            cache,
        } => {
            let cached = cache.as_ref().filter(|_| !refresh).and_then(CatalogCache::read);
            let catalog = match cached {
                Some(catalog) => {
                    context.console.debug("using the catalog of an earlier discovery");
                    Some(catalog)
                }
                None => {
                    cache.iter().for_each(CatalogCache::forget);
                    discover(&tap.program, *required, context)?
                }
            };
            (flag, rules, catalog)
        }
    };
    Ok(catalog.map(|mut catalog| {
        for warning in missing(&catalog, rules) {
            context.console.warn(&warning);
        }
        apply(&mut catalog, rules);
        (*flag, catalog)
    }))
}

/// What the tap discovers; `None` when it cannot discover and need not.
fn discover(tap: &Program, required: bool, context: &RunContext) -> Result<Option<Value>> {
    let (status, output) = query_plugin(tap, "--discover", context)?;
    let catalog: Option<Value> = serde_json::from_slice(&output).ok();
    let catalog = catalog.filter(|catalog| catalog.get("streams").is_some_and(Value::is_array));
    if let Some(catalog) = catalog.filter(|_| status.success()) {
        return Ok(Some(catalog));
    }
    let why = why(&tap.name, status);
    if !required {
        context
            .console
            .info(&format!("{why}, so the tap runs without a catalog"));
        return Ok(None);
    }
    let kind = if status.success() {
        Kind::Input
    } else {
        kind_of(status)
    };
    Err(Error::new(kind, why))
}

fn why(name: &str, status: ExitStatus) -> String {
    if status.success() {
        format!("{name} --discover wrote no catalog")
    } else {
        format!("{name} --discover failed ({})", describe(status))
    }
}
