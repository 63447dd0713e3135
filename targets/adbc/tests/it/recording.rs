//! A connection that writes down what it is asked for, in the place of services that are not reached from here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use melisma_sdk::Result;
use melisma_sdk::arrow::array::{Array as _, RecordBatch};
use melisma_sdk::arrow::schema::SchemaRef;
use melisma_sdk::plugin::{Io, Package};
use melisma_sdk::sql::{Connection, Opened, Sql, SqlTarget, SqlType, TableName};
use melisma_sdk::target::{StandardConfig, run_target_on};
use serde_json::{Value, json};
use target_adbc::{BigQueryConfig, By, RedshiftConfig, SnowflakeConfig, Transactions, WarehouseConfig};

/// The settings of a target whose service is not reached.
pub(crate) trait Named: WarehouseConfig {
    /// The target's own name.
    const NAME: &str;
}

impl Named for BigQueryConfig {
    const NAME: &str = "target-bigquery";
}

impl Named for RedshiftConfig {
    const NAME: &str = "target-redshift";
}

impl Named for SnowflakeConfig {
    const NAME: &str = "target-snowflake";
}

/// What was asked for, and what is answered.
#[derive(Debug, Default)]
struct Service {
    told: String,
    /// By a part of the query, its rows.
    answers: Vec<(String, Value)>,
    /// The rows of each table that were loaded.
    loaded: BTreeMap<String, usize>,
    /// Stages have keys more than once.
    repeated: bool,
}

static SERVICE: Mutex<Service> = Mutex::new(Service {
    told: String::new(),
    answers: Vec::new(),
    loaded: BTreeMap::new(),
    repeated: false,
});

fn tell(line: &str) {
    let mut service = SERVICE.lock().unwrap_or_else(PoisonError::into_inner);
    service.told.push_str(line);
    service.told.push('\n');
}

struct Recording;

impl Connection for Recording {
    fn execute(&mut self, _: &str, sql: &str) -> Result<()> {
        tell(&format!("execute: {sql}"));
        Ok(())
    }

    fn query(&mut self, _: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        tell(&format!("query: {sql}"));
        let mut service = SERVICE.lock().unwrap_or_else(PoisonError::into_inner);
        let is = |(part, _): &(String, Value)| sql.contains(part);
        if let Some(at) = service.answers.iter().position(is) {
            let rows = service.answers[at].1.clone();
            // The last answer is given again.
            if service.answers.iter().filter(|answer| is(answer)).count() > 1 {
                service.answers.remove(at);
            }
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let row = |row: &Value| row.as_array().expect("a row").iter().map(text).collect();
            return Ok(rows.as_array().expect("rows").iter().map(row).collect());
        }
        if sql.contains("DISTINCT") {
            let table = sql.split(" FROM ").last().and_then(|rest| rest.split(')').next());
            let rows = table
                .and_then(|table| service.loaded.get(table))
                .copied()
                .unwrap_or_default();
            return Ok(vec![vec![Some(
                (rows - usize::from(service.repeated)).to_string(),
            )]]);
        }
        Ok(Vec::new())
    }

    fn load(&mut self, table: &TableName, rows: RecordBatch, temporary: bool) -> Result<()> {
        let place = match &table.schema {
            Some(schema) => format!("{schema}.{}", table.table),
            None => table.table.clone(),
        };
        let kind = if temporary { " (temporary)" } else { "" };
        tell(&format!("load: {place}{kind}, {} rows", rows.num_rows()));
        let schema = rows.schema();
        for (field, column) in schema.fields().iter().zip(rows.columns()) {
            let name = field.name();
            let values = if name.to_lowercase().starts_with("_sdc_") {
                "...".to_owned()
            } else {
                values(&format!("{:?}", column.as_ref()))
            };
            let extension = field.metadata().get("ARROW:extension:name");
            let extension = extension.map(|name| format!(" ({name})")).unwrap_or_default();
            let of = column.data_type();
            tell(&format!("  {name}: {of}{extension}: {values}"));
        }
        let mut service = SERVICE.lock().unwrap_or_else(PoisonError::into_inner);
        for quote in ["\"", "`"] {
            let name = |name: &str| format!("{quote}{name}{quote}");
            let quoted = match &table.schema {
                Some(schema) => format!("{}.{}", name(schema), name(&table.table)),
                None => name(&table.table),
            };
            *service.loaded.entry(quoted).or_default() += rows.num_rows();
        }
        Ok(())
    }

    fn create(&mut self, table: &TableName, _: SchemaRef, _: bool) -> Result<()> {
        panic!("the types of {} are known", table.table)
    }

    fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, SqlType)>>> {
        panic!("there is a query for the columns of {}", table.table)
    }

    fn commit(&mut self) -> Result<()> {
        tell("commit");
        Ok(())
    }

    fn rollback(&mut self) -> Result<()> {
        tell("rollback");
        Ok(())
    }
}

/// The lines of an array's values as one.
fn values(debug: &str) -> String {
    let lines = debug.lines().skip_while(|line| *line != "[").skip(1);
    let lines: Vec<&str> = lines.take_while(|line| *line != "]").map(str::trim).collect();
    lines.join(" ").trim_end_matches(',').to_owned()
}

