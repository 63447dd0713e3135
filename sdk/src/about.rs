//! `--about`: what the plugin is, can do and can be told, for people, for Meltano Hub and for a README.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::args::Format;
use crate::config::{Setting, Settings, settings_of};
use crate::plugin::Plugin;

/// The text of `--about`.
pub(crate) fn render(plugin: &Plugin, settings: &Settings, format: Format) -> String {
    match format {
        Format::Text => text(plugin, settings),
        Format::Json => json_text(plugin, settings),
        Format::Markdown => markdown(plugin, settings),
    }
}

fn description<'a>(plugin: &Plugin, settings: &'a Settings) -> &'a str {
    settings
        .schema()
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or(plugin.summary())
}

/// The keys of the Meltano SDK. There is no Python, so the list of its versions is empty.
fn json_text(plugin: &Plugin, settings: &Settings) -> String {
    let mut schema = settings.schema().clone();
    for word in ["title", "description"] {
        schema.shift_remove(word);
    }
    let about = json!({
        "name": plugin.name,
        "description": description(plugin, settings),
        "version": plugin.version,
        "sdk_version": env!("CARGO_PKG_VERSION"),
        "supported_python_versions": [],
        "capabilities": plugin.capabilities,
        "settings": schema,
    });
    format!("{about:#}\n")
}

fn text(plugin: &Plugin, settings: &Settings) -> String {
    let mut out = String::new();
    let prefix = plugin.prefix();
    let _ = writeln!(out, "Name: {}", plugin.name);
    let _ = writeln!(out, "Description: {}", description(plugin, settings));
    let _ = writeln!(out, "Version: {}", plugin.version);
    let _ = writeln!(out, "SDK Version: {}", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(out, "Capabilities:");
    for capability in plugin.capabilities {
        let _ = writeln!(out, "  - {capability}");
    }
    let _ = writeln!(out, "Settings:");
    for setting in settings_of(settings.schema()) {
        let required = if setting.required { " (required)" } else { "" };
        let _ = writeln!(out, "  - {}{required}", setting.name);
        let description = setting.description();
        if !description.is_empty() {
            let _ = writeln!(out, "      {description}");
        }
        if let Some(default) = setting.default() {
            let _ = writeln!(out, "      Default: {default}");
        }
        let _ = writeln!(out, "      Environment variable: {}", setting.variable(&prefix));
    }
    out
}

fn markdown(plugin: &Plugin, settings: &Settings) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# `{}`\n\n{}\n", plugin.name, description(plugin, settings));
    let _ = writeln!(out, "## Capabilities\n");
    for capability in plugin.capabilities {
        let _ = writeln!(out, "* `{capability}`");
    }
    let _ = writeln!(
        out,
        "\n## Settings\n\n| Setting | Required | Default | Description |"
    );
    let _ = writeln!(out, "|:--------|:--------:|:-------:|:------------|");
    for setting in settings_of(settings.schema()) {
        let _ = writeln!(out, "{}", table_row(&setting));
    }
    out
}

fn table_row(setting: &Setting<'_>) -> String {
    let required = if setting.required { "True" } else { "False" };
    let default = setting
        .default()
        .map_or_else(|| "None".to_owned(), |default| format!("`{default}`"));
    let cell = |text: String| text.replace('|', "\\|");
    format!(
        "| {} | {required} | {} | {} |",
        setting.name,
        cell(default),
        cell(setting.description())
    )
}
