//! `melisma select`: which streams and properties a tap extracts.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Error, Kind, Result};
use serde_json::{Value, json};

use super::install_first::install_first;
use super::open_project::open_for_edits;
use super::output::print;
use super::project_file::{ProjectFile, steps};
use crate::args::{AutoInstallArgs, ProjectArgs};
use crate::completions;
use crate::plugin_kind::PluginKind;
use crate::project::{Plugin, Project, spelling};
use crate::run::Single;

const EXAMPLES: &str = "\
Examples:
  melisma select tap-postgres --list --all                every property, and whether it is selected
  melisma select tap-postgres public-orders \"*\"           add the pattern public-orders.*
  melisma select tap-postgres public-users password --exclude
  melisma select tap-postgres public-orders \"*\" --rm      remove the pattern again

The patterns are the key `select` of the tap in meltano.yml; with --environment NAME, of the tap in that environment.";

/// The options of `melisma select`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct SelectArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// The tap
    #[arg(value_name = "TAP", add = ArgValueCandidates::new(completions::taps))]
    tap: String,
    /// A pattern for streams
    #[arg(value_name = "STREAMS", default_value = "*")]
    streams: String,
    /// A pattern for properties
    #[arg(value_name = "PROPERTIES", default_value = "*")]
    properties: String,
    /// List the selected properties
    #[arg(long, conflicts_with_all = ["exclude", "remove", "clear"])]
    list: bool,
    /// List the selected properties as JSON
    #[arg(long, conflicts_with_all = ["exclude", "remove", "clear"])]
    json: bool,
    /// List the properties that are not selected too
    #[arg(long)]
    all: bool,
    /// The pattern excludes
    #[arg(long)]
    exclude: bool,
    /// Remove the pattern
    #[arg(long, visible_alias = "rm")]
    remove: bool,
    /// Remove all patterns
    #[arg(long, conflicts_with_all = ["exclude", "remove"])]
    clear: bool,
    /// Discover the catalog again, although nothing has changed that it depends on
    #[arg(long)]
    refresh_catalog: bool,
    #[command(flatten)]
    install: AutoInstallArgs,
}

pub(crate) fn run(args: &SelectArgs) -> Result<ExitCode> {
    let project = open_for_edits(&args.project)?;
    let plugin = Plugin::load(&project, PluginKind::Extractor, &args.tap)?;
    let runs_it = args.list || args.json || args.install.only_install;
    if runs_it
        && let Some(code) = install_first(
            args.install,
            &project,
            std::slice::from_ref(&plugin),
            &args.project,
        )?
    {
        return Ok(code);
    }
    if args.list || args.json {
        list(&project, &plugin, args)
    } else if args.all {
        Err(Error::new(Kind::Usage, "--all needs --list or --json"))
    } else {
        change(&project, &plugin, args)
    }
    .map(|()| ExitCode::SUCCESS)
}

/// Adds or removes a pattern, or removes all.
fn change(project: &Project, plugin: &Plugin, args: &SelectArgs) -> Result<()> {
    let mut file = ProjectFile::with_plugin(project, plugin.kind, &plugin.name)?;
    let block = file.plugin(project, plugin.kind, &plugin.name)?;
    let list = [&block[..], &steps!["select"]].concat();
    let pattern = format!(
        "{}{}.{}",
        if args.exclude { "!" } else { "" },
        args.streams,
        args.properties
    );
    if args.clear {
        file.remove(&list, block.len())?;
    } else if args.remove {
        let patterns = file.get(&list).and_then(Value::as_array);
        let index = patterns.and_then(|patterns| patterns.iter().position(|found| *found == *pattern));
        let index = index.ok_or_else(|| {
            Error::config(format!(
                "{} has no pattern {pattern:?} in its select",
                plugin.name
            ))
        })?;
        file.remove(&[&list[..], &steps![index]].concat(), block.len())?;
    } else {
        file.add(&list, &Value::from(pattern))?;
    }
    file.save()
}

/// Whether a stream or a property is extracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Selection {
    Selected,
    Excluded,
    Automatic,
    Unsupported,
}

