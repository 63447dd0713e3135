//! The column names of a file: its header, the settings, or numbered names.

use std::collections::HashMap;

use melisma_sdk::{Error, Position, Result};

use crate::config::{DuplicateHeaders, FileConfig};
use crate::reader::{Flow, Reader};

/// Reads up to the first row of data and tells the names of the columns; `None` when the file has neither header
/// nor row.
pub(crate) fn read(reader: &mut Reader, settings: &FileConfig) -> Result<Option<Vec<String>>> {
    reader.skip_lines(settings.skip_rows)?;
    let mut first: Option<Vec<String>> = None;
    let mut at = None;
    let flow = if settings.has_header {
        Flow::Stop
    } else {
        Flow::StopBefore
    };
    reader.read(|record| {
        first = Some(record.cells().map(str::to_owned).collect());
        at = Some(Position {
            line: record.line,
            byte: record.byte,
        });
        Ok(flow)
    })?;
    let (Some(first), Some(at)) = (first, at) else {
        return Ok(None);
    };
    let wrong = |what: String| Error::input(format!("{}: {what}", reader.file())).at(at);
    let names = match &settings.header {
        // Without a header in the file, the width of the rows is checked with the rows.
        Some(names) if settings.has_header && names.len() != first.len() => {
            return Err(wrong(format!(
                "header: expected {} columns, as the setting header has, found {}",
                names.len(),
                first.len()
            )));
        }
        Some(names) => names.clone(),
        None if settings.has_header => first,
        None => (1..=first.len())
            .map(|number| format!("column_{number}"))
            .collect(),
    };
    distinct(names, settings.duplicate_headers)
        .map(Some)
        .map_err(|name| {
            wrong(format!(
                "header: the name {:?} is there twice (set duplicate_headers to suffix to number them)",
                melisma_sdk::show(&name)
            ))
        })
}

/// The names, each once; an error is the name that is there twice.
fn distinct(mut names: Vec<String>, duplicates: DuplicateHeaders) -> Result<Vec<String>, String> {
    let mut counts: HashMap<String, u32> = HashMap::new();
    for name in &names {
        *counts.entry(name.clone()).or_default() += 1;
    }
    if counts.values().all(|&count| count == 1) {
        return Ok(names);
    }
    if duplicates == DuplicateHeaders::Error {
        let twice = names.into_iter().find(|name| counts[name] > 1);
        return Err(twice.unwrap_or_default());
    }
    let mut numbers: HashMap<String, u32> = HashMap::new();
    for name in &mut names {
        let number = numbers.entry(name.clone()).or_default();
        *number += 1;
        if *number > 1 {
            // A column may have the suffixed name by itself: count on until the name is free.
            let mut suffixed = format!("{name}_{number}");
            while counts.contains_key(&suffixed) {
                *number += 1;
                suffixed = format!("{name}_{number}");
            }
            counts.insert(suffixed.clone(), 1);
            *name = suffixed;
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_told_or_numbered() {
        let names = |text: &str| -> Vec<String> { text.split(',').map(str::to_owned).collect() };
        let suffix = |text: &str| distinct(names(text), DuplicateHeaders::Suffix).unwrap().join(",");
        assert_eq!(
            distinct(names("a,b,c,b"), DuplicateHeaders::Error),
            Err("b".into())
        );
        assert_eq!(distinct(names("a,b"), DuplicateHeaders::Error), Ok(names("a,b")));
        assert_eq!(suffix("a,b"), "a,b");
        assert_eq!(suffix("a,a,b,a"), "a,a_2,b,a_3");
        assert_eq!(suffix("a,a,a_2,a"), "a,a_3,a_2,a_4");
        assert_eq!(suffix(",,"), ",_2,_3");
    }
}
