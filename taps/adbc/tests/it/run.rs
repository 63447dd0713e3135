//! Runs a tap in this process and keeps what it says.

use std::cell::RefCell;
use std::ffi::OsString;
use std::sync::Once;

use melisma_sdk::plugin::Io;
use melisma_sdk::signals::Stop;
use melisma_sdk::tap::run_tap_on;
use serde_json::{Value, json};
use tap_adbc::{TapAdbc, TapDuckDb, TapSqlite};

use crate::database::{Database, Kind};

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
    /// The outcome of a run that must have worked.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.log);
        self
    }

    /// That of one that must have failed, with all of these words.
    #[track_caller]
    pub(crate) fn fails(self, code: u8, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}", self.log);
        for word in words {
            assert!(self.log.contains(word), "{word:?} is not in: {}", self.log);
        }
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

/// A run of a tap.
pub(crate) struct Run<'a> {
    /// `None`: tap-adbc.
    kind: Option<Kind>,
    config: Value,
    files: Vec<(&'a str, &'a Value)>,
    args: Vec<&'a str>,
    stop: Stop,
}

impl<'a> Run<'a> {
    /// On this database, with `more` settings.
    pub(crate) fn on(database: &Database, more: &Value) -> Self {
        Self::with(Some(database.kind), database.config(more))
    }

    /// By tap-adbc.
    pub(crate) fn adbc(database: &Database) -> Self {
        Self::with(None, database.adbc_config())
    }

    /// With these settings.
    pub(crate) fn with(kind: Option<Kind>, config: Value) -> Self {
        Self {
            kind,
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

    pub(crate) fn arg(mut self, arg: &'a str) -> Self {
        self.args.push(arg);
        self
    }

    /// Stops, as a signal would, when this number of records is out.
    pub(crate) fn go_until(self, records: usize) -> Outcome {
        let mut out = Until {
            records,
            stop: self.stop.clone(),
            text: Vec::new(),
        };
        let (code, log) = self.into(&mut out);
        outcome(code, log, out.text)
    }

    fn into(self, out: &mut (dyn std::io::Write + Send)) -> (u8, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut args: Vec<OsString> = vec!["tap".into()];
        for (option, json) in [("--config", &self.config)].iter().chain(&self.files) {
            let path = folder.path().join(option.trim_start_matches('-'));
            std::fs::write(&path, json.to_string()).expect("written");
            args.push((*option).into());
            args.push(path.into());
        }
        args.extend(self.args.iter().map(OsString::from));
        capture_logs();
        LOG.with_borrow_mut(String::clear);
        let mut io = Io::buffers(std::io::empty(), out);
        io.stop = self.stop;
        let package = melisma_sdk::package!();
        let code = match self.kind {
            Some(Kind::DuckDb) => run_tap_on::<TapDuckDb>(package, args, io),
            Some(Kind::Sqlite) => run_tap_on::<TapSqlite>(package, args, io),
            None => run_tap_on::<TapAdbc>(package, args, io),
        };
        (code, LOG.with_borrow(Clone::clone))
    }

    pub(crate) fn go(self) -> Outcome {
        let mut out = Vec::new();
        let (code, log) = self.into(&mut out);
        outcome(code, log, out)
    }

    /// The catalog that discovery prints.
    #[track_caller]
    pub(crate) fn discover(self) -> Value {
        let mut out = Vec::new();
        let (code, log) = self.arg("--discover").into(&mut out);
        assert_eq!(code, 0, "{log}");
        serde_json::from_slice(&out).expect("JSON")
    }
}

impl Run<'_> {
    /// Discovery ends with this exit code, and with all of these words in the log.
    #[track_caller]
    pub(crate) fn fails_to_discover(self, code: u8, words: &[&str]) {
        let mut out = Vec::new();
        let (found, log) = self.arg("--discover").into(&mut out);
        assert_eq!(found, code, "{log}");
        for word in words {
            assert!(log.contains(word), "{word:?} is not in: {log}");
        }
        assert!(out.is_empty(), "nothing is printed");
    }
}

/// The discovered catalog, all selected, read by this replication key.
pub(crate) fn incremental(database: &Database, key: &str) -> Value {
    let mut catalog = Run::on(database, &json!({})).discover();
    for stream in catalog["streams"].as_array_mut().expect("streams") {
        let root = &mut stream["metadata"][0]["metadata"];
        root["selected"] = true.into();
        root["replication-method"] = "INCREMENTAL".into();
        root["replication-key"] = key.into();
    }
    catalog
}

/// The entry of a stream in a catalog.
pub(crate) fn entry<'c>(catalog: &'c Value, stream: &str) -> &'c Value {
    let mut streams = catalog["streams"].as_array().expect("streams").iter();
    let found = streams.find(|entry| entry["tap_stream_id"] == stream);
    found.unwrap_or_else(|| panic!("no stream {stream} in {catalog}"))
}

fn outcome(code: u8, log: String, out: Vec<u8>) -> Outcome {
    let text = String::from_utf8(out).expect("UTF-8");
    let messages = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    Outcome {
        code,
        messages: messages.collect(),
        text,
        log,
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
        log::set_logger(&Capture).expect("the first logger");
        log::set_max_level(log::LevelFilter::Info);
    });
}
