//! What a tap keeps in a stream's state beside the bookmark.

use melisma_engine::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Output;

impl Output<'_> {
    /// What an earlier run, interrupted, kept under `name` for this stream.
    pub fn kept<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>> {
        let place = self.state.place(&self.current.name, None);
        let text = self.state.fields(place).get(name);
        text.map(serde_json::from_str).transpose().map_err(|error| {
            Error::config(format!("{name} in the state is not what the tap wrote"))
                .with_source(error)
                .in_stream(&self.current.name)
        })
    }

    /// Keeps a value under `name` in the stream's state, beside the bookmark: how far a FULL_TABLE sync has come. It
    /// goes out with the next STATE, and so must not be ahead of the records that were written.
    pub fn keep(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value)
            .map_err(|error| Error::bug("cannot write what is kept in the state").with_source(error))?;
        let place = self.state.place(&self.current.name, None);
        self.state.fields(place).set(name, &text);
        Ok(())
    }

    /// Forgets what was kept under `name`. Null takes its place, because runners merge a new state into an old one.
    pub fn forget(&mut self, name: &str) {
        let place = self.state.place(&self.current.name, None);
        if self.state.fields(place).get(name).is_some() {
            self.state.fields(place).set(name, "null");
        }
    }
}
