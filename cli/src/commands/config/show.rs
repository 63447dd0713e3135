//! `config print` and `config list`.

use melisma_sdk::Result;
use serde_json::Value;

use super::super::dotenv_file::line;
use super::super::open_project::open_for_edits;
use super::super::output::print;
use super::super::plugin_arg::PluginArg;
use super::PrintFormat;
use super::subject::{HIDDEN, REDACTED, Subject};
use crate::args::ProjectArgs;
use crate::project::{Found, Project, Source, spelling};

/// Prints the config of a plugin.
pub(super) fn print_config(
    plugin: &PluginArg,
    format: PrintFormat,
    extras: bool,
    safe: bool,
    globals: &ProjectArgs,
) -> Result<()> {
    let project = open_for_edits(globals)?;
    let subject = Subject::load(plugin, &project)?;
    if format == PrintFormat::Env {
        let mut text = String::new();
        for found in subject.found(&project)? {
            if found.value.is_null() || found.setting.is_extra() != extras {
                continue;
            }
            let found = if safe { found.without_secret(HIDDEN) } else { found };
            for (name, value) in subject.exported(&found) {
                text.push_str(&line(&name, &value));
            }
        }
        return print(&text);
    }
    let config = if extras {
        Value::Object(subject.values(&project, true, safe)?)
    } else {
        subject.config(&project, safe)?
    };
    print(&spelling::indented_json(&config))
}

/// Which settings a list has.
pub(super) struct Which<'a> {
    pub(super) extras: bool,
    pub(super) all: bool,
    pub(super) filter: Option<&'a str>,
}

/// Parts of a list, in order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Required,
    Configured,
    Optional,
    Custom,
    CustomExtras,
}

/// Lists the settings of a plugin.
pub(super) fn list(plugin: &PluginArg, which: &Which<'_>, safe: bool, globals: &ProjectArgs) -> Result<()> {
    let project = open_for_edits(globals)?;
    let subject = Subject::load(plugin, &project)?;
    let mut lines = Vec::new();
    if !which.extras {
        lines.extend(requirements(&subject));
    }
    let all = subject.found(&project)?;
    let mut found: Vec<&Found> = all.iter().collect();
    found.sort_by(|a, b| a.setting.name.cmp(&b.setting.name));
    let needle = which.filter.map(str::to_lowercase);
    let matches = |found: &Found| {
        let name = found.setting.name.to_lowercase();
        needle.as_ref().is_none_or(|needle| name.contains(needle))
    };
    found.retain(|found| matches(found));
    let members = |part: Part| -> Vec<&Found> {
        let members = found.iter().copied();
        members
            .filter(|found| part_of(found, &subject, which) == Some(part))
            .collect()
    };
    let optional = members(Part::Optional).len();
    let only_optional = which.extras && members(Part::Configured).is_empty();
    let hide_optional = !which.all && which.filter.is_none();
    let mut parts = 0;
    for part in [
        Part::Required,
        Part::Configured,
        Part::Optional,
        Part::Custom,
        Part::CustomExtras,
    ] {
        let members = members(part);
        if members.is_empty() || (part == Part::Optional && hide_optional) {
            continue;
        }
        if parts > 0 {
            lines.push(String::new());
        }
        parts += 1;
        if part != Part::Optional || !only_optional {
            lines.push(header(part, which.extras).to_owned());
        }
        for found in members {
            lines.extend(describe(found, &subject, &project, safe));
        }
    }
    if let (Some(filter), 0) = (which.filter, parts) {
        lines.push(format!("No settings match '{filter}'."));
    }
    if hide_optional && optional > 0 {
        if parts > 0 {
            lines.push(String::new());
        }
        lines.push(format!(
            "Optional settings with default values: {optional} hidden. Use --all to show all."
        ));
    }
    if let Some(more) = subject.more() {
        lines.extend([String::new(), more]);
    }
    print(&lines.join("\n"))
}

