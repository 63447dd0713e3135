//! Environment variables: the names for settings, and the variables of a plugin's process.

use melisma_sdk::Result;

use super::expand::Lookup;
use super::plugin::Plugin;
use super::setting::Setting;
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
pub(super) fn overlay(base: &mut Vars, over: &Vars) {
    base.extend(over.iter().map(|(key, value)| (key.clone(), value.clone())));
}

/// The variables in which a plugin's settings are looked up before `.env`: the shell's and all that take precedence over
/// them, none of them expanded but those of the environment's `env:`. `inherited` are those of its parent.
pub(super) fn layers(project: &Project, plugin: &Plugin, exports: &Exports, inherited: Vars) -> Result<Vars> {
    let mut layers = inherited;
    for vars in [
        &project.os,
        &project.own_vars,
        &project.env,
        &project.setting_vars,
        exports,
    ] {
        overlay(&mut layers, vars);
    }
    layers.extend(information(plugin));
    overlay(&mut layers, &plugin.env);
    if let Some(environment) = &project.environment {
        let expanded = expand_all(&environment.env, &Lookup::new([&layers], project.strict))?;
        overlay(&mut layers, &expanded);
    }
    overlay(&mut layers, &plugin.environment_env);
    Ok(layers)
}

/// Variables that describe the project.
pub(super) fn of_project(project: &Project) -> Vars {
    let environment = project.environment.as_ref();
    let path = |path: &std::path::Path| path.display().to_string();
    Vars::from([
        ("MELTANO_PROJECT_ROOT".to_owned(), path(&project.root)),
        ("MELTANO_SYS_DIR_ROOT".to_owned(), path(&project.system)),
        (
            "MELTANO_USER_AGENT".to_owned(),
            concat!("melisma/", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
        (
            "MELTANO_ENVIRONMENT".to_owned(),
            environment.map_or_else(String::new, |environment| environment.name.clone()),
        ),
    ])
}

/// `MELTANO_EXTRACTOR_NAME` and the like.
pub(super) fn information(plugin: &Plugin) -> [(String, String); 3] {
    let name = |what: &str| env_name(&["meltano", plugin.kind.singular(), what]);
    [
        (name("name"), plugin.name.clone()),
        (name("namespace"), plugin.namespace.clone()),
        (name("variant"), plugin.variant.clone()),
    ]
}

/// The names of the variables that a setting of the plugin is read from. One that begins with `!` is read as its opposite;
/// the first one is where a value is written to.
pub(crate) fn read_names(plugin: &Plugin, setting: &Setting) -> Vec<String> {
    let mut names = Vec::new();
    for name in [&setting.name].into_iter().chain(&setting.aliases) {
        names.extend([&plugin.name, &plugin.namespace].map(|prefix| env_name(&[prefix, name])));
    }
    if !plugin.inherits {
        names.extend(setting.env_aliases.iter().cloned());
    }
    let mut unique: Vec<String> = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique
}

/// The value of a setting as environment variables, under every prefix that Meltano uses for it, in Meltano's order.
pub(crate) fn exported(
    plugin: &Plugin,
    setting: &Setting,
    value: &serde_json::Value,
) -> Vec<(String, String)> {
    let value = setting.kind.stringify(value);
    let prefixed = plugin
        .prefixes()
        .into_iter()
        .map(|prefix| env_name(&[&prefix, &setting.name]));
    let more = setting
        .env
        .iter()
        .chain(&setting.env_aliases)
        .filter(|name| !name.starts_with('!'));
    let mut variables: Vec<(String, String)> = Vec::new();
    for name in prefixed.chain(more.cloned()) {
        if variables.iter().all(|(other, _)| *other != name) {
            variables.push((name, value.clone()));
        }
    }
    variables
}

/// All variables of the plugin's process.
pub(super) fn of_process(project: &Project, plugin: &Plugin, layers: &Vars, exports: &Vars) -> Result<Vars> {
    let expand = |vars: &Vars, from: &Vars| expand_all(vars, &Lookup::new([from], project.strict));
    let mut base = Vars::new();
    for vars in [&project.os, &project.own_vars, &project.env] {
        overlay(&mut base, vars);
    }
    let mut base = expand(&base, &project.os)?;
    overlay(&mut base, &expand(&project.dotenv, &project.os)?);
    let environment = match &project.environment {
        Some(environment) => expand(&environment.env, &base)?,
        None => Vars::new(),
    };
    let plugin_env = expand(&plugin.env, &environment)?;
    let environment_env = expand(&plugin.environment_env, &plugin_env)?;
    let mut vars = base;
    for layer in [
        &project.dotenv,
        layers,
        exports,
        &plugin_env,
        &environment,
        &environment_env,
    ] {
        overlay(&mut vars, layer);
    }
    vars.entry("PYTHONWARNINGS".to_owned())
        .or_insert_with(|| "once".to_owned());
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
