//! The plan for a tap, mappings and a target of a project.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::super::catalog_cache::CatalogCache;
use super::super::context::RunContext;
use super::super::grammar::PairNames;
use super::plugin_program::program;
use super::{CatalogPlan, Plan, StatePlan, TapPlan};
use crate::catalog::Rules;
use crate::plugin_kind::PluginKind;
use crate::project::{Exports, Plugin, Project, Resolved, resolve};

/// Plans a pair; each plugin sees what those before it export.
pub(in super::super) fn plan(project: &Project, names: &PairNames, context: &RunContext) -> Result<Plan> {
    let tap = Plugin::load(project, PluginKind::Extractor, &names.tap)?;
    let resolved = resolve(project, &tap, &Exports::new())?;
    let tap = tap_plan(project, &tap, &resolved, context)?;
    let mut exports = resolved.exports;
    let mut mappers = Vec::new();
    for (mapper, mapping) in &names.mappings {
        let mapper = Plugin::load_mapping(project, mapper, mapping)?;
        let resolved = resolve(project, &mapper, &exports)?;
        let file = format!("mapper{}", mappers.len());
        mappers.push(program(project, &mapper, &resolved, &exports, &file, context)?);
        exports.extend(resolved.exports);
    }
    let target = Plugin::load(project, PluginKind::Loader, &names.target)?;
    let resolved = resolve(project, &target, &exports)?;
    Ok(Plan {
        tap,
        mappers,
        target: program(project, &target, &resolved, &exports, "target", context)?,
        lines: None,
    })
}

pub(in super::super) fn tap_plan(
    project: &Project,
    tap: &Plugin,
    resolved: &Resolved,
    context: &RunContext,
) -> Result<TapPlan> {
    let program = program(project, tap, resolved, &Exports::new(), "tap", context)?;
    let builtin = program.builtin;
    let can = |capability: &str| {
        tap.can(capability) || builtin.is_some_and(|builtin| builtin.capabilities().contains(&capability))
    };
    let mut catalog = catalog_plan(project, tap, resolved, &can)?;
    // A built-in tap discovers in milliseconds.
    if let (CatalogPlan::Discover { cache, .. }, None) = (&mut catalog, builtin) {
        *cache = catalog_cache(project, tap, resolved);
    }
    let state = match text_extra(resolved, "state") {
        _ if !can("state") => StatePlan::None,
        Some(path) => StatePlan::File(project.root.join(path)),
        None => StatePlan::Stored,
    };
    Ok(TapPlan {
        program,
        catalog,
        state,
    })
}

fn catalog_plan(
    project: &Project,
    tap: &Plugin,
    resolved: &Resolved,
    can: &impl Fn(&str) -> bool,
) -> Result<CatalogPlan> {
    let flag = match (can("catalog"), can("properties")) {
        (true, _) => "--catalog",
        (false, true) => "--properties",
        (false, false) => return Ok(CatalogPlan::None),
    };
    let filter = list_extra(resolved, "select_filter");
    if let Some(path) = text_extra(resolved, "catalog") {
        return Ok(CatalogPlan::File {
            flag,
            path: project.root.join(path),
            rules: Rules::only_filter(&filter),
        });
    }
    if !can("discover") {
        return Err(Error::config(format!(
            "{} has no catalog: the tap does not support discovery, and the plugin's `catalog` is not set",
            tap.name
        )));
    }
    let rules = Rules::new(
        &list_extra(resolved, "select"),
        &object_extra(resolved, "metadata"),
        &object_extra(resolved, "schema"),
        &filter,
    );
    Ok(CatalogPlan::Discover {
        flag,
        rules,
        required: true,
        cache: None,
    })
}

/// The cache of the tap's catalog. Without one: a tap that pip has not installed, or whose code is being worked on, may
/// discover something else at any time.
fn catalog_cache(project: &Project, tap: &Plugin, resolved: &Resolved) -> Option<CatalogCache> {
    let pip_url = tap.pip_url.as_deref()?;
    let wanted = resolved
        .extra("use_cached_catalog")
        .is_none_or(|wanted| *wanted != Value::Bool(false));
    if pip_url.starts_with("-e") || !wanted {
        return None;
    }
    let folder = project.system.join("run").join(&tap.name);
    let extra = |name| object_extra(resolved, name);
    Some(CatalogCache::new(
        folder,
        resolved.settings(),
        extra("schema"),
        extra("metadata"),
    ))
}

fn text_extra<'a>(resolved: &'a Resolved, name: &str) -> Option<&'a str> {
    resolved.extra(name)?.as_str().filter(|text| !text.is_empty())
}

fn list_extra(resolved: &Resolved, name: &str) -> Vec<String> {
    let list = resolved.extra(name).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn object_extra(resolved: &Resolved, name: &str) -> Map<String, Value> {
    let object = resolved.extra(name).and_then(Value::as_object);
    object.cloned().unwrap_or_default()
}
