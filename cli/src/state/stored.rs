//! A stored state, and its JSON text: the content of `state.json` in a state backend, and an entry of `state export`.

use melisma_sdk::Result;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::WriteMode;
use super::merge::{merge, object, unwrap, wrap};

/// The state of a pipeline, as Meltano stores it: in a row of the `state` table, or in a state backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(super) completed: Option<String>,
    pub(super) partial: Option<String>,
}

impl Stored {
    /// The state to resume from: the partial state merged over the completed one.
    pub(crate) fn state(&self) -> Result<Option<String>> {
        unwrap(&self.merged())
    }

    /// The same as Meltano has it: `{"singer_state": ...}`, or `{}`.
    pub(super) fn merged(&self) -> String {
        let [completed, partial] = self.parts();
        merge(completed, partial)
    }

    /// The completed and the partial state, `{}` for none.
    pub(super) fn parts(&self) -> [&str; 2] {
        [&self.completed, &self.partial].map(|part| part.as_deref().unwrap_or("{}"))
    }

    /// What is stored after this state is.
    pub(super) fn after(&self, state: &str, mode: WriteMode) -> Self {
        self.after_wrapped(wrap(state), mode)
    }

    /// The same for a state as Meltano stores it.
    pub(super) fn after_wrapped(&self, state: String, mode: WriteMode) -> Self {
        let [completed, partial] = self.parts();
        let (completed, partial) = match mode {
            WriteMode::Complete => (state, "{}".to_owned()),
            WriteMode::Partial => (completed.to_owned(), merge(partial, &state)),
        };
        Self {
            completed: Some(completed),
            partial: Some(partial),
        }
    }
}

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
