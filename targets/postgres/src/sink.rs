//! Writes one stream to its table.

use std::sync::{Arc, Mutex};

use melisma_sdk::{Result, Sink, StreamSchema};

use crate::copy::CopyBatch;
use crate::naming::TableName;
use crate::plan::Plan;
use crate::session::Session;
use crate::streams::{Run, Streams, lock};
use crate::table::list;
use crate::upsert::Upsert;
use crate::{first, overwrite, prepare, versions};

/// Writes one stream.
pub struct PostgresSink {
    streams: Arc<Streams>,
    run: Arc<Run>,
    /// Shared with the other streams of this thread.
    session: Arc<Mutex<Session>>,
    plan: Arc<Plan>,
    way: Way,
    /// Row security applies: the server takes no COPY into the table.
    secured: bool,
    /// The connection that a first load began on. Its lock is gone with it.
    connection: usize,
    /// The transaction that the newest rows are in.
    wrote_in: Option<u64>,
}

/// How rows reach the table.
enum Way {
    /// By COPY: every row is added.
    Append,
    /// By COPY, into a table that has no key yet. Whether there are rows.
    First { rows: bool },
    /// Through a stage: by ON CONFLICT when there is a key.
    Staged(Option<Box<Upsert>>),
}

impl PostgresSink {
    pub(crate) fn open(streams: &Arc<Streams>, run: &Arc<Run>, schema: &Arc<StreamSchema>) -> Result<Self> {
        let (mut plan, found) = streams.next_plan(&schema.stream)?;
        let shared = streams.session()?;
        let mut session = lock(&shared);
        if run.state.is_none() {
            session.relieve()?;
        }
        prepare::schema(streams, &mut session, run, &schema.stream, &plan.name)?;
        // Another run may be about to make the table, or load it for the first time.
        let alone = plan.creates || found.is_some();
        if alone {
            session.lock_first(&plan.name)?;
        }
        if run.overwrite {
            session.stay();
            session.execute(&plan.name, "cannot drop", &overwrite::drop_leftover(&plan.name))?;
        }
        let unfinished;
        (plan, unfinished) = streams.agree(&mut session, run, plan, found)?;
        if let Some(key) = unfinished {
            log::info!("{}: finishing a first load that was cut short", plan.name.sql());
            first::finish(&mut session, &plan.name, &key)?;
        }
        prepare::table(&mut session, run, &schema.stream, &plan)?;
        let secured =
            plan.table.row_security || plan.creates && prepare::is_secured(&mut session, &plan.name)?;
        let mut first = plan.loads_first();
        if first && (secured || !run.overwrite && session.has_many_first_loads()) {
            first::finish(&mut session, &plan.name, &plan.key)?;
            first = false;
        }
        if alone && !first && !run.overwrite {
            session.unlock_first(&plan.name);
        }
        if let Some(state) = &run.state {
            state.prepare(&mut session)?;
        }
        if !run.together {
            session.commit()?;
        }
        let connection = session.connection();
        drop(session);
        Ok(Self {
            streams: Arc::clone(streams),
            run: Arc::clone(run),
            session: shared,
            way: Way::of(&plan, first, secured),
            plan,
            secured,
            connection,
            wrote_in: None,
        })
    }

    /// The table that rows go to now.
    fn table(&self) -> &TableName {
        &self.plan.name
    }

    /// Ends a first load before it has ended by itself: what comes now needs the key.
    fn end_first(&mut self, session: &mut Session) -> Result<()> {
        if matches!(self.way, Way::First { .. }) {
            session.begin(self.table())?;
            if session.connection() != self.connection {
                return self.resume(session);
            }
            first::finish(session, self.table(), &self.plan.key)?;
            // The new table of an overwrite is for nobody else until the end of the run.
            if !self.run.overwrite {
                session.unlock_first(self.table());
            }
            self.way = Way::Staged(None);
        }
        Ok(())
    }

    /// Ends a first load whose connection the server has closed: another run may have seen that and ended it.
    fn resume(&mut self, session: &mut Session) -> Result<()> {
        let table = self.table();
        session.lock_first(table)?;
        let found = session.read_table(table)?;
        if let Some(key) = found.and_then(|found| found.unfinished) {
            first::finish(session, table, &key)?;
        }
        session.unlock_first(table);
        self.way = Way::Staged(None);
        Ok(())
    }

    /// Ends a first load for a run that waits for it, which then need not wait until all rows are there.
    fn end_first_for_others(&mut self, session: &mut Session) -> Result<()> {
        let first = matches!(self.way, Way::First { .. }) && !self.run.overwrite;
        if !first || !session.is_first_awaited(self.table())? {
            return Ok(());
        }
        log::info!(
            "{}: the first load ends here, because another run waits for the table; the rest is upserted",
            self.table().sql()
        );
        self.end_first(session)?;
        session.commit()
    }
}

