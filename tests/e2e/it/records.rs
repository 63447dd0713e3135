//! Records as Rust types: every type that a field may have, into every target and into Python's.
//!
//! The page of the SDK has a table of what becomes of each type; `MELISMA_WRITE_DOCS=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use melisma_sdk::plugin::Io;
use melisma_sdk::tap::run_tap_on;
use melisma_sdk::{Context, JsonSchema, Output, Record, Result, Stream, Tap, json};
use melisma_testing::postgres::server;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::harness::{Kind, Target, melisma, python, root, script};

macro_rules! everything {
    ($($name:ident: $type:ty = $value:expr;)*) => {
        /// A field of every type.
        #[derive(Record)]
        struct Everything {
            id: i64,
            $($name: $type,)*
        }

        /// One value, and one more whose options are empty.
        fn values() -> Vec<Everything> {
            [1, 2].into_iter().map(|id| Everything { id, $($name: $value,)* }).collect()
        }

        /// Each field and its type as people write it.
        const TYPES: &[(&str, &str)] = &[$((stringify!($name), stringify!($type)),)*];
    };
}

/// What state an order is in.
#[derive(Record)]
#[serde(rename_all = "snake_case")]
enum Status {
    InDelivery,
    #[expect(dead_code, reason = "its name is in the schema")]
    Open,
}

#[derive(Record)]
struct Buyer {
    name: String,
    email: Option<String>,
}

#[derive(Record)]
#[serde(tag = "event")]
enum Event {
    Made {
        by: String,
    },
    #[expect(dead_code, reason = "its fields are in the schema")]
    Gone {
        reason: String,
    },
}

everything! {
    boolean: bool = true;
    int8: i8 = i8::MIN;
    int16: i16 = i16::MIN;
    int32: i32 = i32::MIN;
    int64: i64 = i64::MIN;
    int128: i128 = 1 << 60; // SQLite has 64 bits
    uint8: u8 = u8::MAX;
    uint16: u16 = u16::MAX;
    uint32: u32 = u32::MAX;
    uint64: u64 = 1 << 60;
    float32: f32 = 1.5;
    float64: f64 = -0.1;
    character: char = 'é';
    text: String = "a \"text\"\n".into();
    decimal: rust_decimal::Decimal = rust_decimal::Decimal::new(1_234_567_890, 4);
    uuid: uuid::Uuid = uuid::Uuid::from_u128(0x1234_5678_9abc_def0_1234_5678_9abc_def0);
    chrono_date: chrono::NaiveDate = chrono::NaiveDate::from_ymd_opt(2026, 1, 31).expect("a date");
    chrono_time: chrono::NaiveTime = chrono::NaiveTime::from_hms_milli_opt(12, 30, 0, 5).expect("a time");
    chrono_civil: chrono::NaiveDateTime = date_time();
    chrono_zoned: chrono::DateTime<chrono::FixedOffset> = date_time().and_utc().fixed_offset();
    jiff_date: jiff::civil::Date = jiff::civil::date(2026, 1, 31);
    jiff_time: jiff::civil::Time = jiff::civil::time(12, 30, 0, 5_000_000);
    jiff_civil: jiff::civil::DateTime = jiff::civil::date(2026, 1, 31).at(12, 30, 0, 0);
    jiff_timestamp: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;
    jiff_zoned: jiff::Zoned = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
    time_date: time::Date = time::Date::from_ordinal_date(2026, 31).expect("a date");
    time_time: time::Time = time::Time::from_hms_micro(12, 30, 0, 5).expect("a time");
    time_civil: time::PrimitiveDateTime = time::PrimitiveDateTime::new(
        time::Date::from_ordinal_date(2026, 31).expect("a date"), time::Time::MIDNIGHT);
    time_utc: time::UtcDateTime = time::UtcDateTime::UNIX_EPOCH;
    time_zoned: time::OffsetDateTime = time::OffsetDateTime::UNIX_EPOCH;
    words: Status = Status::InDelivery;
    optional: Option<i32> = Some(7);
    missing: Option<String> = None;
    nested: Buyer = Buyer { name: "Ada".into(), email: None };
    maybe_nested: Option<Buyer> = None;
    variants: Event = Event::Made { by: "Ada".into() };
    list: Vec<String> = vec!["a".into(), "b".into()];
    map: BTreeMap<String, f64> = BTreeMap::from([("a".into(), 0.5)]);
    any: Value = json!({"free": ["form", 1, null]});
}

