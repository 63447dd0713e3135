//! Which state a new run may resume from.

use melisma_sdk::{Error, Result};

use super::database::{ActiveRun, stored};
use super::pipeline::{self, Adoption};
use super::sql::Sql;

/// A run that is about to begin.
pub(crate) struct NewRun<'a> {
    pub(crate) state_id: &'a str,
    pub(crate) run_id: &'a str,
    /// Begin even if another run seems to be alive.
    pub(crate) force: bool,
    /// What to do with a state of another pipeline.
    pub(crate) adoption: Adoption,
    /// The id that older versions used for this pipeline, and possibly for others.
    pub(crate) old_id: Option<&'a str>,
}

impl ActiveRun {
    /// Finds the state to resume from.
    pub(super) fn find_start(&mut self, sql: &mut dyn Sql, new: &NewRun<'_>) -> Result<()> {
        self.start = self.known.state()?;
        if self.start.is_some() {
            let theirs = pipeline::owner(sql, new.state_id)?;
            let check = self
                .pipeline
                .check_owner(new.state_id, theirs.as_ref(), new.adoption)?;
            self.replaces = check.replaces;
            self.warnings.extend(check.warning);
            return Ok(());
        }
        if let Some(old_id) = new.old_id {
            self.find_old_start(sql, old_id, new)?;
        }
        if self.start.is_none() && new.adoption != Adoption::Replace && self.pipeline.words.is_some() {
            let others = pipeline::namesakes(sql, new.state_id, &self.pipeline)?;
            if !others.is_empty() {
                self.warnings.push(format!(
                    "these command lines have no state yet, but others with the same names have: {} (--state-id ID resumes from one of them)",
                    others.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// Older versions used one id for all command lines whose programs have the same names.
    fn find_old_start(&mut self, sql: &mut dyn Sql, old_id: &str, new: &NewRun<'_>) -> Result<()> {
        let Some(old) = stored(sql, old_id)?.state()? else {
            return Ok(());
        };
        if pipeline::owner(sql, old_id)?.is_some() {
            return Ok(());
        }
        match new.adoption {
            Adoption::Replace => {}
            Adoption::Adopt => {
                self.warnings.push(format!(
                    "resuming from the state that an older version stored as {old_id}"
                ));
                self.start = Some(old);
                self.adopted = Some(old_id.to_owned());
            }
            Adoption::Refuse => {
                return Err(Error::config(format!(
                    "there is no state {} yet, but an older version stored one as {old_id}, its id for all command lines \
                     with these names. If it is the state of this pipeline, resume from it by running once with \
                     --adopt-state; if not, run once with --full-refresh",
                    new.state_id
                )));
            }
        }
        Ok(())
    }
}
