//! What the tap starts with: its catalog, discovered and changed by the rules, and its state.

use std::ffi::OsString;
use std::fs;
use std::process::ExitStatus;
use std::sync::Arc;

use melisma_sdk::{Error, Kind, Result};
use serde_json::Value;

use super::ask::ask;
use super::folder::RunFolder;
use super::plan::{CatalogPlan, Plan, StatePlan};
use super::process::{describe, kind_of};
use crate::catalog::apply;
use crate::console::Console;
use crate::signals::Signals;

/// The words to add to the tap's command line.
pub(crate) struct Start {
    pub(crate) args: Vec<OsString>,
}

/// Prepares the tap's catalog and state.
pub(crate) fn start(
    plan: &Plan,
    stored: Option<String>,
    folder: &RunFolder,
    signals: &Signals,
    console: &Arc<Console>,
) -> Result<Start> {
    let mut args = Vec::new();
    if let Some((flag, catalog)) = catalog(plan, signals, console)? {
        let path = folder.write("tap.properties.json", &format!("{catalog:#}"))?;
        args.extend([flag.into(), path.into()]);
    }
    let name = &plan.tap.program.name;
    let state = match &plan.tap.state {
        StatePlan::None => None,
        StatePlan::Given => {
            console.info(&format!(
                "{name} has a state on its command line, so it does not get the stored one"
            ));
            return Ok(Start { args });
        }
        StatePlan::Unreachable => {
            console.warn(&format!(
                    "{name} gets no state and no catalog: its script does not hand its arguments on; write \"$@\" behind the tap's command there"
                ));
            return Ok(Start { args });
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
            console.info("the tap goes on from the stored state");
            let path = folder.write("state.json", &state)?;
            args.extend(["--state".into(), path.into()]);
        }
        None => console.info("no state to start from: everything is extracted"),
    }
    Ok(Start { args })
}

fn catalog(plan: &Plan, signals: &Signals, console: &Arc<Console>) -> Result<Option<(&'static str, Value)>> {
    match &plan.tap.catalog {
        CatalogPlan::None => Ok(None),
        CatalogPlan::File { flag, path, rules } => {
            let text = fs::read_to_string(path).map_err(|error| {
                Error::config(format!("cannot read {}", path.display())).with_source(error)
            })?;
            let mut catalog = serde_json::from_str(&text).map_err(|error| {
                Error::config(format!("{} is not JSON", path.display())).with_source(error)
            })?;
            apply(&mut catalog, rules);
            Ok(Some((flag, catalog)))
        }
        CatalogPlan::Discover { flag, rules, must } => {
            let (status, output) = ask(&plan.tap.program, "--discover", signals, console)?;
            let catalog: Option<Value> = serde_json::from_slice(&output).ok();
            let catalog = catalog.filter(|catalog| catalog.get("streams").is_some_and(Value::is_array));
            match catalog.filter(|_| status.success()) {
                Some(mut catalog) => {
                    apply(&mut catalog, rules);
                    Ok(Some((flag, catalog)))
                }
                None if *must => {
                    let kind = if status.success() {
                        Kind::Input
                    } else {
                        kind_of(status)
                    };
                    Err(Error::new(kind, why(&plan.tap.program.name, status)))
                }
                None => {
                    console.info(&format!(
                        "{}; it runs without a catalog",
                        why(&plan.tap.program.name, status)
                    ));
                    Ok(None)
                }
            }
        }
    }
}

fn why(name: &str, status: ExitStatus) -> String {
    if status.success() {
        format!("{name} --discover wrote no catalog")
    } else {
        format!("{name} --discover failed ({})", describe(status))
    }
}
