//! The pipeline that owns a state, recorded next to the state.
//!
//! Meltano's tables have no column for it, so the system database gets a table of melisma's own, and a state file gets a
//! second file next to it. A state without a record comes from Meltano or from an older version; its owner is unknown.

use std::fs;
use std::path::{Path, PathBuf};

use melisma_sdk::internal::replaced::ReplacedFile;
use melisma_sdk::{Error, Result};
use serde::{Deserialize, Serialize};

use super::sql::Sql;

/// The name of melisma's own table in the system database.
pub(super) const NAME: &str = "melisma_pipelines";
pub(super) const TABLE: &str = "CREATE TABLE melisma_pipelines (state_id VARCHAR(900) NOT NULL PRIMARY KEY, tap VARCHAR NOT NULL, target VARCHAR NOT NULL, words VARCHAR);";
/// The end of the name of the file next to a state file.
const SUFFIX: &str = ".melisma-pipeline";
/// The most ids of other pipelines that a message lists.
const LISTED: u32 = 3;

/// A tap that runs into a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    /// The name of the tap; in a project with its environment, because another environment may read another source.
    pub(crate) tap: String,
    /// The name of the target.
    pub(crate) target: String,
    /// A hash of their command lines; `None` for plugins of a project, which their names identify.
    pub(crate) words: Option<String>,
}

/// What a run does with a state that another pipeline owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adoption {
    /// The run fails.
    Refuse,
    /// The tap starts without a state, and the run replaces it (`--full-refresh`).
    Replace,
    /// The tap resumes from it (`--adopt-state`).
    Adopt,
}

impl Pipeline {
    /// Checks whether this pipeline may use a state that `owner` has stored.
    ///
    /// # Errors
    /// The owner has another tap or another target, and `adoption` is [`Adoption::Refuse`].
    pub(super) fn check_owner(
        &self,
        location: &str,
        owner: Option<&Self>,
        adoption: Adoption,
    ) -> Result<OwnerCheck> {
        let Some(owner) = owner else {
            return Ok(OwnerCheck::default());
        };
        if (&self.tap, &self.target) != (&owner.tap, &owner.target) {
            let theirs = format!("{} into {}", owner.tap, owner.target);
            return match adoption {
                Adoption::Refuse => Err(Error::config(format!(
                    "the state in {location} belongs to another pipeline, {theirs}, so {} into {} cannot resume from it. \
                     Use another --state-id or --state, or replace it with --full-refresh, or, if both pipelines read and \
                     write the same data, resume from it with --adopt-state",
                    self.tap, self.target
                ))),
                Adoption::Replace => Ok(OwnerCheck {
                    replaces: true,
                    warning: None,
                }),
                Adoption::Adopt => Ok(OwnerCheck {
                    replaces: false,
                    warning: Some(format!("the state in {location} was stored by {theirs}")),
                }),
            };
        }
        let changed = matches!((&self.words, &owner.words), (Some(own), Some(theirs)) if own != theirs);
        let warning = changed.then(|| {
            format!("the state in {location} was stored by other command lines of the same names; it is used because it was named explicitly")
        });
        Ok(OwnerCheck {
            replaces: false,
            warning,
        })
    }
}

/// See [`Pipeline::check_owner`].
#[derive(Debug, Default)]
pub(super) struct OwnerCheck {
    /// Whether the run replaces the state instead of resuming from it.
    pub(super) replaces: bool,
    /// A warning for the user.
    pub(super) warning: Option<String>,
}

/// The owner of the state with this id.
pub(super) fn owner(sql: &mut dyn Sql, state_id: &str) -> Result<Option<Pipeline>> {
    let rows = sql.query(
        "SELECT tap, target, words FROM melisma_pipelines WHERE state_id = ?1",
        &[Some(state_id)],
    )?;
    Ok(rows.into_iter().next().map(|row| {
        let mut row = row.into_iter();
        let mut next = || row.next().flatten();
        Pipeline {
            tap: next().unwrap_or_default(),
            target: next().unwrap_or_default(),
            words: next(),
        }
    }))
}