/// The lines about which settings are required.
fn requirements(subject: &Subject) -> Vec<String> {
    let sorted = |group: &Vec<String>| {
        let mut group = group.clone();
        group.sort_unstable();
        group.join(", ")
    };
    match subject.required() {
        [] => Vec::new(),
        [one] => vec![format!("Required settings: {}", sorted(one)), String::new()],
        groups => {
            let mut lines =
                vec!["Setting groups (one of the following combinations is required):".to_owned()];
            for (index, group) in groups.iter().enumerate() {
                lines.push(format!("  Group {}: {}", index + 1, sorted(group)));
            }
            lines.push(String::new());
            lines
        }
    }
}

fn part_of(found: &Found, subject: &Subject, which: &Which<'_>) -> Option<Part> {
    let setting = &found.setting;
    let required = subject
        .required()
        .iter()
        .flatten()
        .any(|name| *name == setting.name);
    Some(match (which.extras, setting.is_extra()) {
        (true, false) => return None,
        (false, true) if setting.undeclared => Part::CustomExtras,
        (false, true) => return None,
        _ if setting.undeclared => Part::Custom,
        (false, false) if required => Part::Required,
        _ if found.source != Source::Default => Part::Configured,
        _ => Part::Optional,
    })
}

fn header(part: Part, extras: bool) -> &'static str {
    match part {
        Part::Required => "Required:",
        Part::Configured => "Configured:",
        Part::Optional => "Optional:",
        Part::Custom if extras => "Custom:",
        Part::Custom => "Custom, possibly unsupported by the plugin:",
        Part::CustomExtras => "Custom extras, plugin-specific options handled by Meltano:",
    }
}

/// The lines about one setting.
fn describe(found: &Found, subject: &Subject, project: &Project, safe: bool) -> Vec<String> {
    let setting = &found.setting;
    let groups: Vec<usize> = (1..)
        .zip(subject.required())
        .filter(|(_, group)| group.contains(&setting.name))
        .map(|(number, _)| number)
        .collect();
    let required = if subject.required().len() > 1 && !groups.is_empty() {
        required_by(&groups, subject.required().len())
    } else {
        String::new()
    };
    let variables = subject.variables(setting).join(", ");
    let default = match &setting.value {
        Some(default) if found.source != Source::Default => {
            format!(" (default: {})", spelling::repr(default))
        }
        _ => String::new(),
    };
    let hidden = safe && setting.sensitive && !found.value.is_null();
    let value = match &found.value {
        Value::String(text) if hidden && text.is_empty() => String::new(),
        _ if hidden => REDACTED.to_owned(),
        value => spelling::repr(value),
    };
    let label = label(found, subject, project);
    let from = match &found.unexpanded {
        Some(unexpanded) => format!("{label}: {}", spelling::repr(unexpanded)),
        None => label,
    };
    let name = &setting.name;
    let mut lines = vec![format!(
        "{name}{required} [env: {variables}]{default} current value: {value} ({from})"
    )];
    if let Some(description) = &setting.description {
        let label = setting.label.as_ref().map(|label| format!("{label}: "));
        lines.push(format!("\t{}{description}", label.unwrap_or_default()));
    }
    lines
}

fn required_by(groups: &[usize], all: usize) -> String {
    if groups.len() == all {
        return " (required)".to_owned();
    }
    let plural = if groups.len() > 1 { "s" } else { "" };
    let numbers: Vec<String> = groups.iter().map(usize::to_string).collect();
    format!(" (required by group{plural} {})", numbers.join(", "))
}

/// Where a value is from.
pub(super) fn label(found: &Found, subject: &Subject, project: &Project) -> String {
    let variable = found.variable.as_deref().unwrap_or_default();
    match found.source {
        Source::Variable => format!("from the {variable} variable in the environment"),
        Source::Dotenv if project.dotenv_path.ends_with(".env") => {
            format!("from the {variable} variable in `.env`")
        }
        Source::Dotenv => format!(
            "from the {variable} variable in {}",
            project.dotenv_path.display()
        ),
        Source::Environment => "from the active environment in `meltano.yml`".to_owned(),
        Source::File => "from `meltano.yml`".to_owned(),
        Source::Database => "from the system database".to_owned(),
        Source::Inherited => {
            let parent = match subject {
                Subject::Plugin(plugin) => plugin.parent_name(),
                Subject::Meltano => None,
            };
            format!("inherited from '{}'", parent.unwrap_or_default())
        }
        Source::Default => "default".to_owned(),
    }
}
