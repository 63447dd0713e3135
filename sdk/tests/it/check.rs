//! Taps and targets of authors, in the checks that they call from their tests: good ones, and ones with the mistakes that are easily
//! made.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use melisma_sdk::check::{self, Rule};
use melisma_sdk::target::{Capabilities, RecordTarget, Records, StandardConfig};
use melisma_sdk::{Cell, Context, Error, JsonSchema, Result, RowView, Stream, StreamSchema, Tap, json};
use serde::Deserialize;
use serde_json::Value;

/// Counts, with a mistake.
#[derive(Deserialize, JsonSchema)]
struct Counter {
    /// The mistake.
    #[serde(default)]
    mistake: String,
}

impl Tap for Counter {
    type Config = Self;

    fn open(config: Self, _: &Context) -> Result<Self> {
        match &*config.mistake {
            "open" => Err(Error::config("cannot be opened")),
            _ => Ok(config),
        }
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let at = match &*self.mistake {
            "schema" => json!({"type": "moment"}),
            _ => json!({"type": "string", "format": "date-time"}),
        };
        let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}, "at": at}});
        let numbers = Stream::new("numbers", schema)
            .key(["n"])
            .replication_key("n")
            .sorted();
        Ok(vec![numbers.sync(|output| {
            let bookmark: Option<i64> = output.bookmark()?;
            let from = match &*self.mistake {
                "forgets" => 1,
                _ => bookmark.unwrap_or(1),
            };
            let at = match &*self.mistake {
                "format" => "1st of January",
                _ => "2026-01-01T00:00:00Z",
            };
            let last = if self.mistake == "empty" { 0 } else { 3 };
            for n in from..=last {
                let record = match &*self.mistake {
                    "type" => json!({"n": n, "at": 7}),
                    "key" => json!({"at": at}),
                    _ => json!({"n": n, "at": at}),
                };
                output.record(&record)?;
            }
            match &*self.mistake {
                "fails" => Err(Error::input("the source is gone")),
                _ => Ok(()),
            }
        })])
    }
}

fn broken(mistake: &str) -> Vec<Rule> {
    let report = check::tap::<Counter>().config(json!({"mistake": mistake})).run();
    let mut rules: Vec<Rule> = report.broken().iter().map(|broken| broken.rule).collect();
    rules.dedup();
    rules
}

#[test]
fn a_tap_is_checked_in_two_runs() {
    let report = check::tap::<Counter>().passes();
    assert_eq!(report.records("numbers").len(), 3);
    assert_eq!(
        report.second_records("numbers"),
        [&json!({"n": 3, "at": "2026-01-01T00:00:00Z"})]
    );
    assert_eq!(
        report.state().expect("a STATE")["bookmarks"]["numbers"]["replication_key_value"],
        3
    );
}

#[test]
fn the_mistakes_of_a_tap_are_found() {
    assert_eq!(broken("open"), [Rule::Discovers]);
    assert_eq!(broken("schema")[0], Rule::CatalogIsValid);
    assert_eq!(broken("forgets"), [Rule::ReadsNothingOlder]);
    assert_eq!(broken("format"), [Rule::RecordFitsSchema]);
    assert_eq!(broken("type"), [Rule::RecordFitsSchema]);
    assert_eq!(broken("key"), [Rule::KeyIsPresent]);
    assert_eq!(broken("empty"), [Rule::HasRecords]);
    assert_eq!(broken("fails"), [Rule::TapSucceeds]);
    let wrong = check::tap::<Counter>().config(json!({"mistake": 7})).run();
    assert!(
        wrong
            .to_string()
            .starts_with("discovers: discovery: config: mistake"),
        "{wrong}"
    );
}

#[test]
#[should_panic(
    expected = "1 rule is broken:\nreads-nothing-older: second run, line 3, stream numbers: the record has n 1, and the \
                           bookmark was 3 (and 1 more line)"
)]
fn a_broken_rule_fails_the_test_with_its_place() {
    check::tap::<Counter>()
        .config(json!({"mistake": "forgets"}))
        .passes();
}

