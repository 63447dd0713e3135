//! Conditions on records: a record that does not meet them is left out.

use std::cmp::Ordering;

use serde_json::Value;

use super::json::Json;

/// What a value of a record is compared with. Numbers are compared as numbers, also with a text that is one, and texts in the
/// order of their letters, which is right for dates of one form.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// It is one of these; null is a value that is not there, too.
    In(Vec<Value>),
    /// It is none of these.
    NotIn(Vec<Value>),
    /// It is there, and less.
    Less(Value),
    /// It is there, and at most this.
    AtMost(Value),
    /// It is there, and greater.
    Greater(Value),
    /// It is there, and at least this.
    AtLeast(Value),
}

/// A condition on a value of a record.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    path: Vec<Box<str>>,
    comparison: Comparison,
}

impl Condition {
    /// `path` is the name of a property, or several with dots between: `owner.id`.
    pub(super) fn new(path: &str, comparison: Comparison) -> Self {
        Self {
            path: path.split('.').map(Into::into).collect(),
            comparison,
        }
    }

    pub(super) fn holds(&self, record: Json<'_>) -> bool {
        let found = self.path.iter().try_fold(record, |value, name| value.get(name));
        let found = found.filter(|value| !value.is_null());
        let is = |wanted: &Value| match found {
            None => wanted.is_null(),
            Some(found) => compare(found, wanted) == Some(Ordering::Equal),
        };
        let order = |wanted: &Value| compare(found?, wanted);
        match &self.comparison {
            Comparison::In(all) => all.iter().any(is),
            Comparison::NotIn(all) => !all.iter().any(is),
            Comparison::Less(wanted) => order(wanted) == Some(Ordering::Less),
            Comparison::AtMost(wanted) => order(wanted).is_some_and(Ordering::is_le),
            Comparison::Greater(wanted) => order(wanted) == Some(Ordering::Greater),
            Comparison::AtLeast(wanted) => order(wanted).is_some_and(Ordering::is_ge),
        }
    }
}

/// The order of a value and what it is compared with; `None` when they have none, such as a text and a number.
fn compare(found: Json<'_>, wanted: &Value) -> Option<Ordering> {
    match wanted {
        Value::String(wanted) => Some(found.as_str()?.cmp(wanted)),
        Value::Number(number) => {
            let text = found.to_text()?;
            let text = text.trim();
            if let (Ok(found), Some(wanted)) = (text.parse::<i128>(), whole(number)) {
                return Some(found.cmp(&wanted));
            }
            text.parse::<f64>().ok()?.partial_cmp(&number.as_f64()?)
        }
        Value::Bool(wanted) => {
            let text = found.to_text()?;
            let found = [("true", true), ("false", false)]
                .into_iter()
                .find(|(word, _)| text.eq_ignore_ascii_case(word));
            Some(found?.1.cmp(wanted))
        }
        wanted => (found.to_value() == *wanted).then_some(Ordering::Equal),
    }
}

fn whole(number: &serde_json::Number) -> Option<i128> {
    let whole = number.as_i64().map(i128::from);
    whole.or_else(|| number.as_u64().map(i128::from))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::json::Parser;
    use super::*;

    fn holds(record: &str, path: &str, comparison: Comparison) -> bool {
        let mut body = record.as_bytes().to_vec();
        let nodes = Parser::default().parse(&mut body).expect("JSON");
        Condition::new(path, comparison).holds(Json::root(&nodes))
    }

    #[test]
    fn values_are_compared_by_what_they_mean() {
        use Comparison::{AtLeast, AtMost, Greater, In, Less, NotIn};
        let record = r#"{"n":5,"t":"b","x":"10","f":1.5,"yes":true,"no":null,"o":{"i":[1]},"big":18446744073709551615}"#;
        for (path, comparison, expected) in [
            ("n", In(vec![json!(4), json!(5)]), true),
            ("n", In(vec![json!(5.0)]), true),
            ("n", In(vec![json!("5")]), false),
            ("n", Greater(json!(4)), true),
            ("n", Greater(json!(5)), false),
            ("n", AtLeast(json!(5)), true),
            ("n", Less(json!(5.5)), true),
            ("x", Greater(json!(9)), true),
            ("x", Greater(json!("9")), false),
            ("t", AtMost(json!("b")), true),
            ("t", Less(json!("a")), false),
            ("t", Less(json!(1)), false),
            ("f", In(vec![json!(1.5)]), true),
            ("yes", In(vec![json!(true)]), true),
            ("yes", NotIn(vec![json!(true)]), false),
            ("no", In(vec![Value::Null]), true),
            ("gone", In(vec![Value::Null]), true),
            ("gone", NotIn(vec![Value::Null]), false),
            ("gone", NotIn(vec![json!(1)]), true),
            ("gone", Less(json!(1)), false),
            ("o.i", In(vec![json!([1])]), true),
            ("big", In(vec![json!(18_446_744_073_709_551_615_u64)]), true),
        ] {
            let shown = format!("{path} {comparison:?}");
            assert_eq!(holds(record, path, comparison), expected, "{shown}");
        }
    }
}
