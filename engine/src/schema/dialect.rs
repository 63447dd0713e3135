//! Converts schemas of every draft, and the variants that taps write, to the one form that the rest of the engine
//! reads: draft 7 with additions of later drafts.
//!
//! What drafts 3 and 4 wrote in another way is written anew at any depth: `exclusiveMinimum: true`, `required: true`,
//! `divisibleBy`, `type: "any"`, schemas among types. So are the departures of real taps: a format among the types, a list
//! of formats, `maxLength: null`, `items: []`, patterns in Python's spelling. A keyword that is checked here and whose value
//! cannot be checked (`minimum: "5"`) says nothing, wherever it stands; everything else that is no JSON Schema is left as
//! it is, to be refused where it is compiled.

use serde_json::{Map, Value, json};

use super::pattern::{Problem, translate};
use crate::error::show;
use crate::validate::pattern::takes_pattern;

/// Names of formats that taps put among the types.
const FORMATS: [&str; 11] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uri",
    "uuid",
    "singer.decimal",
];

/// Writes a schema whose references are in place anew; returns what of it is ignored, for a warning: the path of each
/// pattern that cannot be checked, and the pattern.
pub(crate) fn normalize(schema: &mut Value) -> Vec<String> {
    let mut normalizer = Normalizer {
        path: String::new(),
        ignored: Vec::new(),
    };
    normalizer.schema(schema);
    normalizer.ignored
}

struct Normalizer {
    /// Where the schema stands: `address.lines`.
    path: String,
    ignored: Vec<String>,
}

impl Normalizer {
    fn schema(&mut self, schema: &mut Value) {
        let Value::Object(members) = schema else { return };
        members.retain(|keyword, value| says_something(keyword, value));
        bounds(members);
        types(members);
        format(members);
        draft_3(members);
        items(members);
        self.patterns(members);
        for (keyword, schemas) in members.iter_mut() {
            each_schema(keyword, schemas, &mut |name, schema| {
                let outer = self.path.len();
                if let Some(name) = name {
                    if outer > 0 {
                        self.path.push('.');
                    }
                    self.path.push_str(name);
                }
                self.schema(schema);
                self.path.truncate(outer);
            });
        }
    }

    fn patterns(&mut self, members: &mut Map<String, Value>) {
        if let Some(Value::String(pattern)) = members.get_mut("pattern") {
            match self.pattern(pattern) {
                Verdict::Stays => {}
                Verdict::Becomes(translated) => *pattern = translated,
                Verdict::Ignored => drop(members.shift_remove("pattern")),
            }
        }
        let Some(Value::Object(schemas)) = members.get_mut("patternProperties") else {
            return;
        };
        if schemas.keys().all(|pattern| takes_pattern(pattern)) {
            return;
        }
        let mut rewritten = Map::new();
        for (pattern, schema) in std::mem::take(schemas) {
            let pattern = match self.pattern(&pattern) {
                Verdict::Stays => pattern,
                Verdict::Becomes(translated) => translated,
                Verdict::Ignored => continue,
            };
            let both = match rewritten.shift_remove(&pattern) {
                Some(other) => json!({"allOf": [other, schema]}),
                None => schema,
            };
            rewritten.insert(pattern, both);
        }
        *schemas = rewritten;
    }

    fn pattern(&mut self, pattern: &str) -> Verdict {
        if takes_pattern(pattern) {
            return Verdict::Stays;
        }
        match translate(pattern) {
            Err(Problem::Invalid) => Verdict::Stays,
            Ok(translated) if takes_pattern(&translated) => Verdict::Becomes(translated),
            Ok(_) | Err(Problem::Unsupported) => {
                let ignored = format!("{}: \"{}\"", show(&self.path), show(pattern));
                self.ignored.push(ignored);
                Verdict::Ignored
            }
        }
    }
}

/// What becomes of a pattern.
enum Verdict {
    /// It is right as it is, or wrong in any language and refused where it is compiled.
    Stays,
    Becomes(String),
    Ignored,
}

/// Whether a keyword's value can be checked, or says something in another way.
fn says_something(keyword: &str, value: &mut Value) -> bool {
    let length = |value: &Value| value.as_f64().is_some_and(|n| n >= 0.0 && n.fract() == 0.0);
    match keyword {
        // A null of these is a value, or is refused.
        "const" | "default" | "example" | "type" => true,
        _ if value.is_null() => false,
        // Schemas stand alone once references are in place.
        "$schema" | "$id" | "id" | "definitions" | "$defs" => false,
        "minimum" | "maximum" => value.is_number(),
        "exclusiveMinimum" | "exclusiveMaximum" => value.is_number() || value.is_boolean(),
        "multipleOf" | "divisibleBy" => value.as_f64().is_some_and(|step| step > 0.0),
        "minLength" | "maxLength" if !length(value) => false,
        "minLength" | "maxLength" => {
            // 255.0 is 255; a limit beyond 64 bits is none.
            match value.as_f64() {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a whole number that is not negative and fits"
                )]
                Some(number) if value.is_f64() && number < 1e18 => *value = json!(number as u64),
                _ => {}
            }
            value.is_u64()
        }
        "required" => {
            let Value::Array(names) = value else { return false };
            let mut seen = std::collections::HashSet::new();
            names.retain(|name| name.as_str().is_some_and(|name| seen.insert(name.to_owned())));
            true
        }
        "enum" | "examples" => value.is_array(),
        "properties" => value.is_object(),
        "title" | "description" | "$comment" | "contentEncoding" | "contentMediaType" => value.is_string(),
        "readOnly" | "writeOnly" | "deprecated" => value.is_boolean(),
        _ => true,
    }
}

