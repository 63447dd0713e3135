//! What a plugin inherits: from another plugin of the project, or from a definition.

use std::collections::BTreeMap;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::{Command, Definition, Parent, Plugin, block};
use crate::plugin_kind::PluginKind;
use crate::project::{FILE, Project, Vars, env_of, extras, lock, setting};
use crate::suggestion::suggestion;

/// The plugin, and before it what it inherits from; `children` are the plugins that led to it.
pub(super) fn load(
    project: &Project,
    kind: PluginKind,
    name: &str,
    children: &mut Vec<String>,
) -> Result<Plugin> {
    if children.iter().any(|child| child == name) {
        return Err(Error::config(format!("plugin {name} inherits from itself")));
    }
    if name.contains(':') {
        return Err(Error::config(format!(
            "plugin {name}: a name must not contain a colon"
        )));
    }
    let own = project
        .plugin_document(kind, name)
        .ok_or_else(|| unknown(project, kind, name))?;
    let text = |key: &str| own.get(key).and_then(Value::as_str);
    let inherit_from = text("inherit_from").filter(|parent| !parent.is_empty() && *parent != name);
    if let Some(parent) = inherit_from
        && text("variant").is_none()
        && project.plugin_document(kind, parent).is_some()
    {
        children.push(name.to_owned());
        let parent = load(project, kind, parent, children)?;
        let inherited = Inherited {
            variant: Some(parent.variant.clone()),
            pip_url: parent.pip_url.clone(),
            python: parent.python.clone(),
            executable: parent.executable.clone(),
            capabilities: parent.capabilities.clone(),
            required: parent.required.clone(),
            folder: parent.folder.clone(),
            namespace: parent.namespace.clone(),
            commands: parent.commands.clone(),
            requires_meltano: parent.requires_meltano.clone(),
        };
        return Ok(join(
            project,
            kind,
            own,
            inherited,
            Parent::Plugin(Box::new(parent)),
        ));
    }
    let is_definition =
        inherit_from.is_none() && text("namespace").is_some_and(|namespace| !namespace.is_empty());
    let locked;
    let definition = if is_definition {
        own
    } else {
        locked = lock::definition(&project.root, kind, inherit_from.unwrap_or(name), text("variant"))?;
        &locked
    };
    let (inherited, parent) = defined(kind, definition, inherit_from.unwrap_or(name), is_definition);
    Ok(join(project, kind, own, inherited, Parent::Definition(parent)))
}

/// What a plugin falls back to when its own block does not say it.
struct Inherited {
    variant: Option<String>,
    pip_url: Option<String>,
    python: Option<String>,
    executable: String,
    capabilities: Vec<String>,
    required: Vec<Vec<String>>,
    folder: String,
    namespace: String,
    commands: BTreeMap<String, Command>,
    requires_meltano: Option<Value>,
}

/// What a definition has. The extras of a block that is its own definition are values, not defaults.
fn defined(
    kind: PluginKind,
    document: &Map<String, Value>,
    name: &str,
    is_block: bool,
) -> (Inherited, Definition) {
    let text = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = text("name").unwrap_or_else(|| name.to_owned());
    let namespace = text("namespace").unwrap_or_else(|| name.replace('-', "_"));
    let defaults = if is_block {
        Map::new()
    } else {
        block::extras_of(document, true).collect()
    };
    let inherited = Inherited {
        variant: text("variant"),
        pip_url: text("pip_url"),
        python: block::python(document),
        executable: text("executable")
            .filter(|file| !file.is_empty())
            .unwrap_or_else(|| name.clone()),
        capabilities: block::texts(document.get("capabilities")).unwrap_or_default(),
        required: block::groups(document).unwrap_or_default(),
        folder: name.clone(),
        namespace: namespace.clone(),
        commands: block::commands(document).collect(),
        requires_meltano: document.get("requires_meltano").cloned(),
    };
    let definition = Definition {
        settings: setting::of_block(document),
        extras: extras::of_definition(kind, &defaults),
        docs: text("docs").filter(|docs| !docs.is_empty()),
        name,
        namespace,
    };
    (inherited, definition)
}

/// The plugin's own block over what it inherits.
fn join(
    project: &Project,
    kind: PluginKind,
    own: &Map<String, Value>,
    up: Inherited,
    parent: Parent,
) -> Plugin {
    let text = |key: &str| own.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = text("name").unwrap_or_default();
    let inherits = text("inherit_from").is_some_and(|parent| !parent.is_empty() && parent != name);
    let is_definition = !inherits && matches!(parent, Parent::Definition(_)) && text("namespace").is_some();
    // `pip_url: null` and the like fall back to the parent as well.
    let pip_url = text("pip_url").or_else(|| up.pip_url.clone());
    let same_install = pip_url.as_deref().is_none_or(str::is_empty) || pip_url == up.pip_url;
    let in_environment = project.environment_plugin(kind, &name);
    Plugin {
        kind,
        namespace: text("namespace").unwrap_or_else(|| {
            if inherits {
                name.replace('-', "_")
            } else {
                up.namespace
            }
        }),
        variant: text("variant")
            .or(up.variant)
            .unwrap_or_else(|| "default".to_owned()),
        python: block::python(own).or(up.python),
        executable: text("executable").unwrap_or(up.executable),
        capabilities: block::texts(own.get("capabilities")).unwrap_or(up.capabilities),
        required: block::groups(own).unwrap_or(up.required),
        commands: up.commands.into_iter().chain(block::commands(own)).collect(),
        mapping: None,
        config: block::config(own, is_definition),
        environment_config: in_environment.map_or_else(Map::new, |own| block::config(own, false)),
        env: env_of(own),
        environment_env: in_environment.map_or_else(Vars::new, env_of),
        folder: if inherits && same_install {
            up.folder
        } else {
            name.clone()
        },
        pip_url: pip_url.filter(|url| !url.is_empty()),
        own_settings: setting::of_block(own),
        requires_meltano: own
            .get("requires_meltano")
            .filter(|own| !own.is_null())
            .cloned()
            .or(up.requires_meltano),
        inherits,
        name,
        parent,
    }
}

fn unknown(project: &Project, kind: PluginKind, name: &str) -> Error {
    let names = project
        .plugin_documents(kind)
        .into_iter()
        .filter_map(|plugin| plugin.get("name")?.as_str());
    Error::config(format!(
        "there is no {} {name:?} in {}{}",
        kind.singular(),
        FILE,
        suggestion(name, names)
    ))
}
