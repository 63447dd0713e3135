//! Whose state it is: the pipeline that has kept it, beside the state.
//!
//! Meltano's tables have no place for it, so the system database gets a table of melisma's own, and a state file gets
//! a file beside it. A state without is one of Meltano's, or of an older version: nobody knows whose.

use std::fs;
use std::path::{Path, PathBuf};

use melisma_sdk::replaced::ReplacedFile;
use melisma_sdk::{Error, Result};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

/// Made in the system database.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS melisma_pipelines (state_id VARCHAR(900) NOT NULL PRIMARY KEY, tap VARCHAR NOT NULL, target VARCHAR NOT NULL, words VARCHAR);";
/// The end of the name of the file beside a state file.
const SUFFIX: &str = ".melisma-pipeline";
/// More ids of other pipelines are not told.
const TOLD: u32 = 3;

/// A tap that runs into a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    /// The name of the tap; of a project's, with its environment, which may read another source.
    pub(crate) tap: String,
    /// The name of the target.
    pub(crate) target: String,
    /// A hash of their command lines; none for plugins of a project, whose names stand for them.
    pub(crate) words: Option<String>,
}

/// What a run may do with a state that another pipeline has kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    /// Nothing.
    Own,
    /// Replace it: the tap starts without a state.
    Replace,
    /// Resume from it.
    Adopt,
}

impl Pipeline {
    /// What a run of this pipeline has to be told of a state that `other` has kept; whether it replaces it.
    ///
    /// # Errors
    /// The state is of another tap, or for another target, and `taking` says nothing of that.
    pub(super) fn look(&self, place: &str, other: Option<&Self>, taking: Taking) -> Result<Look> {
        let Some(other) = other else {
            return Ok(Look::default());
        };
        if (&self.tap, &self.target) != (&other.tap, &other.target) {
            let theirs = format!("{} into {}", other.tap, other.target);
            return match taking {
                Taking::Own => Err(Error::config(format!(
                    "the state in {place} was kept by another pipeline, {theirs}: it says nothing of where {} into {} is. \
                     Keep a state of its own with another --state-id or --state, start anew and replace it with \
                     --full-refresh, or resume from it with --adopt-state when both read and write the same",
                    self.tap, self.target
                ))),
                Taking::Replace => Ok(Look {
                    replaces: true,
                    warning: None,
                }),
                Taking::Adopt => Ok(Look {
                    replaces: false,
                    warning: Some(format!("the state in {place} was kept by {theirs}")),
                }),
            };
        }
        let changed = matches!((&self.words, &other.words), (Some(own), Some(theirs)) if own != theirs);
        let warning = changed.then(|| {
            format!("the state in {place} was kept by other command lines of the same names; it is used because it was asked for by its name")
        });
        Ok(Look {
            replaces: false,
            warning,
        })
    }
}

/// See [`Pipeline::look`].
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) replaces: bool,
    pub(super) warning: Option<String>,
}

/// Who has kept the state of this id.
pub(super) fn of(connection: &Connection, state_id: &str) -> rusqlite::Result<Option<Pipeline>> {
    connection
        .query_row(
            "SELECT tap, target, words FROM melisma_pipelines WHERE state_id = ?",
            [state_id],
            |row| {
                Ok(Pipeline {
                    tap: row.get(0)?,
                    target: row.get(1)?,
                    words: row.get(2)?,
                })
            },
        )
        .optional()
}

/// Notes who has kept the state of this id.
pub(super) fn note(connection: &Connection, state_id: &str, pipeline: &Pipeline) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT OR REPLACE INTO melisma_pipelines (state_id, tap, target, words) VALUES (?, ?, ?, ?)",
            params![state_id, pipeline.tap, pipeline.target, pipeline.words],
        )
        .map(drop)
}

/// Other ids with a state of a pipeline of the same names.
pub(super) fn namesakes(
    connection: &Connection,
    state_id: &str,
    pipeline: &Pipeline,
) -> rusqlite::Result<Vec<String>> {
    let mut query = connection.prepare(
        "SELECT state_id FROM melisma_pipelines JOIN state USING (state_id)
         WHERE tap = ? AND target = ? AND state_id <> ? ORDER BY updated_at DESC LIMIT ?",
    )?;
    query
        .query_map(params![pipeline.tap, pipeline.target, state_id, TOLD], |row| {
            row.get(0)
        })?
        .collect()
}

/// Who has kept the state in a file; nobody known when the file beside it is not there, or says nothing.
pub(super) fn of_file(state: &Path) -> Option<Pipeline> {
    serde_json::from_str(&fs::read_to_string(beside(state)).ok()?).ok()
}

/// Notes who has kept the state in a file.
pub(super) fn note_file(state: &Path, pipeline: &Pipeline) -> Result<()> {
    let path = beside(state);
    if of_file(state).as_ref() == Some(pipeline) {
        return Ok(());
    }
    let text = serde_json::to_string(pipeline).unwrap_or_default() + "\n";
    ReplacedFile::at(&path)?
        .replace(text.as_bytes())
        .map_err(|error| Error::io(format!("cannot write {}", path.display()), error))
}

fn beside(state: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(state.file_name().unwrap_or_default());
    name.push(SUFFIX);
    state.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(tap: &str, words: Option<&str>) -> Pipeline {
        Pipeline {
            tap: tap.into(),
            target: "target-x".into(),
            words: words.map(Into::into),
        }
    }

    #[test]
    fn a_state_of_another_pipeline_is_refused_unless_it_is_asked_for() {
        let own = pipeline("tap-a", Some("1"));
        let look = |other: Option<&Pipeline>, taking| own.look("x", other, taking);
        let (same, edited, other) = (
            own.clone(),
            pipeline("tap-a", Some("2")),
            pipeline("tap-b", Some("1")),
        );
        for taking in [Taking::Own, Taking::Adopt, Taking::Replace] {
            for fine in [None, Some(&same), Some(&pipeline("tap-a", None))] {
                let look = look(fine, taking).expect("its own");
                assert!(look.warning.is_none() && !look.replaces, "{fine:?}");
            }
            assert!(
                look(Some(&edited), taking)
                    .expect("by its name")
                    .warning
                    .is_some()
            );
        }
        let error = look(Some(&other), Taking::Own).expect_err("another's");
        assert_eq!(error.kind(), melisma_sdk::Kind::Config);
        for word in [
            "tap-b into target-x",
            "--state-id",
            "--full-refresh",
            "--adopt-state",
        ] {
            assert!(error.to_string().contains(word), "{error}");
        }
        assert!(look(Some(&other), Taking::Replace).expect("replaces it").replaces);
        assert!(
            look(Some(&other), Taking::Adopt)
                .expect("goes on")
                .warning
                .is_some()
        );
        let elsewhere = Pipeline {
            target: "target-y".into(),
            ..own.clone()
        };
        assert!(
            look(Some(&elsewhere), Taking::Own).is_err(),
            "its rows are elsewhere"
        );
    }

    #[test]
    fn a_file_beside_the_state_says_whose_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("s.json");
        assert_eq!(of_file(&state), None);
        let own = pipeline("tap-a", Some("1"));
        note_file(&state, &own).expect("written");
        assert_eq!(of_file(&state), Some(own));
    }
}
