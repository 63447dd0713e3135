//! What the plugins of a run were handed, and what is left in the system database: text that can be compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Facts by name, such as `run 0, tap 0, config`.
pub(super) type Facts = BTreeMap<String, String>;

/// Notes of the plugins in `folder`, which are removed. Paths in the folder are `<project>`.
pub(super) fn handed(folder: &Path, run: usize) -> Facts {
    let mut facts = Facts::new();
    for entry in fs::read_dir(folder.join("handed"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let file = entry.file_name().into_string().expect("UTF-8");
        let (plugin, what) = file.rsplit_once('.').expect("a name with a dot");
        let text = fs::read_to_string(entry.path()).expect("readable");
        let text = text.replace(folder.to_str().expect("UTF-8"), "<project>");
        let name = format!("run {run}, {plugin}, {what}");
        match what {
            "variables" => facts.extend(text.split_terminator('\0').map(|variable| {
                let (key, value) = variable.split_once('=').unwrap_or((variable, ""));
                (format!("{name} {key}"), without_times(value))
            })),
            "arguments" => {
                let words: Vec<&str> = text.lines().map(file_kind).collect();
                facts.insert(name, words.join(" "));
            }
            "config" => drop(facts.insert(name, without_times(&text))),
            // Meltano writes these as it reads them from somewhere, with other blanks.
            _ => drop(facts.insert(name, one_spelling(&text))),
        }
    }
    let _ = fs::remove_dir_all(folder.join("handed"));
    facts
}

/// JSON without blanks, in its order.
fn one_spelling(text: &str) -> String {
    let json: Result<Value, _> = serde_json::from_str(text);
    json.map_or_else(|_| text.to_owned(), |json| json.to_string())
}

/// Both name the files of a run by themselves; what counts is which file it is.
fn file_kind(word: &str) -> &str {
    let kinds = [
        (".config.json", "<config>"),
        ("tap.properties.json", "<catalog>"),
        ("state.json", "<state>"),
    ];
    let kind = kinds
        .into_iter()
        .find(|(end, _)| word.starts_with('<') && word.ends_with(end));
    kind.map_or(word, |(_, kind)| kind)
}

/// The text without the microseconds, seconds and minutes of times that were just computed from relative dates.
pub(super) fn without_times(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut start = 0;
    // `10:11:12.123456` has its point eight bytes after its beginning.
    for (at, _) in text.match_indices('.') {
        let is_time = at >= 8
            && bytes
                .get(at + 1..at + 7)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
            && bytes[at - 3] == b':'
            && bytes[at - 6] == b':';
        if is_time && at >= start + 5 {
            out.push_str(&text[start..at - 5]);
            out.push_str("<now>");
            start = at + 7;
        }
    }
    out.push_str(&text[start..]);
    out
}

/// The rows of states and runs, with JSON in one spelling. Messages of errors are each tool's own.
pub(super) fn rows(rows: &Value) -> Facts {
    let texts = |row: &Value| -> Vec<String> {
        let cells = row.as_array().expect("a row").iter();
        cells
            .map(|cell| match cell.as_str().map(serde_json::from_str) {
                Some(Ok(Value::Object(mut json))) => {
                    json.remove("error");
                    Value::Object(json).to_string()
                }
                _ => cell.to_string(),
            })
            .collect()
    };
    let mut facts = Facts::new();
    for table in ["states", "runs"] {
        for (index, row) in rows[table].as_array().expect("rows").iter().enumerate() {
            facts.insert(format!("{table} {index}"), texts(row).join(" | "));
        }
    }
    facts
}
