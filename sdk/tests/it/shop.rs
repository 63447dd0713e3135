//! A tap of a shop that exists in its config only, and ways to run it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use melisma_sdk::plugin::{Io, Package};
use melisma_sdk::signals::Stop;
use melisma_sdk::tap::run_tap_on;
use melisma_sdk::{Context, Error, JsonSchema, Method, Output, Result, Secret, Stream, Tap, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;

const PACKAGE: Package = Package {
    name: "tap-shop",
    version: "1.2.3",
};

/// Reads a shop.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Config {
    /// The ids of the orders, in the order in which the shop gives them.
    #[serde(default)]
    orders: Vec<i64>,
    /// A token.
    #[allow(dead_code, reason = "only its description counts")]
    token: Option<Secret<String>>,
    /// Only later orders.
    #[allow(dead_code, reason = "the sdk reads it")]
    start_date: Option<String>,
    /// Fail after so many orders.
    fail_after: Option<usize>,
    /// Raise the stop flag after so many orders, as a signal does.
    stop_after: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
struct Order {
    id: i64,
    updated_at: String,
    total: f64,
    buyer: Buyer,
}

#[derive(Serialize, JsonSchema)]
struct Buyer {
    name: String,
    email: Option<String>,
}

pub(crate) struct Shop {
    config: Config,
}

impl Tap for Shop {
    type Config = Config;

    fn open(config: Config, _: &Context) -> Result<Self> {
        Ok(Self { config })
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "integer"}, "b": {"type": ["string", "null"]}, "c": {"type": "object", "properties": {
                "d": {"type": "integer"}, "e": {"type": "integer"}}}}});
        Ok(vec![
            Stream::of::<Order>("orders")
                .key(["id"])
                .replication_key("id")
                .sorted()
                .sync(|output| self.orders(output)),
            Stream::new("numbers", schema)
                .key(["a"])
                .method(Method::FullTable)
                .sync(numbers),
            Stream::of::<Order>("by_buyer")
                .key(["id"])
                .replication_key("id")
                .sync(|output| self.by_buyer(output)),
            Stream::of::<Order>("hidden")
                .not_selected_by_default()
                .sync(|output| self.orders(output)),
        ])
    }
}

impl Shop {
    fn orders(&self, output: &mut Output<'_>) -> Result<()> {
        let from: i64 = output.bookmark()?.unwrap_or(0);
        for (i, &id) in self.config.orders.iter().filter(|&&id| id >= from).enumerate() {
            if self.config.fail_after == Some(i) {
                return Err(Error::input("the shop is closed"));
            }
            if self.config.stop_after == Some(i) {
                output.stop().request(15);
            }
            output.record(&order(id))?;
            output.checkpoint()?;
        }
        Ok(())
    }

    fn by_buyer(&self, output: &mut Output<'_>) -> Result<()> {
        for buyer in ["x", "y"] {
            output.partition(&json!({"buyer": buyer}))?;
            let from: i64 = output.bookmark()?.unwrap_or(0);
            for &id in self.config.orders.iter().filter(|&&id| id >= from) {
                output.record(&order(id))?;
            }
        }
        Ok(())
    }
}

fn order(id: i64) -> Order {
    let total = if id == 13 { f64::NAN } else { 1.5 };
    let buyer = Buyer {
        name: format!("\"{id}\""),
        email: None,
    };
    Order {
        id,
        updated_at: "2026-01-01T00:00:00Z".into(),
        total,
        buyer,
    }
}

fn numbers(output: &mut Output<'_>) -> Result<()> {
    for a in 1..=3 {
        let mut row = output.row();
        row.int(a);
        match a {
            1 => row.text("tab\t\"é\""),
            2 => row.null(),
            _ => row.absent(),
        }
        row.json(r#"{"d": 1, "e": 2}"#);
        row.end()?;
    }
    // Begun and given up: it leaves nothing behind.
    output.row().int(4);
    Ok(())
}

/// What came out of a run.
pub(crate) struct Outcome {
    pub(crate) code: u8,
    pub(crate) stdout: String,
}

impl Outcome {
    /// The lines as JSON.
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect()
    }

    /// The messages of a type, without the times in them.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<Value> {
        self.messages()
            .into_iter()
            .filter(|message| message["type"] == kind)
            .collect()
    }

    /// The records of a stream.
    pub(crate) fn records(&self, stream: &str) -> Vec<Value> {
        let records = self
            .of_type("RECORD")
            .into_iter()
            .filter(|message| message["stream"] == stream);
        records.map(|message| message["record"].clone()).collect()
    }

    /// The last STATE.
    pub(crate) fn state(&self) -> Value {
        self.of_type("STATE")
            .pop()
            .map_or(Value::Null, |message| message["value"].clone())
    }
}

/// A folder with the files of a run.
pub(crate) struct Project {
    folder: TempDir,
    args: Vec<OsString>,
}

impl Project {
    pub(crate) fn new(config: &Value) -> Self {
        let project = Self {
            folder: TempDir::new().expect("a folder"),
            args: vec!["tap-shop".into()],
        };
        project.with("--config", config)
    }

    /// Adds an option whose value is a JSON file.
    pub(crate) fn with(mut self, option: &str, content: &Value) -> Self {
        let path = self
            .folder
            .path()
            .join(format!("{}.json", option.trim_matches('-')));
        fs::write(&path, content.to_string()).expect("writes");
        self.args.extend([option.into(), path.into()]);
        self
    }

    pub(crate) fn flag(mut self, flag: &str) -> Self {
        self.args.push(flag.into());
        self
    }

    pub(crate) fn run(self) -> Outcome {
        self.run_with(b"")
    }

    pub(crate) fn run_with(self, stdin: &[u8]) -> Outcome {
        let out = Shared::default();
        let code = run_tap_on::<Shop>(
            PACKAGE,
            self.args,
            Io {
                stop: Stop::default(),
                ..Io::buffers(stdin, out.clone())
            },
        );
        let stdout = String::from_utf8(out.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        Outcome { code, stdout }
    }

    /// Runs with a stdout whose reader went away after so many bytes.
    pub(crate) fn run_into_broken_pipe(self, after: usize) -> u8 {
        run_tap_on::<Shop>(PACKAGE, self.args, Io::buffers(io::empty(), Broken(after)))
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Broken(usize);

impl Write for Broken {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