/// Records the owner of the state with this id.
pub(super) fn set_owner(sql: &mut dyn Sql, state_id: &str, pipeline: &Pipeline) -> Result<()> {
    sql.query(
        "INSERT INTO melisma_pipelines (state_id, tap, target, words) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (state_id) DO UPDATE SET tap = ?2, target = ?3, words = ?4",
        &[
            Some(state_id),
            Some(&pipeline.tap),
            Some(&pipeline.target),
            pipeline.words.as_deref(),
        ],
    )
    .map(drop)
}

/// Forgets the owner of the state with this id.
pub(super) fn remove_owner(sql: &mut dyn Sql, state_id: &str) -> Result<()> {
    let statement = "DELETE FROM melisma_pipelines WHERE state_id = ?1";
    sql.query(statement, &[Some(state_id)]).map(drop)
}

/// Ids of states of other pipelines with the same names.
pub(super) fn namesakes(sql: &mut dyn Sql, state_id: &str, pipeline: &Pipeline) -> Result<Vec<String>> {
    let rows = sql.query(
        &format!(
            "SELECT state_id FROM melisma_pipelines JOIN state USING (state_id)
             WHERE tap = ?1 AND target = ?2 AND state_id <> ?3 ORDER BY updated_at DESC LIMIT {LISTED}"
        ),
        &[Some(&pipeline.tap), Some(&pipeline.target), Some(state_id)],
    )?;
    Ok(rows
        .into_iter()
        .filter_map(|row| row.into_iter().next().flatten())
        .collect())
}

/// The owner of the state in a file; `None` when it is not recorded.
pub(super) fn owner_of_file(state: &Path) -> Option<Pipeline> {
    serde_json::from_str(&fs::read_to_string(owner_file(state)).ok()?).ok()
}

/// Records the owner of the state in a file.
pub(super) fn set_owner_of_file(state: &Path, pipeline: &Pipeline) -> Result<()> {
    let path = owner_file(state);
    if owner_of_file(state).as_ref() == Some(pipeline) {
        return Ok(());
    }
    let text = serde_json::to_string(pipeline).unwrap_or_default() + "\n";
    ReplacedFile::at(&path)?
        .replace(text.as_bytes())
        .map_err(|error| Error::io(format!("cannot write {}", path.display()), error))
}

fn owner_file(state: &Path) -> PathBuf {
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
    fn a_state_of_another_pipeline_is_refused_unless_it_is_adopted() {
        let own = pipeline("tap-a", Some("1"));
        let check = |owner: Option<&Pipeline>, adoption| own.check_owner("x", owner, adoption);
        let (same, edited, other) = (
            own.clone(),
            pipeline("tap-a", Some("2")),
            pipeline("tap-b", Some("1")),
        );
        for adoption in [Adoption::Refuse, Adoption::Adopt, Adoption::Replace] {
            for fine in [None, Some(&same), Some(&pipeline("tap-a", None))] {
                let check = check(fine, adoption).expect("its own");
                assert!(check.warning.is_none() && !check.replaces, "{fine:?}");
            }
            assert!(
                check(Some(&edited), adoption)
                    .expect("by its name")
                    .warning
                    .is_some()
            );
        }
        let error = check(Some(&other), Adoption::Refuse).expect_err("another's");
        assert_eq!(error.kind(), melisma_sdk::Kind::Config);
        for word in [
            "tap-b into target-x",
            "--state-id",
            "--full-refresh",
            "--adopt-state",
        ] {
            assert!(error.to_string().contains(word), "{error}");
        }
        assert!(
            check(Some(&other), Adoption::Replace)
                .expect("replaces it")
                .replaces
        );
        assert!(
            check(Some(&other), Adoption::Adopt)
                .expect("resumes")
                .warning
                .is_some()
        );
        let elsewhere = Pipeline {
            target: "target-y".into(),
            ..own.clone()
        };
        assert!(
            check(Some(&elsewhere), Adoption::Refuse).is_err(),
            "its rows are elsewhere"
        );
    }

    #[test]
    fn the_owner_is_recorded_next_to_a_state_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("s.json");
        assert_eq!(owner_of_file(&state), None);
        let own = pipeline("tap-a", Some("1"));
        set_owner_of_file(&state, &own).expect("written");
        assert_eq!(owner_of_file(&state), Some(own));
    }
}
