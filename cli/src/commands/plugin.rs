//! `melisma plugin`: the plugins of a project.

use std::process::ExitCode;

use clap::Subcommand;
use melisma_sdk::Result;
use serde_json::{Value, json};

use super::job::ListFormat;
use super::open_project::open;
use super::output::{print, table};
use crate::args::ProjectArgs;
use crate::plugin_kind::PluginKind;
use crate::project::{Plugin, Project, spelling};

/// The subcommands of `melisma plugin`.
#[derive(Subcommand)]
pub(crate) enum PluginArgs {
    /// List the plugins of the project
    List {
        /// The format
        #[arg(long, default_value = "text")]
        format: ListFormat,
    },
}

pub(crate) fn run(args: &PluginArgs, globals: &ProjectArgs) -> Result<ExitCode> {
    let project = open(globals)?;
    let PluginArgs::List { format } = args;
    let mut plugins = Vec::new();
    for kind in PluginKind::ALL {
        for name in project.plugin_names(kind) {
            plugins.push(entry(&project, kind, name)?);
        }
    }
    print(&match format {
        ListFormat::Json => spelling::indented_json(&Value::Array(plugins)),
        ListFormat::Text if plugins.is_empty() => {
            "No plugins are defined in this project.\nAdd one with 'melisma add'.".to_owned()
        }
        ListFormat::Text => {
            let rows: Vec<Vec<String>> = plugins.iter().map(row).collect();
            table(&["TYPE", "NAME", "VARIANT", "INHERIT FROM", "CUSTOM"], &rows)
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A plugin as Meltano's JSON has it. Only Meltano Cloud knows of updates, and only Meltano asks it.
fn entry(project: &Project, kind: PluginKind, name: &str) -> Result<Value> {
    let plugin = Plugin::load(project, kind, name)?;
    let block = project.plugin_block(kind, name);
    let of_block = |key: &str| {
        block
            .and_then(|block| block.get(key))
            .filter(|value| !value.is_null())
    };
    let inherits = of_block("inherit_from");
    let described = match kind {
        PluginKind::File => "file bundle",
        kind => kind.singular(),
    };
    Ok(json!({
        "type": described,
        "name": name,
        "variant": plugin.variant,
        "inherit_from": inherits,
        "custom": inherits.is_none() && of_block("namespace").is_some(),
        "update": false,
        "pip_url": plugin.pip_url,
    }))
}

fn row(plugin: &Value) -> Vec<String> {
    let text = |key: &str| plugin[key].as_str().unwrap_or_default().to_owned();
    let inherits = text("inherit_from");
    // An inheriting plugin has the variant of its parent.
    let variant = if inherits.is_empty() {
        text("variant")
    } else {
        "(inherited)".to_owned()
    };
    let custom = if plugin["custom"] == true { "✓" } else { "" };
    vec![text("type"), text("name"), variant, inherits, custom.to_owned()]
}
