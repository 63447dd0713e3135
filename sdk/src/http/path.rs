//! JSON paths, compiled: `$.data[*]`, `$.link[?@.rel=='next'].url`, `$.rows[-1].id`.
//!
//! The forms are those that places of records and of page tokens need: names, `[*]`, indexes (negative ones count from the
//! end), slices, and a filter that compares one member with a text, a number or a boolean. The older spellings of filters,
//! `[?(@.a=='b')]` and `[?a='b']`, which configs of Python taps have, mean the same.

use melisma_engine::{Error, Result};

use super::json::Json;

/// A place in a page, or many.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    text: Box<str>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Name(Box<str>),
    All,
    /// The items of a list, or what is no list: an element of XML that comes once is none.
    Each,
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    Filter {
        member: Vec<Box<str>>,
        equals: Literal,
    },
}

/// What a filter compares with.
#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Text(Box<str>),
    Other(Box<str>),
}

impl JsonPath {
    /// Compiles a path. `$` at its start may be left out.
    ///
    /// ```
    /// use melisma_sdk::http::JsonPath;
    ///
    /// assert!(JsonPath::compile("$.data[*].children[0]").is_ok());
    /// assert!(JsonPath::compile("$.data[?@.a > 1]").is_err());
    /// ```
    pub fn compile(text: &str) -> Result<Self> {
        let steps = Reader {
            text,
            rest: text.trim(),
        }
        .read()?;
        Ok(Self {
            text: text.into(),
            steps,
        })
    }

    /// The same path for XML, where `[*]` is every element of a name, be it one.
    pub(super) fn of_elements(mut self) -> Self {
        for step in &mut self.steps {
            if *step == Step::All {
                *step = Step::Each;
            }
        }
        self
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Calls `found` with each value at this path.
    pub(super) fn each<'t>(
        &self,
        root: Json<'t>,
        found: &mut impl FnMut(Json<'t>) -> Result<()>,
    ) -> Result<()> {
        walk(&self.steps, root, found)
    }

    /// The first value at this path.
    pub(super) fn first<'t>(&self, root: Json<'t>) -> Option<Json<'t>> {
        let mut first = None;
        // The error only ends the search.
        let _ = self.each(root, &mut |value| {
            first = Some(value);
            Err(Error::bug("found"))
        });
        first
    }
}

fn walk<'t>(steps: &[Step], value: Json<'t>, found: &mut impl FnMut(Json<'t>) -> Result<()>) -> Result<()> {
    let Some((step, rest)) = steps.split_first() else {
        return found(value);
    };
    match step {
        Step::Name(name) => match value.get(name) {
            Some(member) => walk(rest, member, found),
            None => Ok(()),
        },
        Step::Each if value.is_null() => Ok(()),
        Step::Each if !value.is_array() => walk(rest, value, found),
        Step::Each => value.items().try_for_each(|item| walk(rest, item, found)),
        Step::All if value.is_object() => value
            .members()
            .try_for_each(|(_, member)| walk(rest, member, found)),
        Step::All => value.items().try_for_each(|item| walk(rest, item, found)),
        Step::Index(index) => {
            let at = position(*index, value.len());
            match at.and_then(|at| value.items().nth(at)) {
                Some(item) => walk(rest, item, found),
                None => Ok(()),
            }
        }
        Step::Slice(start, end) => {
            let (start, end) = (
                bound(*start, 0, value.len()),
                bound(*end, value.len(), value.len()),
            );
            let mut items = value.items().skip(start).take(end.saturating_sub(start));
            items.try_for_each(|item| walk(rest, item, found))
        }
        Step::Filter { member, equals } => value
            .items()
            .filter(|item| equals.is(member.iter().try_fold(*item, |value, name| value.get(name))))
            .try_for_each(|item| walk(rest, item, found)),
    }
}

