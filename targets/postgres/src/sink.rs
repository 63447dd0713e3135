//! Writes one stream to its table.

use std::sync::Arc;

use melisma_sdk::{Result, Sink};

use crate::copy::CopyBatch;
use crate::encoder::TableBatch;
use crate::naming::TableName;
use crate::plan::Plan;
use crate::run::Run;
use crate::session::{Load, Session};
use crate::table::list;
use crate::upsert::Upsert;
use crate::{first, overwrite, prepare, versions};

/// Writes one stream.
pub struct PostgresSink {
    run: Arc<Run>,
    /// The plan that the encoder has made rows for.
    planned: Arc<Plan>,
    /// What has come of it where the table had changed meanwhile.
    plan: Arc<Plan>,
    path: LoadPath,
    /// Row security applies: the server takes no COPY into the table.
    secured: bool,
    /// The connection that a first load began on. Its lock is gone with it.
    connection: usize,
    /// The transaction that the newest rows are in.
    wrote_in: Option<u64>,
}

/// How rows reach the table.
enum LoadPath {
    /// By COPY: every row is added.
    Append,
    /// By COPY, into a table that has no key yet. Whether there are rows.
    First { rows: bool },
    /// Through a stage: by ON CONFLICT when there is a key.
    Staged(Option<Box<Upsert>>),
}

impl PostgresSink {
    pub(crate) fn open(session: &mut Session, run: &Arc<Run>, planned: &Arc<Plan>) -> Result<Self> {
        let stream = &*planned.schema.stream;
        let table = &planned.name;
        if run.state.is_none() {
            session.relieve()?;
        }
        prepare::schema(session, run, stream, table)?;
        // Another run may be about to make the table, or load it for the first time.
        let alone = planned.creates || planned.unfinished.is_some();
        if alone {
            session.lock_first(table)?;
        }
        if run.overwrite {
            session.stay();
            session.execute(table, "cannot drop", &overwrite::drop_leftover(table))?;
        }
        let (plan, unfinished) = prepare::agree(session, run, planned)?;
        if let Some(key) = unfinished {
            log::info!("{}: finishing a first load that was cut short", table.sql());
            first::finish(session, table, &key)?;
        }
        prepare::table(session, run, stream, &plan)?;
        let secured = plan.table.row_security || plan.creates && prepare::is_secured(session, table)?;
        let mut first = plan.loads_first();
        if first && (secured || !run.overwrite && session.has_many_first_loads()) {
            first::finish(session, table, &plan.key)?;
            first = false;
        }
        if alone && !first && !run.overwrite {
            session.unlock_first(table);
        }
        if let Some(state) = &run.state {
            state.prepare(session)?;
        }
        if !run.together {
            session.commit()?;
        }
        Ok(Self {
            run: Arc::clone(run),
            planned: Arc::clone(planned),
            path: LoadPath::of(&plan, first, secured),
            plan,
            secured,
            connection: session.connection(),
            wrote_in: None,
        })
    }

    /// The table that rows go to now.
    fn table(&self) -> &TableName {
        &self.plan.name
    }

