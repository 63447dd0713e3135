//! What the decoding thread and the writing threads know together: the plans of each stream, and the connections.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use foldhash::fast::RandomState;
use melisma_postgres::postgres::Client;
use melisma_postgres::{Server, failed};
use melisma_sdk::files::Pool;
use melisma_sdk::{Error, Kind, Result, StreamSchema, show};

use crate::aside;
use crate::copy::{CopyEncoder, Layout};
use crate::naming::TableName;
use crate::plan::{Plan, Rules, plan, plan_again, replan};
use crate::session::{Session, pooled};
use crate::state::StateTable;
use crate::table::{self, Found};
use crate::widen::Widener;

/// What the settings say.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) rules: Rules,
    /// Each stream is loaded into a new table, which takes the place of the old one at the end.
    pub(crate) overwrite: bool,
    /// Nothing is committed for a stream alone: all of them are together, at a STATE or at the end.
    pub(crate) together: bool,
    /// Where STATE is stored.
    pub(crate) state: Option<StateTable>,
    /// ACTIVATE_VERSION deletes rows, instead of marking them.
    pub(crate) deletes_versions: bool,
    /// Who may read the tables, unless `schema_mapping` says otherwise.
    pub(crate) roles: Vec<String>,
}

/// The columns of a key.
pub(crate) type Key = Vec<Box<str>>;

/// A stream, as the two sides know it.
struct Stream {
    name: TableName,
    /// The table after every plan so far.
    newest: Arc<Plan>,
    /// Plans that the sink has not followed yet.
    plans: VecDeque<Arc<Plan>>,
    /// The key of a first load that an earlier run did not finish.
    unfinished: Option<Key>,
    hashes: RandomState,
}

/// The streams so far.
#[derive(Default)]
struct Known {
    streams: HashMap<Box<str>, Stream>,
    /// Whose table each is.
    tables: HashMap<TableName, Box<str>>,
}

/// All streams of a run.
pub(crate) struct Streams {
    server: Server,
    lock_timeout: Duration,
    /// For the catalog; used by the decoding thread.
    catalog: Mutex<Client>,
    streams: Mutex<Known>,
    /// One for each writing thread.
    sessions: Mutex<HashMap<ThreadId, Arc<Mutex<Session>>>>,
    pool: Arc<Pool>,
}

impl std::fmt::Debug for Streams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Streams {
    /// Connects, so that wrong settings are told before anything is read.
    pub(crate) fn open(server: &Server, lock_timeout: Duration) -> Result<Self> {
        Ok(Self {
            server: server.clone(),
            lock_timeout,
            catalog: Mutex::new(server.connect()?),
            streams: Mutex::default(),
            sessions: Mutex::default(),
            pool: Arc::default(),
        })
    }

    /// The encoder for a schema, which the next plan of the stream is made for.
    pub(crate) fn encoder(
        self: &Arc<Self>,
        run: &Arc<Run>,
        schema: &Arc<StreamSchema>,
    ) -> Result<CopyEncoder> {
        run.rules.mapping.sql_types.ask(&mut *self.catalog()?, schema)?;
        let mut known = lock(&self.streams);
        let plan = match known.streams.get_mut(&schema.stream) {
            Some(stream) => {
                let table = Some(&stream.newest.table);
                let plan = Arc::new(plan(
                    &run.rules,
                    &stream.newest.name,
                    table,
                    schema,
                    &stream.hashes,
                )?);
                stream.newest = Arc::clone(&plan);
                stream.plans.push_back(Arc::clone(&plan));
                plan
            }
            None => {
                let stream = self.first_plan(run, schema, &known.tables)?;
                let plan = Arc::clone(&stream.newest);
                known.tables.insert(stream.name.clone(), schema.stream.clone());
                known.streams.insert(schema.stream.clone(), stream);
                plan
            }
        };
        let widener = Widener {
            streams: Arc::clone(self),
            run: Arc::clone(run),
            stream: schema.stream.clone(),
        };
        Ok(CopyEncoder::new(&plan.layout, &self.pool).widening(widener))
    }

    /// The layout of a plan in which the columns of these properties hold more: the stream's next plan.
    pub(crate) fn widen(&self, run: &Run, stream: &str, properties: &[&str]) -> Result<Arc<Layout>> {
        let mut known = lock(&self.streams);
        let stream = known
            .streams
            .get_mut(stream)
            .ok_or_else(|| Error::bug("an encoder without its stream"))?;
        let plan = Arc::new(replan(&run.rules, &stream.newest, properties)?);
        stream.newest = Arc::clone(&plan);
        stream.plans.push_back(Arc::clone(&plan));
        Ok(Arc::clone(&plan.layout))
    }