/// Writes each record as a line of JSON, with a mistake.
#[derive(Deserialize, JsonSchema)]
struct Lines {
    /// The folder of the files.
    folder: PathBuf,
    /// The mistake.
    #[serde(default)]
    mistake: String,
    #[serde(skip)]
    streams: HashSet<String>,
}

impl RecordTarget for Lines {
    type Config = Self;
    type Table = BufWriter<File>;

    const CAPABILITIES: Capabilities = Capabilities::UPSERT;

    fn open(config: Self, _: &mut StandardConfig) -> Result<Self> {
        Ok(config)
    }

    fn table(&mut self, schema: &Arc<StreamSchema>) -> Result<Self::Table> {
        let name = match &*self.mistake {
            "name" => schema.stream.to_string(),
            _ => schema.stream.replace('/', "_"),
        };
        let again = !self.streams.insert(schema.stream.to_string());
        if self.mistake == "change" && again {
            return Err(Error::input("the schema must not change"));
        }
        let path = self.folder.join(name);
        let mut how = File::options();
        let how = match &*self.mistake {
            "once" if !again => how.write(true).create_new(true),
            _ => how.append(true).create(true),
        };
        Ok(BufWriter::new(how.open(path)?))
    }

    fn write(&mut self, file: &mut Self::Table, record: RowView<'_>) -> Result<()> {
        let value = |cell: Cell<'_>| match cell {
            Cell::Absent | Cell::Null => Value::Null,
            Cell::Int(value) => value.into(),
            cell => cell.to_string().into(),
        };
        let members = record
            .columns()
            .map(|(column, cell)| (column.name.to_string(), value(cell)));
        let mut record: Value = members.collect::<serde_json::Map<_, _>>().into();
        if self.mistake == "values" && record["name"] == "tea" {
            record["name"] = "cake".into();
        }
        if self.mistake == "loses" && record["id"] == 20 {
            return Ok(());
        }
        Ok(writeln!(file, "{record}")?)
    }

    fn commit(&mut self, file: &mut Self::Table) -> Result<()> {
        if self.mistake == "flush" {
            return Ok(());
        }
        file.flush()?;
        Ok(file.get_ref().sync_all()?)
    }
}

/// The rules that a target with this mistake breaks, besides that it appends where it is to replace.
fn broken_target(mistake: &str) -> Vec<Rule> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    let rows = move |stream: &str| {
        let text = fs::read_to_string(path.join(stream)).unwrap_or_default();
        Ok(text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect())
    };
    let config = json!({"folder": folder.path(), "mistake": mistake});
    let report = check::target::<Records<Lines>>().config(config).rows(rows).run();
    let mut rules: Vec<Rule> = report.broken().iter().map(|broken| broken.rule).collect();
    rules.dedup();
    rules.retain(|rule| *rule != Rule::ReplacesByKey);
    rules
}

#[test]
fn the_mistakes_of_a_target_are_found() {
    assert_eq!(broken_target(""), []);
    assert_eq!(broken_target("name"), [Rule::TakesAnyName]);
    assert_eq!(broken_target("change"), [Rule::TakesSchemaChange]);
    assert!(broken_target("once").contains(&Rule::RunsAgain));
    assert!(broken_target("flush").contains(&Rule::StateAfterCommit));
    assert!(broken_target("values").contains(&Rule::HoldsRecords));
    assert!(broken_target("loses").contains(&Rule::HoldsRecords));
}

#[test]
fn a_target_that_appends_where_it_says_that_it_replaces_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    let rows = move |stream: &str| {
        let text = fs::read_to_string(path.join(stream)).unwrap_or_default();
        Ok(text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect())
    };
    let check = check::target::<Records<Lines>>()
        .config(json!({"folder": folder.path()}))
        .rows(rows);
    let report = check.run();
    assert_eq!(
        report.to_string(),
        "replaces-by-key: load_method: upsert, stream check_replaced: expected one row, with the name \"new\", found \
         [{\"id\":1,\"name\":\"old\"},{\"id\":1,\"name\":\"new\"}]"
    );
}