impl Way {
    fn of(plan: &Plan, first: bool, secured: bool) -> Self {
        match plan.key.as_slice() {
            _ if secured => Self::Staged(None),
            [] => Self::Append,
            _ if first => Self::First { rows: false },
            _ => Self::Staged(None),
        }
    }
}

/// `copy "melty"."orders" ("id", "at") from stdin`
fn copy_into(plan: &Plan) -> String {
    format!("copy {} ({}) from stdin", plan.name.sql(), list(&plan.columns))
}

impl Sink for PostgresSink {
    type Batch = CopyBatch;

    fn write(&mut self, mut batch: CopyBatch) -> Result<()> {
        for earlier in std::mem::take(&mut batch.earlier) {
            self.write(earlier)?;
        }
        if batch.widens {
            // The stream's next plan is for these rows.
            let schema = Arc::clone(&self.plan.schema);
            self.change_schema(&schema)?;
        }
        let shared = Arc::clone(&self.session);
        let mut session = lock(&shared);
        if self.run.state.is_none() {
            session.relieve()?;
        }
        if matches!(self.way, Way::First { .. }) {
            session.begin(self.table())?;
        }
        let moved = session.connection() != self.connection;
        if matches!(self.way, Way::First { .. }) && (moved || !batch.is_plain() || batch.long_keys) {
            // Whether an index holds a long key is for the server to say before a STATE covers the row.
            self.end_first(&mut session)?;
        }
        let plan = &self.plan;
        match &mut self.way {
            Way::Append => {
                for group in &batch.groups {
                    session.copy(&plan.name, &copy_into(plan), group, false)?;
                }
            }
            Way::First { rows } => {
                for group in &batch.groups {
                    // One COPY a batch: no key comes twice in one.
                    session.copy(&plan.name, &copy_into(plan), group, true)?;
                    *rows = true;
                }
            }
            Way::Staged(upsert) => {
                let upsert = match upsert {
                    Some(upsert) => upsert,
                    None => upsert.insert(Box::new(Upsert::new(&mut session, plan)?)),
                };
                upsert.write(&mut session, plan, &batch)?;
            }
        }
        self.wrote_in = Some(session.transaction());
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.session);
        let mut session = lock(&shared);
        // A stream of the same connection may have committed these rows with its own.
        if self.wrote_in.take() == Some(session.transaction()) {
            session.commit()?;
        }
        self.end_first_for_others(&mut session)
    }

    fn commit_state(&mut self, state: &str) -> Result<()> {
        let shared = Arc::clone(&self.session);
        let mut session = lock(&shared);
        let wrote = self.wrote_in.take() == Some(session.transaction());
        // The call for another stream has done it, for all of them.
        if !wrote && session.stored() == Some(state) {
            return self.end_first_for_others(&mut session);
        }
        if let Some(table) = &self.run.state {
            table.store(&mut session, state)?;
        }
        session.commit()?;
        session.note_stored(state);
        self.end_first_for_others(&mut session)
    }

    fn change_schema(&mut self, _: &Arc<StreamSchema>) -> Result<()> {
        let (mut plan, found) = self.streams.next_plan(&self.plan.schema.stream)?;
        let shared = Arc::clone(&self.session);
        let mut session = lock(&shared);
        // Rows of the old columns do not wait for the new ones.
        session.settle()?;
        let rows = matches!(self.way, Way::First { rows: true });
        if plan.key != self.plan.key || rows && !plan.changes.is_empty() || !plan.layout.exact {
            self.end_first(&mut session)?;
        }
        (plan, _) = self.streams.agree(&mut session, &self.run, plan, found)?;
        prepare::table(&mut session, &self.run, &self.plan.schema.stream, &plan)?;
        self.way = match self.way {
            Way::First { rows } if !plan.key.is_empty() => Way::First { rows },
            _ => Way::of(&plan, false, self.secured),
        };
        self.plan = plan;
        if !self.run.together {
            session.commit()?;
        }
        Ok(())
    }

    fn activate_version(&mut self, version: i64) -> Result<()> {
        let shared = Arc::clone(&self.session);
        let mut session = lock(&shared);
        match self.way {
            // A table that was made a moment ago has no older rows.
            Way::First { rows: false } => return Ok(()),
            Way::First { rows: true } => self.end_first(&mut session)?,
            Way::Append | Way::Staged(_) => {}
        }
        session.settle()?;
        versions::activate(&mut session, &self.plan, version, self.run.deletes_versions)?;
        if !self.run.together {
            session.commit()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.session);
        let mut session = lock(&shared);
        session.settle()?;
        self.end_first(&mut session)?;
        if self.run.overwrite {
            let table = self.streams.table(&self.plan.schema.stream)?;
            overwrite::replace(&mut session, &self.streams, &self.run, &table, &self.plan)?;
        }
        session.commit()
    }
}