/// The target, with a connection that records.
struct Recorded<C> {
    first: Vec<String>,
    commits: By,
    config: std::marker::PhantomData<fn() -> C>,
}

/// What names the tables of a run's own, which differs from run to run.
static RUN: Mutex<String> = Mutex::new(String::new());

impl<C: Named> SqlTarget for Recorded<C> {
    type Config = C;
    type Connection = Transactions<Recording>;

    fn defaults() -> StandardConfig {
        C::defaults()
    }

    fn open(config: C, standard: &mut StandardConfig) -> Result<Opened<Self>> {
        let warehouse = config.warehouse(standard)?;
        tell(&format!("driver: {}", warehouse.address.driver));
        for (name, value) in &warehouse.address.options {
            tell(&format!("option: {name} = {}", value.expose()));
        }
        tell(&format!("location: {}", warehouse.location));
        let stage = warehouse.dialect.stage("stage".to_owned()).table;
        let run = stage.strip_prefix("stage_0").unwrap_or_default().to_owned();
        *RUN.lock().unwrap_or_else(PoisonError::into_inner) = run;
        Ok(Opened {
            target: Self {
                first: warehouse.first(),
                commits: warehouse.commits(),
                config: std::marker::PhantomData,
            },
            dialect: Arc::clone(&warehouse.dialect),
            config: warehouse.sql,
        })
    }

    fn connect(&self) -> Result<Self::Connection> {
        tell("connect");
        let mut connection = Recording;
        for sql in &self.first {
            connection.execute("", sql)?;
        }
        Ok(Transactions::new(connection, self.commits))
    }
}

#[derive(Clone, Default)]
struct Stdout(Arc<Mutex<Vec<u8>>>);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One run of a target on a service that answers so.
#[derive(Default)]
pub(crate) struct Scene {
    pub(crate) config: Value,
    /// By a part of the query, its rows; of several answers to one query one after the other, the last again.
    pub(crate) answers: Vec<(&'static str, Value)>,
    pub(crate) lines: Vec<Value>,
    /// Stages have keys more than once.
    pub(crate) repeated: bool,
}

impl Scene {
    /// Runs it; what the connection was asked for, and the exit code with the STATE.
    pub(crate) fn run<C: Named>(&self) -> String {
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        *SERVICE.lock().unwrap_or_else(PoisonError::into_inner) = Service {
            answers: self
                .answers
                .iter()
                .map(|(part, rows)| ((*part).to_owned(), rows.clone()))
                .collect(),
            repeated: self.repeated,
            ..Service::default()
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.json");
        std::fs::write(&path, self.config.to_string()).expect("written");
        let input: Vec<String> = self.lines.iter().map(Value::to_string).collect();
        let input = input.join("\n") + "\n";
        let stdout = Stdout::default();
        let io = Io::buffers(std::io::Cursor::new(input.into_bytes()), stdout.clone());
        let args = [OsString::from(C::NAME), "--config".into(), path.into()];
        let package = Package {
            name: C::NAME,
            version: "1.0.0",
        };
        let code = run_target_on::<Sql<Recorded<C>>>(package, args, io);
        let states = stdout.0.lock().expect("no panic").clone();
        let states = String::from_utf8(states).expect("UTF-8");
        let run = RUN.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let told = std::mem::take(&mut SERVICE.lock().unwrap_or_else(PoisonError::into_inner).told);
        let told = if run.is_empty() {
            told
        } else {
            told.replace(&run, "_RUN")
        };
        format!("{told}exit code {code}, STATE {}\n", states.trim())
    }

    /// Compares a run with what tests/golden has of it; `MELISMA_TEST_WRITE=1` writes it there.
    #[track_caller]
    pub(crate) fn is<C: Named>(&self, name: &str) {
        let told = self.run::<C>();
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(format!("{name}.txt"));
        if std::env::var_os("MELISMA_TEST_WRITE").is_some() {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, &told).expect("written");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(told, expected, "{}", path.display());
    }
}

/// The settings `base` with those of `more`.
pub(crate) fn with(base: &Value, more: &Value) -> Value {
    let mut config = base.clone();
    for (name, value) in more.as_object().expect("settings") {
        config[name] = value.clone();
    }
    config
}

/// Settings of the three targets, with tables of the properties alone.
pub(crate) fn snowflake() -> Value {
    json!({
        "account": "org-acc", "user": "LOADER", "password": "pass'word", "database": "dwh", "warehouse": "WH",
        "default_target_schema": "raw", "add_record_metadata": false, "state_interval_seconds": 0,
    })
}

pub(crate) fn bigquery() -> Value {
    json!({
        "project": "proj", "dataset": "raw", "denormalized": true, "credentials_path": "/key.json",
        "add_record_metadata": false, "state_interval_seconds": 0,
    })
}

pub(crate) fn redshift() -> Value {
    json!({
        "host": "h.example.com", "user": "loader", "password": "p@ss", "dbname": "dwh", "s3_bucket": "unused",
        "add_record_metadata": false, "state_interval_seconds": 0,
    })
}
