//! Definitions from a Hub: a web server with an index for each kind of plugin, as Meltano Hub is one.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::fetch;
use crate::plugin_kind::PluginKind;
use crate::project::Project;
use crate::suggestion::suggestion;

/// The Hub that the project's settings name; without one, Meltano Hub.
pub(super) struct Hub {
    /// The address of its API.
    api: String,
    /// The value of the `Authorization` header.
    authorization: Option<String>,
}

impl Hub {
    /// The Hub of `hub_api_root` or `hub_url`.
    pub(super) fn of(project: &Project) -> Result<Self> {
        let setting = |name: &str| Ok::<_, Error>(project.setting(name)?.filter(|value| !value.is_empty()));
        let api = match setting("hub_api_root")? {
            Some(root) => root,
            None => {
                let url = setting("hub_url")?.unwrap_or_default();
                format!("{}/meltano/api/v1", url.trim_end_matches('/'))
            }
        };
        Ok(Self {
            api,
            authorization: setting("hub_url_auth")?,
        })
    }

    /// The definition of a plugin in a variant, or in the default one.
    pub(super) fn definition(
        &self,
        kind: PluginKind,
        name: &str,
        variant: Option<&str>,
    ) -> Result<Map<String, Value>> {
        let index = self.get(&format!("{}/plugins/{}/index", self.api, kind.plural()));
        let index = index.map_err(|error| {
            Error::new(
                error.kind(),
                format!(
                    "{} {name} is not built in and has no lock file, and the Hub did not answer: {error}; give a definition \
                     with --from FILE",
                    kind.singular()
                ),
            )
        })?;
        let plugin = index.get(name).ok_or_else(|| {
            let names = index.keys().map(String::as_str);
            Error::config(format!(
                "{} knows no {} {name:?}{}",
                self.api,
                kind.singular(),
                near(name, names)
            ))
        })?;
        let default = || plugin.get("default_variant").and_then(Value::as_str);
        let variant = variant.or_else(default).unwrap_or_default();
        let variants = plugin.get("variants").and_then(Value::as_object);
        let url = variants.and_then(|variants| variants.get(variant)?.get("ref")?.as_str());
        let Some(url) = url else {
            let names = variants.into_iter().flatten().map(|(name, _)| name.as_str());
            return Err(Error::config(format!(
                "{} knows no variant {variant:?} of {name}{}",
                self.api,
                suggestion(variant, names)
            )));
        };
        let mut definition = self.get(url)?;
        definition.entry("variant").or_insert_with(|| variant.into());
        Ok(definition)
    }

    fn get(&self, url: &str) -> Result<Map<String, Value>> {
        let body = fetch::fetch(url, self.authorization.as_deref())?;
        serde_json::from_str(&body)
            .map_err(|error| Error::config(format!("{url} is not a JSON object")).with_source(error))
    }
}

/// A suggestion without the list of everything that there is: an index has hundreds of names.
fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let text = suggestion(name, names);
    if text.contains("did you mean") {
        text
    } else {
        String::new()
    }
}
