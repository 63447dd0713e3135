//! `--about`: the plugin, its capabilities and its settings, as text, for Meltano Hub and for a README.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::args::Format;
use crate::config::{Setting, Settings, settings_and_entries};
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
    for setting in settings_and_entries(settings.schema()) {
        let required = if setting.required { " (required)" } else { "" };
        let _ = writeln!(out, "  - {}{required}", setting.name);
        let description = setting.description();
        if !description.is_empty() {
            let _ = writeln!(out, "      {description}");
        }
        let values = values(&setting, "");
        if !values.is_empty() {
            let _ = writeln!(out, "      Values: {values}");
        } else if let Some(default) = setting.default() {
            let _ = writeln!(out, "      Default: {default}");
        }
        if !is_in_list(&setting) {
            let _ = writeln!(out, "      Environment variable: {}", setting.variable(&prefix));
        }
    }
    out
}

/// Whether it is a setting of the entries of a list, which no environment variable reaches.
fn is_in_list(setting: &Setting<'_>) -> bool {
    setting.name.contains("[]")
}

/// `error (default): ends the run; text: ...`, with `quote` around each value.
fn values(setting: &Setting<'_>, quote: &str) -> String {
    let default = setting.default();
    let is_default = |value: &str| default.as_deref() == Some(&json!(value).to_string());
    let one = |(value, what): (&str, String)| {
        let default = if is_default(value) { " (default)" } else { "" };
        let what = what.trim_end_matches('.');
        let colon = if what.is_empty() { "" } else { ": " };
        format!("{quote}{value}{quote}{default}{colon}{what}")
    };
    setting
        .values()
        .into_iter()
        .map(one)
        .collect::<Vec<_>>()
        .join("; ")
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
    for setting in settings_and_entries(settings.schema()) {
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
    let mut description = setting.description();
    let values = values(setting, "`");
    if !values.is_empty() {
        let _ = write!(description, " Values: {values}.");
    }
    format!(
        "| {} | {required} | {} | {} |",
        setting.name,
        cell(default),
        cell(description)
    )
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::plugin::Role;

    /// Reads something.
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema counts")]
    struct Config {
        /// What to do.
        #[serde(default)]
        mode: Mode,
        /// Or not.
        other: Option<Mode>,
        /// The files.
        files: Option<Vec<File>>,
        /// How deep.
        #[serde(default)]
        depth: u8,
    }

    #[derive(Default, Deserialize, Serialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        /// Ends the run.
        #[default]
        Fail,
        /// Goes on.
        GoOn,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema counts")]
    struct File {
        /// Where it is.
        path: String,
        /// How it is packed.
        #[serde(default)]
        packing: Packing,
    }

    #[derive(Default, Deserialize, Serialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Packing {
        #[default]
        None,
        Gzip,
    }

    fn about(format: Format) -> String {
        let plugin = Plugin {
            name: "tap-x",
            version: "1.2.3",
            role: Role::Tap,
            capabilities: &[],
            options: &[],
        };
        render(&plugin, &Settings::new::<Config>(), format)
    }

    #[test]
    fn values_are_listed_with_what_they_do_and_the_default() {
        let text = about(Format::Text);
        for line in [
            "      Values: fail (default): Ends the run; go_on: Goes on\n",
            "      Values: fail: Ends the run; go_on: Goes on\n",
            "      Values: none (default); gzip\n",
            "      Default: 0\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        let row = "| mode | False | `\"fail\"` | What to do. Values: `fail` (default): Ends the run; `go_on`: Goes on. |";
        let markdown = about(Format::Markdown);
        assert!(markdown.contains(row), "{markdown}");
    }

    #[test]
    fn the_settings_of_an_entry_of_a_list_are_settings_too() {
        let text = about(Format::Text);
        assert!(
            text.contains("  - files[].path (required)\n      Where it is.\n"),
            "{text}"
        );
        assert!(
            !text.contains("FILES[]") && text.contains("TAP_X_FILES\n"),
            "{text}"
        );
        assert!(about(Format::Markdown).contains("| files[].packing |"));
    }
}