    /// Ends a first load before it has ended by itself: what comes now needs the key.
    fn end_first(&mut self, session: &mut Session) -> Result<()> {
        if matches!(self.path, LoadPath::First { .. }) {
            session.begin(self.table())?;
            if session.connection() != self.connection {
                return self.resume(session);
            }
            first::finish(session, self.table(), &self.plan.key)?;
            // Other runs do not use the new table of an overwrite before the end of the run.
            if !self.run.overwrite {
                session.unlock_first(self.table());
            }
            self.path = LoadPath::Staged(None);
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
        self.path = LoadPath::Staged(None);
        Ok(())
    }

    /// Ends a first load for a run that waits for it, which then need not wait until all rows are there.
    fn end_first_for_others(&mut self, session: &mut Session) -> Result<()> {
        let first = matches!(self.path, LoadPath::First { .. }) && !self.run.overwrite;
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

    /// Brings rows for the current plan into the table, or into a stage.
    fn write_rows(&mut self, session: &mut Session, batch: &CopyBatch) -> Result<()> {
        if self.run.state.is_none() {
            session.relieve()?;
        }
        if matches!(self.path, LoadPath::First { .. }) {
            session.begin(self.table())?;
        }
        let moved = session.connection() != self.connection;
        if matches!(self.path, LoadPath::First { .. }) && (moved || !batch.is_plain() || batch.long_keys) {
            // Whether an index holds a long key is for the server to say before a STATE covers the row.
            self.end_first(session)?;
        }
        let plan = &self.plan;
        match &mut self.path {
            LoadPath::Append => {
                for group in &batch.groups {
                    session.copy(&load(plan, false), group)?;
                }
            }
            LoadPath::First { rows } => {
                for group in &batch.groups {
                    // One COPY a batch: no key comes twice in one.
                    session.copy(&load(plan, true), group)?;
                    *rows = true;
                }
            }
            LoadPath::Staged(upsert) => {
                let upsert = match upsert {
                    Some(upsert) => upsert,
                    None => upsert.insert(Box::new(Upsert::new(session, plan)?)),
                };
                upsert.write(session, plan, batch)?;
            }
        }
        self.wrote_in = Some(session.transaction());
        Ok(())
    }
}

impl LoadPath {
    fn of(plan: &Plan, first: bool, secured: bool) -> Self {
        match plan.key.as_slice() {
            _ if secured => Self::Staged(None),
            [] => Self::Append,
            _ if first => Self::First { rows: false },
            _ => Self::Staged(None),
        }
    }
}

/// Rows that go straight into the table.
fn load(plan: &Plan, alone: bool) -> Load<'_> {
    let columns: Vec<&str> = plan.columns.iter().map(|name| &**name).collect();
    Load {
        table: &plan.name,
        into: plan.name.sql(),
        list: list(&plan.columns),
        binary: plan.binary(|_| true),
        columns,
        is_stage: false,
        alone,
    }
}

impl Sink for PostgresSink {
    type Batch = TableBatch;
    type Plan = Plan;
    type Worker = Session;

    fn write(&mut self, session: &mut Session, batch: TableBatch) -> Result<()> {
        for (plan, rows) in &batch.parts {
            if !Arc::ptr_eq(plan, &self.planned) {
                self.change_plan(session, plan)?;
            }
            if !rows.is_empty() {
                self.write_rows(session, rows)?;
            }
        }
        Ok(())
    }

    fn commit(&mut self, session: &mut Session) -> Result<()> {
        // A stream of the same connection may have committed these rows with its own.
        if self.wrote_in.take() == Some(session.transaction()) {
            session.commit()?;
        }
        self.end_first_for_others(session)
    }

    fn commit_state(&mut self, session: &mut Session, state: &str) -> Result<()> {
        let wrote = self.wrote_in.take() == Some(session.transaction());
        // The call for another stream has done it, for all of them.
        if !wrote && session.stored() == Some(state) {
            return self.end_first_for_others(session);
        }
        if let Some(table) = &self.run.state {
            table.store(session, state)?;
        }
        session.commit()?;
        session.note_stored(state);
        self.end_first_for_others(session)
    }

    fn change_plan(&mut self, session: &mut Session, planned: &Arc<Plan>) -> Result<()> {
        // Rows of the old columns do not wait for the new ones.
        session.settle()?;
        let rows = matches!(self.path, LoadPath::First { rows: true });
        if planned.key != self.plan.key || rows && !planned.changes.is_empty() || !planned.layout.exact {
            self.end_first(session)?;
        }
        let (plan, _) = prepare::agree(session, &self.run, planned)?;
        prepare::table(session, &self.run, &self.plan.schema.stream, &plan)?;
        self.path = match self.path {
            LoadPath::First { rows } if !plan.key.is_empty() => LoadPath::First { rows },
            _ => LoadPath::of(&plan, false, self.secured),
        };
        self.planned = Arc::clone(planned);
        self.plan = plan;
        if !self.run.together {
            session.commit()?;
        }
        Ok(())
    }

    fn activate_version(&mut self, session: &mut Session, version: i64) -> Result<()> {
        match self.path {
            // A table that was made a moment ago has no older rows.
            LoadPath::First { rows: false } => return Ok(()),
            LoadPath::First { rows: true } => self.end_first(session)?,
            LoadPath::Append | LoadPath::Staged(_) => {}
        }
        session.settle()?;
        versions::activate(session, &self.plan, version, self.run.deletes_versions)?;
        if !self.run.together {
            session.commit()?;
        }
        Ok(())
    }

    fn finish(&mut self, session: &mut Session) -> Result<()> {
        session.settle()?;
        self.end_first(session)?;
        if self.run.overwrite {
            let table = self.run.rules.naming.table(&self.plan.schema.stream)?;
            overwrite::replace(session, &self.run, &table, &self.plan)?;
        }
        session.commit()
    }
}
