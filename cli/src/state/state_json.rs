//! A stored state as one JSON text: the content of `state.json` in a state backend, and an entry of `state export`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::database::Stored;
use super::merge::object;

/// Missing keys mean an empty state.
#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    completed: Option<&'a RawValue>,
    #[serde(borrow)]
    partial: Option<&'a RawValue>,
}

impl Stored {
    /// What `json` has.
    pub(super) fn from_json(json: &str) -> serde_json::Result<Self> {
        let parts: Parts<'_> = serde_json::from_str(json)?;
        let text = |part: Option<&RawValue>| part.map(|part| part.get().to_owned());
        Ok(Self {
            completed: text(parts.completed),
            partial: text(parts.partial),
        })
    }

    pub(super) fn to_json(&self) -> String {
        let [completed, partial] = self.parts().map(str::to_owned);
        object(&[
            ("completed".to_owned(), completed),
            ("partial".to_owned(), partial),
        ])
    }
}