/// The position that an index means, which may count from the end.
fn position(index: i64, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

fn bound(index: Option<i64>, none: usize, length: usize) -> usize {
    index.map_or(none, |index| position(index, length).unwrap_or(0).min(length))
}

impl Literal {
    fn is(&self, value: Option<Json<'_>>) -> bool {
        let Some(value) = value else { return false };
        match self {
            Self::Text(text) => value.as_str() == Some(text),
            Self::Other(text) => {
                value.as_str().is_none() && value.to_text().unwrap_or("null".into()) == **text
            }
        }
    }
}

/// Reads the text of a path.
struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn read(mut self) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        self.rest = match self.rest.strip_prefix('$') {
            Some(rest) => rest,
            // `data.items` is `$.data.items`.
            None if self.rest.starts_with(['[', '.']) => self.rest,
            None => {
                steps.push(self.name()?);
                self.rest
            }
        };
        while !self.rest.is_empty() {
            if let Some(rest) = self.rest.strip_prefix('[') {
                let end = closing(rest).ok_or_else(|| self.wrong("a bracket is not closed"))?;
                steps.push(self.bracket(rest[..end].trim())?);
                self.rest = &rest[end + 1..];
            } else if self.rest.starts_with("..") {
                return Err(self.wrong("\"..\" is not supported; name the members on the way"));
            } else if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                steps.push(self.name()?);
            } else {
                return Err(self.wrong("expected \".\" or \"[\" after a step"));
            }
        }
        Ok(steps)
    }

    /// A name without quotes, or `*`.
    fn name(&mut self) -> Result<Step> {
        let end = self.rest.find(['.', '[']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        match name {
            "" => Err(self.wrong("a name is missing")),
            "*" => Ok(Step::All),
            name if name.contains(['`', '(', ')', '?', '@', '\'', '"', ' ']) => {
                Err(self.wrong("functions are not supported, and other names need quotes: ['a name']"))
            }
            name => Ok(Step::Name(name.into())),
        }
    }

    fn bracket(&self, inner: &str) -> Result<Step> {
        if inner == "*" {
            return Ok(Step::All);
        }
        if let Some(filter) = inner.strip_prefix('?') {
            return self.filter(filter.trim());
        }
        if let Some(name) = unquote(inner) {
            return Ok(Step::Name(name.into()));
        }
        let number = |text: &str| match text.trim() {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| self.wrong("expected an index, a slice, * or a filter")),
        };
        match inner.split_once(':') {
            Some((start, end)) if !end.contains(':') => {
                let slice = (number(start)?, number(end)?);
                // `[-1:]` is the last item.
                Ok(Step::Slice(slice.0, slice.1))
            }
            Some(_) => Err(self.wrong("slices with a step are not supported")),
            None => number(inner)?
                .map(Step::Index)
                .ok_or_else(|| self.wrong("an index is missing")),
        }
    }

    /// `@.a.b=='x'`, also in parentheses, with one equals sign, or without `@.`.
    fn filter(&self, filter: &'a str) -> Result<Step> {
        let filter = filter
            .strip_prefix('(')
            .and_then(|filter| filter.strip_suffix(')'))
            .unwrap_or(filter);
        let supported = || self.wrong("of filters only [?@.member=='value'] is supported");
        let (member, value) = filter.split_once('=').ok_or_else(supported)?;
        let value = value.strip_prefix('=').unwrap_or(value).trim();
        let member = member.trim();
        let member = member.strip_prefix("@.").unwrap_or(member);
        let plain = |name: &str| {
            !name.is_empty() && !name.contains(['!', '<', '>', '~', '[', '(', '&', '|', ' ', '@'])
        };
        if !member.split('.').all(plain) || value.contains("&&") || value.contains("||") {
            return Err(supported());
        }
        let equals = match unquote(value) {
            Some(text) => Literal::Text(text.into()),
            None if matches!(value, "true" | "false" | "null") || value.parse::<f64>().is_ok() => {
                Literal::Other(value.into())
            }
            None => return Err(supported()),
        };
        Ok(Step::Filter {
            member: member.split('.').map(Into::into).collect(),
            equals,
        })
    }

    fn wrong(&self, why: &str) -> Error {
        Error::config(format!("the JSON path {}: {why}", self.text))
    }
}

/// Where the bracket ends that was opened before `text`: not within quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ']') => return Some(at),
            _ => {}
        }
    }
    None
}

fn unquote(text: &str) -> Option<&str> {
    ['\'', '"']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::json::Parser;
    use super::*;

    fn found(path: &str, page: &Value) -> Vec<Value> {
        let mut body = page.to_string().into_bytes();
        let nodes = Parser::default().parse(&mut body).expect("valid");
        let mut all = Vec::new();
        let path = JsonPath::compile(path).expect("compiles");
        path.each(Json::root(&nodes), &mut |value| {
            all.push(value.to_value());
            Ok(())
        })
        .expect("nothing fails");
        assert_eq!(
            path.first(Json::root(&nodes)).map(Json::to_value),
            all.first().cloned()
        );
        all
    }

    #[test]
    fn names_indexes_slices_and_wildcards() {
        let page = json!({"data": [{"id": 1, "c": [10, 11]}, {"id": 2, "c": []}, {"id": 3}], "a b": {"x.y": 5}, "n": null});
        let check =
            |path: &str, expected: Value| assert_eq!(Value::from(found(path, &page)), expected, "{path}");
        check("$", json!([page]));
        check("$.data[*].id", json!([1, 2, 3]));
        check("data[*].id", json!([1, 2, 3]));
        check("$.data[*].c[*]", json!([10, 11]));
        check("$.data[0].id", json!([1]));
        check("$.data[-1].id", json!([3]));
        check("$.data[-1:].id", json!([3]));
        check("$.data[1:].id", json!([2, 3]));
        check("$.data[:2].id", json!([1, 2]));
        check("$.data[-9:1].id", json!([1]));
        check("$.data[7].id", json!([]));
        check("$['a b'][\"x.y\"]", json!([5]));
        check("$['a b'].*", json!([5]));
        check("$.n.m", json!([]));
        check("$.n", json!([null]));
    }

    #[test]
    fn a_filter_compares_one_member_in_every_spelling() {
        let page = json!({"link": [{"relation": "self", "url": "a", "ok": true}, {"relation": "next", "url": "b", "n": 7}]});
        for path in [
            "$.link[?@.relation=='next'].url",
            "$.link[?(@.relation == 'next')].url",
            "$.link[?relation='next'].url",
            "$.link[?@.n==7].url",
        ] {
            assert_eq!(found(path, &page), [json!("b")], "{path}");
        }
        assert_eq!(found("$.link[?@.ok==true].url", &page), [json!("a")]);
        assert_eq!(found("$.link[?@.n=='7'].url", &page), Vec::<Value>::new());
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        for path in [
            "$..id",
            "$.a[",
            "$.a[?@.b>1]",
            "$.a[?@.b==1 && @.c==2]",
            "$.a[::2]",
            "$.a.`split(?, 1, 1)`",
            "$a",
            "$.",
            "$.a[x]",
            "$.a[]",
        ] {
            let error = JsonPath::compile(path).expect_err(path).to_string();
            assert!(error.contains(path), "{error}");
        }
    }
}
