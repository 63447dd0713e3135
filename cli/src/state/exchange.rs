//! All states as one JSON document, to move them to another place.

use std::collections::BTreeMap;

use melisma_sdk::{Error, Result, show};
use serde_json::value::RawValue;

use super::layout::compact;
use super::merge::object;
use super::states::States;
use super::stored::Stored;

impl States {
    /// An object with all states by id, on one line.
    pub(crate) fn export(&mut self) -> Result<String> {
        let mut all = Vec::new();
        for id in self.ids()? {
            let state = self.stored(&id)?.to_json();
            all.push((id, state));
        }
        Ok(compact(&object(&all)))
    }

    /// Stores what [`export`](States::export) has returned, over what is there; returns how many states it has. Nothing is
    /// stored when one of them is wrong.
    pub(crate) fn import(&mut self, json: &str) -> Result<usize> {
        let wrong = |what: String| move |error| Error::input(what).with_source(error);
        let entries: BTreeMap<String, &RawValue> = serde_json::from_str(json).map_err(wrong(
            "what is imported is not a JSON object of states by id".to_owned(),
        ))?;
        let mut states = Vec::new();
        for (id, entry) in entries {
            let what = format!(
                "the state of {} is not an object with the objects completed and partial",
                show(&id)
            );
            let state = Stored::from_json(&compact(entry.get())).map_err(wrong(what.clone()))?;
            if state.parts().iter().any(|part| !part.starts_with('{')) {
                return Err(Error::input(what));
            }
            states.push((id, state));
        }
        for (id, state) in &states {
            self.replace(id, state)?;
        }
        Ok(states.len())
    }
}
