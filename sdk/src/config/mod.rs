//! Settings: one serde struct, checked and described by the JSON Schema made from it.

mod check;
mod environment;
mod foreign;
mod load;
mod names;
mod schema;
#[cfg(test)]
mod tests;

use melisma_engine::{Error, Result};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use environment::Environment;
pub use names::Names;
pub(crate) use schema::{Setting, settings_and_entries};

/// The settings that a plugin knows: a JSON Schema of type object.
///
/// Beyond JSON Schema a setting may say `secret` (see [`Secret`](crate::Secret)) and `x-aliases`, a list of other
/// names that peers use for it: `#[schemars(extend("x-aliases" = ["output_path"]))]`. With `x-ignored`, a reason, it is
/// accepted for the sake of configs that were made for a peer, and a run that sets it warns that it is ignored.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) schema: Map<String, Value>,
}

/// The values of the settings, checked, with defaults put in.
#[derive(Clone, Debug, Default)]
pub struct Values {
    pub(crate) map: Map<String, Value>,
    pub(crate) secrets: Vec<String>,
}

impl Settings {
    /// The settings of this struct. Its doc comment describes the plugin.
    pub fn new<C: JsonSchema>() -> Self {
        Self {
            schema: schema::of::<C>(),
        }
    }

    /// Adds the settings of another struct, after its own; a name that both have stays with the first.
    #[must_use]
    pub fn and<C: JsonSchema>(mut self) -> Self {
        schema::merge(&mut self.schema, schema::of::<C>());
        self
    }

    /// Gives a setting of the top level another default.
    pub(crate) fn set_default(&mut self, name: &str, default: Value) {
        let properties = self.schema.get_mut("properties").and_then(Value::as_object_mut);
        if let Some(Value::Object(setting)) = properties.and_then(|properties| properties.get_mut(name)) {
            setting.insert("default".to_owned(), default);
        }
    }

    /// Takes a setting of the top level out.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(Value::Object(properties)) = self.schema.get_mut("properties") {
            properties.shift_remove(name);
        }
    }

    /// Leaves a setting of the top level, which has one of several values, only these.
    pub(crate) fn retain_values(&mut self, name: &str, values: &[Value]) {
        let properties = self.schema.get_mut("properties").and_then(Value::as_object_mut);
        let setting = properties.and_then(|properties| properties.get_mut(name));
        if let Some(Value::Array(branches)) = setting.and_then(|setting| setting.get_mut("oneOf")) {
            branches.retain(|branch| branch.get("const").is_some_and(|value| values.contains(value)));
        }
    }

    /// The JSON Schema.
    pub fn schema(&self) -> &Map<String, Value> {
        &self.schema
    }
}

impl Values {
    /// One value, of the top level.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    /// The values that struct `C` names, as a `C`.
    pub fn read<C: DeserializeOwned + JsonSchema>(&self) -> Result<C> {
        let known = schema::of::<C>();
        let known = known
            .get("properties")
            .and_then(Value::as_object)
            .filter(|_| !schema::takes_others(&known));
        let own = self
            .map
            .iter()
            .filter(|(name, _)| known.is_none_or(|known| known.contains_key(*name)));
        let own = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        serde_json::from_value(Value::Object(own)).map_err(|error| {
            let mut message = error.to_string();
            for secret in &self.secrets {
                message = message.replace(secret.as_str(), crate::secret::MASK);
            }
            Error::config(format!("config: {message}"))
        })
    }
}