fn date_time() -> chrono::NaiveDateTime {
    let date = chrono::NaiveDate::from_ymd_opt(2026, 1, 31).expect("a date");
    date.and_hms_micro_opt(12, 30, 0, 5).expect("a time")
}

/// Nothing to set.
#[derive(Deserialize, JsonSchema)]
struct Config {}

struct Everywhere;

impl Tap for Everywhere {
    type Config = Config;

    fn open(_: Config, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let write = |output: &mut Output<'_>| values().iter().try_for_each(|value| output.record(value));
        Ok(vec![
            Stream::of::<Everything>("everything").key(["id"]).sync(write),
        ])
    }
}

/// What the tap writes.
fn messages() -> Vec<u8> {
    let mut out = Vec::new();
    let code = run_tap_on::<Everywhere>(
        melisma_sdk::package!(),
        ["tap-everything".into()],
        Io::buffers(io::empty(), &mut out),
    );
    assert_eq!(code, 0);
    out
}

/// The records in them.
fn records(messages: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(messages).expect("UTF-8");
    let messages = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    messages
        .filter(|message| message["type"] == "RECORD")
        .map(|message| message["record"].clone())
        .collect()
}

#[test]
fn records_are_what_serde_json_writes_but_for_digits() {
    let written = records(&messages());
    for (record, value) in written.iter().zip(values()) {
        let mut expected = serde_json::to_value(&value).expect("serializes");
        assert_eq!(expected["decimal"], "123456.7890", "a text for other serializers");
        expected["decimal"] = json!(123_456.789);
        assert_eq!(*record, expected);
    }
    assert!(String::from_utf8_lossy(&messages()).contains(r#""decimal":123456.7890,"#));
    assert_eq!(written[0]["chrono_zoned"], "2026-01-31T12:30:00.000005+00:00");
    assert_eq!(written[0]["jiff_zoned"], "1970-01-01T00:00:00+00:00");
    assert_eq!(written[0]["time_civil"], "2026-01-31T00:00:00");
    assert_eq!(written[0]["variants"], json!({"event": "Made", "by": "Ada"}));
}

#[test]
fn every_type_loads_into_each_file_target() {
    let messages = messages();
    for kind in Kind::ALL {
        let target = Target::new(kind);
        let outcome = target.feed_bytes(&messages);
        assert_eq!(outcome.code, Some(0), "{kind:?}: {}", outcome.stderr);
        assert_eq!(target.rows("everything").len(), 2, "{kind:?}");
    }
}

/// What simd-json parses is a record as it is, cut to the schema.
#[test]
fn json_of_any_shape_is_a_record() {
    use melisma_sdk::simd_json;
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}, "any": {}}});
    let stream = Stream::new("s", schema).sync(|output| {
        let mut page =
            br#"[{"id": 1, "any": {"a": [1.5, null, "\u00e9"]}}, {"any": true, "id": 2, "unknown": 1}]"#
                .to_vec();
        let page = simd_json::to_borrowed_value(&mut page).expect("JSON");
        let simd_json::BorrowedValue::Array(records) = page else {
            panic!("a list");
        };
        records.iter().try_for_each(|record| output.record(record))
    });
    let messages = melisma_sdk::tap::test_stream(stream, "").expect("reads");
    assert_eq!(
        messages[1]["record"],
        json!({"id": 1, "any": {"a": [1.5, null, "é"]}})
    );
    assert_eq!(messages[2]["record"], json!({"any": true, "id": 2}));
}

/// The columns of the table in PostgreSQL and their types.
fn postgres_types() -> BTreeMap<String, String> {
    let database = server().database();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.json");
    let config = json!({
        "host": database.host(), "port": database.port(), "user": database.user(), "password": database.password(),
        "database": database.name(), "default_target_schema": "public",
    });
    fs::write(&path, config.to_string()).expect("writes");
    let mut target = Command::new(melisma());
    feed(
        target.arg("target-postgres").arg("--config").arg(path),
        &messages(),
    );
    assert_eq!(database.sql("select count(*) from everything"), "2");
    let columns = database.sql(
        "select json_object_agg(column_name, format_type(atttypid, atttypmod)) from information_schema.columns \
         join pg_attribute on attrelid = 'everything'::regclass and attname = column_name \
         where table_name = 'everything'",
    );
    serde_json::from_str(&columns).expect("JSON")
}

