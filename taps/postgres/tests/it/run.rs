//! Runs the tap in this process and keeps what it says.

use std::cell::RefCell;
use std::ffi::OsString;
use std::sync::Once;

use melisma_sdk::plugin::Io;
use melisma_sdk::signals::Stop;
use melisma_testing::postgres::{Database, Server, server};
use serde_json::{Value, json};
use tap_postgres::TapPostgres;

/// What a run left behind.
pub(crate) struct Outcome {
    pub(crate) code: u8,
    /// Its messages, in their order.
    pub(crate) messages: Vec<Value>,
    pub(crate) text: String,
    /// What this thread logged meanwhile.
    pub(crate) log: String,
}

impl Outcome {
    fn of(code: u8, log: String, out: Vec<u8>) -> Self {
        let text = String::from_utf8(out).unwrap();
        let messages = text.lines().map(|line| serde_json::from_str(line).unwrap());
        Self {
            code,
            messages: messages.collect(),
            text,
            log,
        }
    }

    /// The outcome of a run that must have worked.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.log);
        self
    }

    /// The records of a stream.
    pub(crate) fn records(&self, stream: &str) -> Vec<Value> {
        let of_stream = |message: &&Value| message["type"] == "RECORD" && message["stream"] == stream;
        let records = self.messages.iter().filter(of_stream);
        records.map(|message| message["record"].clone()).collect()
    }

    /// One property of each record of a stream.
    pub(crate) fn values(&self, stream: &str, property: &str) -> Vec<Value> {
        let records = self.records(stream).into_iter();
        records.map(|record| record[property].clone()).collect()
    }

    /// The last STATE; null when there was none.
    pub(crate) fn state(&self) -> Value {
        let last = self.messages.iter().rfind(|message| message["type"] == "STATE");
        last.map_or(Value::Null, |message| message["value"].clone())
    }

    /// The schema of a stream.
    pub(crate) fn schema(&self, stream: &str) -> Value {
        let found = self
            .messages
            .iter()
            .find(|message| message["type"] == "SCHEMA" && message["stream"] == stream);
        found.map_or(Value::Null, |message| message["schema"].clone())
    }
}

/// A new database that these statements made.
pub(crate) fn database(sql: &str) -> Database<'static> {
    database_on(server(), sql)
}

/// The same on a server of the caller's.
pub(crate) fn database_on<'s>(server: &'s Server, sql: &str) -> Database<'s> {
    let database = server.database();
    database.sql(sql);
    database
}

/// The settings that lead to a database, with `more` besides.
pub(crate) fn config(database: &Database<'_>, more: &Value) -> Value {
    let mut config = json!({
        "host": database.host(),
        "port": database.port(),
        "user": database.user(),
        "password": database.password(),
        "database": database.name(),
    });
    config
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    config
}

/// A run of the tap.
pub(crate) struct Run<'a> {
    config: Value,
    files: Vec<(&'a str, &'a Value)>,
    args: Vec<&'a str>,
    stop: Stop,
}

impl<'a> Run<'a> {
    /// On this database, with `more` settings.
    pub(crate) fn on(database: &Database<'_>, more: &Value) -> Self {
        Self::with(config(database, more))
    }

    /// With these settings.
    pub(crate) fn with(config: Value) -> Self {
        Self {
            config,
            files: Vec::new(),
            args: Vec::new(),
            stop: Stop::default(),
        }
    }

    pub(crate) fn catalog(mut self, catalog: &'a Value) -> Self {
        self.files.push(("--catalog", catalog));
        self
    }

    pub(crate) fn state(mut self, state: &'a Value) -> Self {
        self.files.push(("--state", state));
        self
    }

    /// Stops, as a signal would, when about so many records are out.
    pub(crate) fn go_until(self, records: usize) -> Outcome {
        let mut out = Until {
            records,
            stop: self.stop.clone(),
            text: Vec::new(),
        };
        let (code, log) = self.into(&mut out);
        Outcome::of(code, log, out.text)
    }

    pub(crate) fn arg(mut self, arg: &'a str) -> Self {
        self.args.push(arg);
        self
    }

    /// What it does when the writer `out` sees its output.
    pub(crate) fn into(self, out: &mut (dyn std::io::Write + Send)) -> (u8, String) {
        let folder = tempfile::tempdir().unwrap();
        let mut args: Vec<OsString> = vec!["tap-postgres".into()];
        for (option, json) in [("--config", &self.config)].iter().chain(&self.files) {
            let path = folder.path().join(option.trim_start_matches('-'));
            std::fs::write(&path, json.to_string()).unwrap();
            args.push((*option).into());
            args.push(path.into());
        }
        args.extend(self.args.iter().map(OsString::from));
        capture_logs();
        LOG.with_borrow_mut(String::clear);
        let mut io = Io::buffers(std::io::empty(), out);
        io.stop = self.stop;
        let code = melisma_sdk::tap::run_tap_on::<TapPostgres>(melisma_sdk::package!(), args, io);
        (code, LOG.with_borrow(Clone::clone))
    }

    pub(crate) fn go(self) -> Outcome {
        let mut out = Vec::new();
        let (code, log) = self.into(&mut out);
        Outcome::of(code, log, out)
    }

    /// The catalog that discovery prints.
    pub(crate) fn discover(self) -> Value {
        let mut out = Vec::new();
        let (code, log) = self.arg("--discover").into(&mut out);
        assert_eq!(code, 0, "{log}");
        serde_json::from_slice(&out).unwrap()
    }
}

/// Keeps what is written, and asks for the end when it is enough.
struct Until {
    records: usize,
    stop: Stop,
    text: Vec<u8>,
}

impl std::io::Write for Until {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.extend_from_slice(bytes);
        let records = self
            .text
            .split(|&byte| byte == b'\n')
            .filter(|line| line.starts_with(b"{\"type\":\"RECORD\""));
        if records.count() >= self.records {
            self.stop.request(15);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

thread_local! {
    static LOG: RefCell<String> = const { RefCell::new(String::new()) };
}

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target().starts_with("tokio_postgres") {
            return;
        }
        LOG.with_borrow_mut(|log| {
            log.extend([record.level().as_str(), ": ", &record.args().to_string(), "\n"]);
        });
    }

    fn flush(&self) {}
}

/// Each test reads what its own thread logged.
fn capture_logs() {
    static START: Once = Once::new();
    START.call_once(|| {
        log::set_logger(&Capture).unwrap();
        log::set_max_level(log::LevelFilter::Info);
    });
}
