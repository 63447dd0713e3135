//! Environment variables: the names for settings, and the variables of a plugin's process.

use melisma_sdk::Result;
use serde_json::Value;

use super::expand::Lookup;
use super::plugin::Plugin;
use super::{Project, Vars, expand_all};

/// What the plugins of a pipeline export to those after them, as environment variables.
pub(crate) type Exports = Vars;

/// The parts joined by `_`, in capitals, with `_` for everything but letters and digits.
pub(crate) fn env_name(parts: &[&str]) -> String {
    parts
        .join("_")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// Sets the variables of `over` in `base`.
fn overlay(base: &mut Vars, over: &Vars) {
    base.extend(over.iter().map(|(key, value)| (key.clone(), value.clone())));
}

/// The variables that take precedence over the shell's.
pub(super) fn layers(project: &Project, plugin: &Plugin, exports: &Exports) -> Vars {
    let mut layers = project.env.clone();
    layers.extend(project_vars(project));
    overlay(&mut layers, exports);
    layers.extend(information(plugin));
    overlay(&mut layers, &plugin.env);
    if let Some(environment) = &project.environment {
        overlay(&mut layers, &environment.env);
    }
    overlay(&mut layers, &plugin.environment_env);
    layers
}

/// Variables that describe the project.
fn project_vars(project: &Project) -> Vars {
    let mut vars = Vars::from([
        (
            "MELTANO_PROJECT_ROOT".to_owned(),
            project.root.display().to_string(),
        ),
        (
            "MELTANO_SYS_DIR_ROOT".to_owned(),
            project.system.display().to_string(),
        ),
        (
            "MELTANO_USER_AGENT".to_owned(),
            concat!("melisma/", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
    ]);
    if let Some(environment) = &project.environment {
        vars.insert("MELTANO_ENVIRONMENT".to_owned(), environment.name.clone());
    }
    vars
}

/// `MELTANO_EXTRACTOR_NAME` and the like.
pub(super) fn information(plugin: &Plugin) -> Vec<(String, String)> {
    let name = |what: &str| env_name(&["meltano", plugin.kind.singular(), what]);
    let mut information = vec![
        (name("name"), plugin.name.clone()),
        (name("namespace"), plugin.namespace.clone()),
    ];
    information.extend(plugin.variant.clone().map(|variant| (name("variant"), variant)));
    information
}

/// The values of settings as environment variables, under every prefix that Meltano uses for them.
pub(super) fn exported<'a>(
    plugin: &Plugin,
    found: impl Iterator<Item = (&'a str, &'a Value, Option<&'a str>)>,
) -> Exports {
    let verb = format!("meltano-{}", plugin.kind.verb());
    let mut prefixes = vec![verb.as_str()];
    let mut at = Some(plugin);
    while let Some(plugin) = at {
        prefixes.extend([plugin.name.as_str(), plugin.namespace.as_str()]);
        at = plugin.parent.as_deref();
    }
    let mut vars = Vars::new();
    for (setting, value, more) in found {
        let value = text(value);
        for prefix in &prefixes {
            vars.insert(env_name(&[prefix, setting]), value.clone());
        }
        if let Some(name) = more {
            vars.insert(name.to_owned(), value);
        }
    }
    vars
}

/// All variables of the plugin's process.
pub(super) fn of_process(project: &Project, plugin: &Plugin, layers: &Vars, exports: &Vars) -> Result<Vars> {
    let none = Vars::new();
    let environment = project
        .environment
        .as_ref()
        .map_or(&none, |environment| &environment.env);
    let plugin_env = expand_all(&plugin.env, &Lookup::new([environment], project.strict))?;
    let environment_env = expand_all(
        &plugin.environment_env,
        &Lookup::new([&plugin_env], project.strict),
    )?;
    let mut vars = project.env.clone();
    for layer in [
        &project.dotenv,
        &project.os,
        layers,
        exports,
        &plugin_env,
        environment,
        &environment_env,
    ] {
        overlay(&mut vars, layer);
    }
    vars.remove("PYTHONPATH");
    vars.remove("VIRTUAL_ENV");
    if let Some(venv) = plugin.venv(project).filter(|venv| venv.is_dir()) {
        let path = vars.get("PATH").map(String::as_str).unwrap_or_default();
        let path = format!("{}:{path}", venv.join("bin").display());
        vars.insert("PATH".to_owned(), path);
        vars.insert("VIRTUAL_ENV".to_owned(), venv.display().to_string());
    }
    Ok(vars)
}

/// A value as the text of an environment variable.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_meltano_makes_them() {
        assert_eq!(env_name(&["tap-a", "nested.leaf"]), "TAP_A_NESTED_LEAF");
        assert_eq!(env_name(&["tap-a", "_select"]), "TAP_A__SELECT");
        assert_eq!(
            env_name(&["tap-a", "_metadata.users.replication-method"]),
            "TAP_A__METADATA_USERS_REPLICATION_METHOD"
        );
    }
}
