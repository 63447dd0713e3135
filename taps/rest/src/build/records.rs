//! What answers are written in, and what is done with their records.

use melisma_sdk::http::{Comparison, Csv, Format, RestStream};
use melisma_sdk::{Error, Result};
use serde_json::Value;

use super::settings::filled_value;
use crate::definition::{
    Comparisons, Condition, CsvOptions, FormatOptions, FormatWord, OneOf, Source, Stream,
};

/// The stream with its format, and with what of its records is written.
pub(super) fn of(
    source: &Source,
    said: &Stream,
    mut made: RestStream<'static>,
) -> Result<RestStream<'static>> {
    if let Some(said) = &said.format {
        made = made.format(format(said)?);
    }
    for (path, condition) in &said.conditions {
        let place = format!("where.{path}");
        for comparison in comparisons(source, condition, &place)? {
            made = made.filter(path, comparison);
        }
    }
    if let Some(select) = &said.select {
        if select.is_empty() {
            return Err(Error::config("select: no property is selected"));
        }
        made = made.select(select.iter().map(String::as_str));
    }
    for (property, name) in &said.rename {
        made = made.rename(property, name);
    }
    Ok(made)
}

fn format(said: &OneOf<FormatWord, FormatOptions>) -> Result<Format> {
    Ok(match said {
        OneOf::Short(FormatWord::Json) => Format::Json,
        OneOf::Short(FormatWord::Jsonl) => Format::JsonLines,
        OneOf::Short(FormatWord::Csv) => Format::Csv(Csv::default()),
        OneOf::Short(FormatWord::Xml) => Format::Xml,
        OneOf::Long(options) => Format::Csv(csv(&options.csv)?),
    })
}

fn csv(said: &CsvOptions) -> Result<Csv> {
    let mut csv = Csv::default().nulls(said.nulls.iter().map(String::as_str));
    if let Some(text) = &said.delimiter {
        csv = csv.delimiter(letter(text, "format.csv.delimiter")?);
    }
    if let Some(text) = &said.quote {
        csv = csv.quote(letter(text, "format.csv.quote")?);
    }
    if let Some(names) = &said.columns {
        csv = csv.columns(names.iter().map(String::as_str));
    }
    if let Some(name) = &said.encoding {
        csv = csv.encoding(name);
    }
    Ok(csv)
}

/// One letter of ASCII.
fn letter(text: &str, place: &str) -> Result<u8> {
    match text.as_bytes() {
        [letter] if letter.is_ascii() => Ok(*letter),
        _ => Err(Error::config(format!(
            "{place}: expected one ASCII character, found {}",
            melisma_sdk::show(text)
        ))),
    }
}

fn comparisons(source: &Source, said: &Condition, place: &str) -> Result<Vec<Comparison>> {
    let one = |value: &Value| filled_value(source, value, place);
    let many = |values: &[Value]| values.iter().map(one).collect::<Result<Vec<_>>>();
    let said = match said {
        Condition::Is(value) => return Ok(vec![Comparison::In(vec![one(value)?])]),
        Condition::OneOf(values) => return Ok(vec![Comparison::In(many(values)?)]),
        Condition::All(said) => said,
    };
    let Comparisons {
        eq,
        ne,
        lt,
        le,
        gt,
        ge,
        r#in,
        not_in,
    } = &**said;
    let mut all = Vec::new();
    let mut add = |value: &Option<Value>, comparison: fn(Value) -> Comparison| {
        let value = value.as_ref().map(one).transpose()?;
        all.extend(value.map(comparison));
        Ok::<_, Error>(())
    };
    add(eq, |value| Comparison::In(vec![value]))?;
    add(ne, |value| Comparison::NotIn(vec![value]))?;
    add(lt, Comparison::Less)?;
    add(le, Comparison::AtMost)?;
    add(gt, Comparison::Greater)?;
    add(ge, Comparison::AtLeast)?;
    all.extend(r#in.as_deref().map(many).transpose()?.map(Comparison::In));
    all.extend(not_in.as_deref().map(many).transpose()?.map(Comparison::NotIn));
    if all.is_empty() {
        return Err(Error::config(format!("{place}: there is no comparison")));
    }
    Ok(all)
}
