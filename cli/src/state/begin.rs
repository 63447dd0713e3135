//! What a run may start from: the state of its id, when it is its own.

use melisma_sdk::Error;
use rusqlite::Connection;

use super::database::{Begun, stored};
use super::pipeline::{self, Taking};

/// A run that is about to begin.
pub(crate) struct NewRun<'a> {
    pub(crate) state_id: &'a str,
    pub(crate) run_id: &'a str,
    /// Begin although another run seems to be alive.
    pub(crate) force: bool,
    /// What to do with a state that another pipeline has kept.
    pub(crate) taking: Taking,
    /// The id that an older version had for this pipeline, and for others.
    pub(crate) old_id: Option<&'a str>,
}

/// Why a run may not begin.
pub(super) enum Refused {
    Sql(rusqlite::Error),
    Not(Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Not(error)
    }
}

impl Begun {
    /// Finds out what the run starts from.
    pub(super) fn look(&mut self, connection: &Connection, new: &NewRun<'_>) -> Result<(), Refused> {
        self.start = self.known.state()?;
        if self.start.is_some() {
            let theirs = pipeline::of(connection, new.state_id)?;
            let look = self.pipeline.look(new.state_id, theirs.as_ref(), new.taking)?;
            self.replaces = look.replaces;
            self.warnings.extend(look.warning);
            return Ok(());
        }
        if let Some(old_id) = new.old_id {
            self.look_at_an_old_one(connection, old_id, new)?;
        }
        if self.start.is_none() && new.taking != Taking::Replace && self.pipeline.words.is_some() {
            let others = pipeline::namesakes(connection, new.state_id, &self.pipeline)?;
            if !others.is_empty() {
                self.warnings.push(format!(
                    "these command lines have no state yet; others of the same names have: {} (--state-id ID resumes from one)",
                    others.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// Older versions had one id for all command lines whose programs had the same names.
    fn look_at_an_old_one(
        &mut self,
        connection: &Connection,
        old_id: &str,
        new: &NewRun<'_>,
    ) -> Result<(), Refused> {
        let Some(old) = stored(connection, old_id)?.state()? else {
            return Ok(());
        };
        if pipeline::of(connection, old_id)?.is_some() {
            return Ok(());
        }
        match new.taking {
            Taking::Replace => {}
            Taking::Adopt => {
                self.warnings.push(format!(
                    "resuming from the state that an older version kept as {old_id}"
                ));
                self.start = Some(old);
                self.adopted = Some(old_id.to_owned());
            }
            Taking::Own => {
                return Err(Error::config(format!(
                    "there is no state {} yet, but one that an older version kept as {old_id}, its id for every command \
                     line of these names. When it is this pipeline's, resume from it with --adopt-state, once; when it \
                     is not, start without it with --full-refresh, once",
                    new.state_id
                ))
                .into());
            }
        }
        Ok(())
    }
}
