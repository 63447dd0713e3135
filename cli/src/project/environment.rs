//! Environments of a project, such as `dev` and `prod`.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::expand::Lookup;
use super::{Project, Vars, env_of, named, objects};
use crate::suggestion::suggestion;

/// The active environment.
pub(crate) struct Environment {
    pub(crate) name: String,
    pub(super) document: Map<String, Value>,
    /// Its `env:`, as written.
    pub(super) env: Vars,
}

/// The choice of an environment on the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice<'a> {
    Named(&'a str),
    /// `--no-environment`.
    None,
    Default,
    /// A variable; `default_environment` does not count.
    Explicit,
}

/// Finds the environment that the command line, a variable or `default_environment` names.
pub(super) fn choose(project: &Project, choice: Choice<'_>) -> Result<Option<Environment>> {
    let variable = |vars: &Vars| {
        vars.get("MELTANO_ENVIRONMENT")
            .filter(|name| !name.is_empty())
            .cloned()
    };
    let name = match choice {
        Choice::None => None,
        Choice::Named(name) => Some(name.to_owned()),
        Choice::Explicit => variable(&project.os).or_else(|| variable(&project.dotenv)),
        Choice::Default => variable(&project.os)
            .or_else(|| variable(&project.dotenv))
            .or_else(|| {
                project
                    .document
                    .get("default_environment")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            }),
    };
    let Some(name) = name.filter(|name| name != "null") else {
        return Ok(None);
    };
    let all = objects(project.document.get("environments"));
    let Some(document) = all.iter().find(|document| named(document, &name)) else {
        let names = all.iter().filter_map(|document| document.get("name")?.as_str());
        return Err(Error::config(format!(
            "there is no environment {name:?}{}",
            suggestion(&name, names)
        )));
    };
    Ok(Some(Environment {
        name,
        document: (*document).clone(),
        env: env_of(document),
    }))
}

impl Project {
    /// The suffix for ids of states that the environment has.
    pub(crate) fn state_id_suffix(&self) -> Result<Option<String>> {
        let Some(environment) = &self.environment else {
            return Ok(None);
        };
        let Some(suffix) = environment
            .document
            .get("state_id_suffix")
            .and_then(Value::as_str)
        else {
            return Ok(None);
        };
        // Not with the environment's own `env:`, which Meltano reads only afterwards.
        let layers = [
            &self.dotenv,
            &self.os,
            &self.own_vars,
            &self.env,
            &self.setting_vars,
        ];
        let lookup = Lookup::new(layers, self.strict);
        Ok(Some(lookup.text(suffix)?).filter(|suffix| !suffix.is_empty()))
    }
}
