//! The catalog and the state that the tap gets, as arguments for its command line.

use std::ffi::OsString;
use std::fs;
use std::process::ExitStatus;

use melisma_sdk::{Error, Kind, Result};
use serde_json::Value;

use super::catalog_cache::CatalogCache;
use super::context::RunContext;
use super::plan::{CatalogPlan, StatePlan, TapPlan};
use super::process_group::{describe, kind_of};
use super::program::Program;
use super::query_plugin::query_plugin;
use crate::catalog::{apply, missing};
use crate::project::spelling;

/// Writes the tap's catalog and state to files; returns the arguments that name them.
///
/// Unless `refresh`, a catalog that was discovered before is used.
pub(super) fn prepare(
    tap: &TapPlan,
    stored: Option<String>,
    refresh: bool,
    context: &RunContext,
) -> Result<Vec<OsString>> {
    let mut args = catalog_args(tap, refresh, context)?;
    let name = &tap.program.name;
    let state = match &tap.state {
        StatePlan::None => {
            if stored.is_some() {
                context.console.warn(&format!(
                    "A state was found, but it will be ignored, because {name} does not have the `state` capability"
                ));
            }
            return Ok(args);
        }
        StatePlan::OnCommandLine => {
            context.console.info(&format!(
                "{name} has a state on its command line, so it does not get the stored one"
            ));
            return Ok(args);
        }
        StatePlan::Unreachable => {
            context.console.warn(&format!(
                "{name} gets no state and no catalog, because its script does not pass its arguments on: add \"$@\" \
                 after the tap's command"
            ));
            return Ok(args);
        }
        StatePlan::Stored => stored,
        StatePlan::File(path) => {
            Some(fs::read_to_string(path).map_err(|error| {
                Error::config(format!("cannot read {}", path.display())).with_source(error)
            })?)
        }
    };
    match state {
        Some(state) => {
            context.console.info("the tap resumes from the stored state");
            let path = context.dir.write("state.json", &state)?;
            args.extend(["--state".into(), path.into()]);
        }
        None => context
            .console
            .info("there is no state to resume from, so the tap extracts everything"),
    }
    Ok(args)
}

/// Writes the tap's catalog to a file; returns the arguments that name it.
pub(super) fn catalog_args(tap: &TapPlan, refresh: bool, context: &RunContext) -> Result<Vec<OsString>> {
    let Some((flag, catalog)) = catalog(tap, refresh, context)? else {
        return Ok(Vec::new());
    };
    let text = spelling::indented_json(&catalog);
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