/// Draft 4 wrote `minimum: 0, exclusiveMinimum: true`.
fn bounds(members: &mut Map<String, Value>) {
    for (plain, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        let Some(&Value::Bool(excluded)) = members.get(exclusive) else {
            continue;
        };
        members.shift_remove(exclusive);
        if excluded && let Some(bound) = members.shift_remove(plain) {
            members.insert(exclusive.to_owned(), bound);
        }
    }
}

/// `any`, formats and schemas among the types.
fn types(members: &mut Map<String, Value>) {
    let names = match members.get_mut("type") {
        Some(Value::Array(names)) => std::mem::take(names),
        Some(Value::String(name)) if matches!(name.as_str(), "any" | "datetime") || is_format(name) => {
            vec![Value::String(std::mem::take(name))]
        }
        _ => return,
    };
    if names.iter().any(|name| name == "any") {
        members.shift_remove("type");
        return;
    }
    let (mut types, mut schemas, mut formats) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        let name = match name {
            Value::Object(_) => {
                schemas.push(name);
                continue;
            }
            // What Python calls it.
            Value::String(name) if name == "datetime" => {
                formats.push(json!("date-time"));
                json!("string")
            }
            Value::String(name) if is_format(&name) => {
                formats.push(Value::String(name));
                json!("string")
            }
            name => name,
        };
        if !types.contains(&name) {
            types.push(name);
        }
    }
    if let [format] = formats.as_slice()
        && !members.contains_key("format")
    {
        members.insert("format".to_owned(), format.clone());
    }
    if schemas.is_empty() {
        let types = if types.len() == 1 && !formats.is_empty() {
            types.remove(0)
        } else {
            Value::Array(types)
        };
        members.insert("type".to_owned(), types);
        return;
    }
    members.shift_remove("type");
    if !types.is_empty() {
        schemas.push(json!({"type": types}));
    }
    if members.contains_key("anyOf") {
        and(members, json!({"anyOf": schemas}));
    } else {
        members.insert("anyOf".to_owned(), Value::Array(schemas));
    }
}

fn is_format(name: &str) -> bool {
    FORMATS.contains(&name)
}

/// A list of formats is its one format, if it has one.
fn format(members: &mut Map<String, Value>) {
    let one = match members.get("format") {
        None | Some(Value::String(_)) => return,
        Some(Value::Array(formats)) => {
            let mut names = formats.iter().filter(|name| !name.is_null() && *name != "null");
            let first = names.next().filter(|name| name.is_string());
            first.filter(|first| names.all(|name| name == *first)).cloned()
        }
        Some(_) => None,
    };
    match one {
        Some(format) => drop(members.insert("format".to_owned(), format)),
        None => drop(members.shift_remove("format")),
    }
}

/// The keywords of draft 3 that later drafts have under other names.
fn draft_3(members: &mut Map<String, Value>) {
    if let Some(step) = members.shift_remove("divisibleBy") {
        members.entry("multipleOf").or_insert(step);
    }
    match members.get("extends") {
        Some(Value::Object(_)) => {
            let base = members.shift_remove("extends").unwrap_or_default();
            and(members, base);
        }
        Some(Value::Array(bases)) if bases.iter().all(Value::is_object) => {
            let bases = bases.clone();
            members.shift_remove("extends");
            for base in bases {
                and(members, base);
            }
        }
        _ => {}
    }
    if matches!(members.get("disallow"), Some(Value::String(_) | Value::Array(_)))
        && let Some(types) = members.shift_remove("disallow")
    {
        and(members, json!({"not": {"type": types}}));
    }
    if let Some(Value::Object(dependencies)) = members.get_mut("dependencies") {
        for needs in dependencies.values_mut().filter(|needs| needs.is_string()) {
            *needs = Value::Array(vec![needs.take()]);
        }
    }
}

fn and(members: &mut Map<String, Value>, schema: Value) {
    // What is no list is refused where it is compiled.
    if let Value::Array(all) = members.entry("allOf").or_insert_with(|| json!([])) {
        all.push(schema);
    }
}

/// An empty list of items says nothing of the first ones, and `additionalItems` is about those after a list.
fn items(members: &mut Map<String, Value>) {
    match members.get("items") {
        Some(Value::Array(items)) if items.is_empty() => {
            members.shift_remove("items");
            if let Some(rest) = members.shift_remove("additionalItems") {
                members.insert("items".to_owned(), rest);
            }
        }
        Some(Value::Array(_)) => {}
        _ => drop(members.shift_remove("additionalItems")),
    }
}

/// Calls `each` on the schemas in the value of a keyword; with the name of a property whose schema it is.
pub(crate) fn each_schema(keyword: &str, value: &mut Value, each: &mut impl FnMut(Option<&str>, &mut Value)) {
    match (keyword, value) {
        ("properties" | "patternProperties", Value::Object(named)) => {
            for (name, schema) in named.iter_mut() {
                each(Some(name), schema);
            }
        }
        ("dependentSchemas" | "dependencies", Value::Object(named)) => {
            for schema in named.values_mut() {
                each(None, schema);
            }
        }
        ("items" | "anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(schemas)) => {
            for schema in schemas {
                each(None, schema);
            }
        }
        (
            "items"
            | "additionalItems"
            | "additionalProperties"
            | "contains"
            | "not"
            | "if"
            | "then"
            | "else"
            | "propertyNames"
            | "unevaluatedItems"
            | "unevaluatedProperties",
            schema,
        ) => each(None, schema),
        _ => {}
    }
}