impl Selection {
    const ALL: [Self; 4] = [Self::Selected, Self::Excluded, Self::Automatic, Self::Unsupported];

    fn name(self) -> &'static str {
        match self {
            Self::Selected => "selected",
            Self::Excluded => "excluded",
            Self::Automatic => "automatic",
            Self::Unsupported => "unsupported",
        }
    }

    /// What the metadata of a stream or of a property say.
    fn of(metadata: &Value) -> Self {
        let selected = metadata.get("selected");
        let by_default = metadata.get("selected-by-default").and_then(Value::as_bool) == Some(true);
        match metadata.get("inclusion").and_then(Value::as_str) {
            Some("automatic") => Self::Automatic,
            Some("unsupported") => Self::Unsupported,
            _ if selected == Some(&Value::Bool(true)) => Self::Selected,
            _ if selected.is_none_or(Value::is_null) && by_default => Self::Selected,
            _ => Self::Excluded,
        }
    }

    /// That of a property whose stream has this one.
    fn and(self, property: Self) -> Self {
        let either = |one: Self| self == one || property == one;
        [Self::Excluded, Self::Automatic, Self::Unsupported]
            .into_iter()
            .find(|one| either(*one))
            .unwrap_or(Self::Selected)
    }
}

fn list(project: &Project, plugin: &Plugin, args: &SelectArgs) -> Result<()> {
    let single = Single::new(project, plugin, &args.project)?.refreshing_catalog(args.refresh_catalog);
    let patterns = single.resolved().extra("select").and_then(Value::as_array);
    let patterns: Vec<&str> = patterns.into_iter().flatten().filter_map(Value::as_str).collect();
    let catalog = single.catalog()?.ok_or_else(|| {
        Error::config(format!(
            "{} has no catalog: it needs the capabilities `discover` and `catalog`",
            plugin.name
        ))
    })?;
    let entries = entries(&catalog);
    let shown = entries.iter().filter(|(.., selection)| {
        args.all || matches!(selection, Selection::Selected | Selection::Automatic)
    });
    if args.json {
        let streams: Vec<Value> = shown
            .map(|(stream, property, selection)| {
                json!({"stream": stream, "property": property, "selection": selection.name()})
            })
            .collect();
        let answer = json!({"enabled_patterns": patterns, "streams": streams});
        return print(&spelling::indented_json(&answer));
    }
    let mut lines = vec!["Legend:".to_owned()];
    lines.extend(Selection::ALL.map(|selection| format!("\t{}", selection.name())));
    lines.push("\nEnabled patterns:".to_owned());
    lines.extend(patterns.iter().map(|pattern| format!("\t{pattern}")));
    lines.push("\nSelected properties:".to_owned());
    lines
        .extend(shown.map(|(stream, property, selection)| {
            format!("\t[{:<11}] {stream}.{property}", selection.name())
        }));
    print(&lines.join("\n"))
}

/// Stream, property and selection of each property in the metadata of a catalog, sorted.
fn entries(catalog: &Value) -> BTreeSet<(String, String, Selection)> {
    let mut all = BTreeSet::new();
    let items = |value: &'_ Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    for stream in items(catalog, "streams") {
        let name = stream
            .get("tap_stream_id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let entries: Vec<(Vec<String>, Selection)> = items(&stream, "metadata")
            .iter()
            .map(|entry| {
                let keys = items(entry, "breadcrumb");
                let keys = keys.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                (keys, Selection::of(entry.get("metadata").unwrap_or(&Value::Null)))
            })
            .collect();
        let own = entries.iter().filter(|(keys, _)| keys.is_empty());
        for (_, stream_selection) in own {
            for (keys, selection) in entries.iter().filter(|(keys, _)| !keys.is_empty()) {
                // `properties`, a name, `properties`, a name.
                let names: Vec<&str> = keys.iter().skip(1).step_by(2).map(String::as_str).collect();
                all.insert((name.to_owned(), names.join("."), stream_selection.and(*selection)));
            }
        }
    }
    all
}