    fn first_plan(
        &self,
        run: &Run,
        schema: &Arc<StreamSchema>,
        tables: &HashMap<TableName, Box<str>>,
    ) -> Result<Stream> {
        let name = run.rules.naming.table(&schema.stream)?;
        if let Some(other) = tables.get(&name) {
            return Err(Error::config(format!(
                "expected a table for each stream, found that {} is the table of {} as well (schema_mapping can tell \
                 them apart)",
                name.sql(),
                show(other)
            )));
        }
        let hashes = RandomState::default();
        let mut unfinished = None;
        let plan = if run.overwrite {
            let aside = run.rules.naming.aside(&name)?;
            aside::planned(&mut *self.catalog()?, &run.rules, &name, &aside, schema, &hashes)?
        } else {
            let found = table::read(&mut *self.catalog()?, &name)?;
            let (table, key) = found.map(Found::planned).unzip();
            unfinished = key.flatten();
            plan(&run.rules, &name, table.as_ref(), schema, &hashes)?
        };
        let plan = Arc::new(plan);
        Ok(Stream {
            name,
            newest: Arc::clone(&plan),
            plans: [plan].into(),
            unfinished,
            hashes,
        })
    }

    /// The next plan of a stream: one for each schema, in their order. With the key of a first load that an earlier
    /// run did not finish.
    pub(crate) fn next_plan(&self, stream: &str) -> Result<(Arc<Plan>, Option<Key>)> {
        let mut known = lock(&self.streams);
        let stream = known
            .streams
            .get_mut(stream)
            .ok_or_else(|| Error::bug("a sink without an encoder"))?;
        let plan = stream
            .plans
            .pop_front()
            .ok_or_else(|| Error::bug("a schema without a plan"))?;
        Ok((plan, stream.unfinished.take()))
    }

    /// The plan for the table as it is by now, and the key of a first load that another run did not finish.
    ///
    /// A plan is made when its SCHEMA is read; until the sink follows it, another run may have made or changed the
    /// table. So whoever is about to change it keeps others away, looks again, and plans again when it is not what
    /// the plan was made for. Rows may have been encoded by then: what they are encoded for has to stay the same.
    pub(crate) fn agree(
        &self,
        session: &mut Session,
        run: &Run,
        plan: Arc<Plan>,
        unfinished: Option<Key>,
    ) -> Result<(Arc<Plan>, Option<Key>)> {
        if run.overwrite || plan.changes.is_empty() && unfinished.is_none() {
            return Ok((plan, unfinished));
        }
        session.lock_change(&plan.name)?;
        let found = session.read_table(&plan.name)?;
        let (table, unfinished) = found.map(Found::planned).unzip();
        let unfinished = unfinished.flatten();
        if table == plan.before {
            return Ok((plan, unfinished));
        }
        let fresh = plan_again(&run.rules, &plan, table.as_ref())?;
        if !fresh.encodes_as(&plan) {
            return Err(Error::new(
                Kind::Retry,
                format!(
                    "{}: expected the table to stay as it was when the SCHEMA was read, found that another run or \
                     user changed it",
                    plan.name.sql()
                ),
            ));
        }
        let fresh = Arc::new(fresh);
        let mut known = lock(&self.streams);
        let stream = known.streams.get_mut(&plan.schema.stream);
        if let Some(stream) = stream.filter(|stream| Arc::ptr_eq(&stream.newest, &plan)) {
            stream.newest = Arc::clone(&fresh);
        }
        Ok((fresh, unfinished))
    }

    /// The table of a stream, which is not the one that is loaded while an old one is to be overwritten.
    pub(crate) fn table(&self, stream: &str) -> Result<TableName> {
        lock(&self.streams)
            .streams
            .get(stream)
            .map(|stream| stream.name.clone())
            .ok_or_else(|| Error::bug("a sink without an encoder"))
    }

    /// The connection of this thread.
    pub(crate) fn session(&self) -> Result<Arc<Mutex<Session>>> {
        let mut sessions = lock(&self.sessions);
        let thread = thread::current().id();
        if let Some(session) = sessions.get(&thread) {
            return Ok(Arc::clone(session));
        }
        let session = Session::open(&self.server, self.lock_timeout)?;
        self.check_own(&session)?;
        let session = Arc::new(Mutex::new(session));
        sessions.insert(thread, Arc::clone(&session));
        Ok(session)
    }

    /// Two connections that are one session of the server are not what they seem. Found at once where a pooler has
    /// nothing else to do; each transaction looks again.
    fn check_own(&self, session: &Session) -> Result<()> {
        let row = self
            .catalog()?
            .query_one("select pg_catalog.pg_backend_pid()", &[]);
        let pid: i32 = row
            .map_err(|error| failed("cannot set up the connection", error))?
            .get(0);
        if pid == session.pid() {
            return Err(pooled());
        }
        Ok(())
    }

    /// The connection that asks the catalog; a new one when the server has ended it. Asked for each time: a connection
    /// that nothing was sent on does not know that it was closed.
    pub(crate) fn catalog(&self) -> Result<MutexGuard<'_, Client>> {
        const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
        let mut catalog = lock(&self.catalog);
        if catalog.is_valid(ANSWERS_WITHIN).is_err() {
            *catalog = self.server.connect()?;
        }
        Ok(catalog)
    }
}

/// A panic while something is locked ends the run; what is locked is not looked at again but to be dropped.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
