//! Rows that are read back from a destination, compared with the records that went in.

use serde_json::Value;

use melisma_engine::error::show;

/// What is wrong with the rows that should hold these records: of records with one id, one of them. Rows of earlier runs may be
/// there.
pub(super) fn missing<'r>(rows: &[Value], records: impl Iterator<Item = &'r Value>) -> Option<String> {
    let mut records: Vec<&Value> = records.collect();
    records.retain(|record| !rows.iter().any(|row| holds(row, record)));
    let first = records.first()?;
    let near = rows.iter().find(|row| same(row.get("id"), first.get("id")));
    let found = near.map_or_else(|| "no row with its id".to_owned(), |row| show(&row.to_string()));
    let (count, first) = (records.len(), show(&first.to_string()));
    Some(format!(
        "{count} records are missing, the first is {first}; found {found} among {} rows",
        rows.len()
    ))
}

/// Whether a row has all members of a record; a text is as good as the number or the boolean that it shows.
fn holds(row: &Value, record: &Value) -> bool {
    let mut members = record.as_object().into_iter().flatten();
    members.all(|(name, value)| same(row.get(name), Some(value)))
}

pub(super) fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    let (a, b) = (a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null));
    a == b || number(a).is_some_and(|a| number(b) == Some(a))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_of_numbers_are_as_good_as_numbers() {
        let rows = [
            json!({"id": "1", "amount": "1.50", "name": null}),
            json!({"id": 2, "name": "x"}),
        ];
        let records = [json!({"id": 1, "amount": 1.5}), json!({"id": 2, "amount": null})];
        assert_eq!(missing(&rows, records.iter()), None);
        let records = [json!({"id": 1, "amount": 1.6}), json!({"id": 3})];
        let why = missing(&rows, records.iter()).expect("missing");
        assert!(why.starts_with("2 records are missing, the first is "), "{why}");
    }
}