/// The columns of the Parquet file and their types in Arrow.
fn arrow_types() -> BTreeMap<String, String> {
    let target = Target::parquet();
    assert_eq!(target.feed_bytes(&messages()).code, Some(0));
    let file = crate::harness::files(&target.out(), "everything")
        .pop()
        .expect("a file");
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(fs::File::open(file).expect("opens")).expect("Parquet");
    let fields = reader.schema().fields().iter();
    fields
        .map(|field| (field.name().clone(), field.data_type().to_string()))
        .collect()
}

/// Runs a command on an input; it must succeed.
fn feed(command: &mut Command, input: &[u8]) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    io::Write::write_all(&mut child.stdin.take().expect("a pipe"), input).expect("is read");
    let output = child.wait_with_output().expect("ends");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_type_loads_into_target_jsonl_of_the_old_library() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.json");
    fs::write(&config, json!({"destination_path": folder.path()}).to_string()).expect("writes");
    let program = python("python-target-jsonl").with_file_name("target-jsonl");
    feed(Command::new(program).arg("--config").arg(&config), &messages());
    let written = fs::read_dir(folder.path())
        .expect("a folder")
        .filter_map(|entry| Some(entry.ok()?.path()));
    let file = written
        .into_iter()
        .find(|path| path.extension().is_some_and(|word| word == "jsonl"));
    let text = fs::read_to_string(file.expect("a file")).expect("UTF-8");
    assert_eq!(text.lines().count(), 2);
    let row: Value = serde_json::from_str(text.lines().next().expect("a row")).expect("JSON");
    assert_eq!(row["any"], json!({"free": ["form", 1, null]}));
}

#[test]
fn every_type_loads_into_a_sql_target_of_the_meltano_sdk() {
    let folder = tempfile::tempdir().expect("a folder");
    let (config, file) = (folder.path().join("config.json"), folder.path().join("rows.db"));
    let url = format!("sqlite:///{}", file.display());
    fs::write(&config, json!({"sqlalchemy_url": url}).to_string()).expect("writes");
    feed(
        script("python", "target_sdk.py").arg("--config").arg(&config),
        &messages(),
    );
    let query = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('select count(*) from everything').fetchone()[0])";
    let output = Command::new(python("python"))
        .args(["-c", query])
        .arg(&file)
        .output()
        .expect("starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "2");
}

/// The table of the SDK's page, from what became of the types.
fn table() -> String {
    let mut out = Vec::new();
    let args = ["tap-everything".into(), "--discover".into()];
    assert_eq!(
        run_tap_on::<Everywhere>(melisma_sdk::package!(), args, Io::buffers(io::empty(), &mut out)),
        0
    );
    let catalog: Value = serde_json::from_slice(&out).expect("JSON");
    let properties: &Map<String, Value> = catalog["streams"][0]["schema"]["properties"]
        .as_object()
        .expect("properties");
    let (arrow, postgres) = (arrow_types(), postgres_types());
    let mut table =
        String::from("| type | JSON Schema | Arrow and Parquet | PostgreSQL |\n|---|---|---|---|\n");
    for (name, of) in TYPES {
        let of = of.replace(' ', "").replace(',', ", ");
        let schema = &properties[*name];
        writeln!(
            table,
            "| `{of}` | `{schema}` | `{}` | `{}` |",
            arrow[*name], postgres[*name]
        )
        .expect("writes");
    }
    table
}

#[test]
fn the_page_says_which_type_becomes_which_column() {
    let path = root().join("sdk/src/record/columns.md");
    let table = table();
    if std::env::var_os("MELISMA_WRITE_DOCS").is_some() {
        let page = fs::read_to_string(&path).expect("a page");
        let text = page.split("| type |").next().unwrap_or_default();
        fs::write(&path, format!("{text}{table}")).expect("writes");
    }
    let page = fs::read_to_string(Path::new(&path)).expect("a page");
    assert!(page.ends_with(&table), "the table is:\n{table}");
}
