//! What selection leaves of a schema, and how records are cut to it.

use std::collections::HashMap;

use melisma_engine::json;
use serde_json::{Map, Value};

use crate::tap::catalog::selection::Selection;
use crate::tap::output::buffer::Lead;

/// A top-level property of a stream, at its position in the schema that the tap gave.
#[derive(Clone, Debug)]
pub struct Column {
    /// The property's name.
    pub name: Box<str>,
    /// Whether it goes into records.
    pub selected: bool,
    /// Its JSON Schema: the catalog's, where one was given.
    pub schema: Value,
    /// `"name":`
    pub(in crate::tap) key: Box<[u8]>,
    /// The key, made to be written fast.
    pub(in crate::tap) lead: Lead,
    pub(in crate::tap) node: Node,
}

/// How a value is written.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::tap) enum Node {
    /// As it is.
    Keep,
    /// Member by member.
    Object {
        members: Vec<Member>,
        /// Whether members that are not listed are left out.
        closed: bool,
    },
    /// Item by item.
    Array(Box<Node>),
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::tap) struct Member {
    /// `"name":`
    pub(in crate::tap) key: Box<[u8]>,
    /// `None` when it is left out.
    pub(in crate::tap) node: Option<Node>,
}

/// A stream's schema after selection.
#[derive(Clone, Debug)]
pub(in crate::tap) struct Plan {
    /// What the SCHEMA message says.
    pub(in crate::tap) schema: Value,
    /// The tap's properties, in its order, selected or not.
    pub(in crate::tap) columns: Vec<Column>,
    /// How a record is cut.
    pub(in crate::tap) node: Node,
}

impl Plan {
    /// Applies selection to `schema`, which may be the catalog's; `own` is the tap's and gives the positions.
    /// The properties `forced` (the keys) are selected unless they can not be read.
    pub(in crate::tap) fn new(own: &Value, schema: &Value, selection: &Selection, forced: &[&str]) -> Self {
        let (pruned, mut node) = prune(schema, selection, &mut Vec::new(), forced);
        let own_properties = own.get("properties").and_then(Value::as_object);
        if node == Node::Keep && own_properties.is_some() {
            // Even when all is selected, properties outside the schema stay out of records.
            node = whole(schema);
        }
        // A file can have tens of thousands of columns: none of them may look through all members.
        let members = match &node {
            Node::Object { members, .. } => Some(
                members
                    .iter()
                    .map(|member| (&*member.key, &member.node))
                    .collect(),
            ),
            Node::Keep | Node::Array(_) => None,
        };
        let columns = own_properties
            .into_iter()
            .flatten()
            .map(|(name, own)| column(name, own, schema, members.as_ref()))
            .collect();
        Self {
            schema: pruned,
            columns,
            node,
        }
    }
}

/// How each member of a record is cut, by its key.
type Cuts<'n> = HashMap<&'n [u8], &'n Option<Node>>;

/// Without `members` every record is written as it is.
fn column(name: &str, own: &Value, schema: &Value, members: Option<&Cuts<'_>>) -> Column {
    let key = quoted(name);
    let given = schema
        .get("properties")
        .and_then(|properties| properties.get(name));
    let node = match members {
        Some(members) => members.get(&*key).and_then(|&node| node.clone()),
        None => Some(Node::Keep),
    };
    Column {
        name: name.into(),
        selected: node.is_some(),
        schema: given.unwrap_or(own).clone(),
        lead: Lead::new(&key),
        key,
        node: node.unwrap_or(Node::Keep),
    }
}

/// `"name":`
fn quoted(name: &str) -> Box<[u8]> {
    let mut key = Vec::with_capacity(name.len() + 3);
    json::write_string(&mut key, name);
    key.push(b':');
    key.into()
}

fn whole(schema: &Value) -> Node {
    let properties = schema.get("properties").and_then(Value::as_object);
    let members = properties.into_iter().flatten();
    let members = members
        .map(|(name, _)| Member {
            key: quoted(name),
            node: Some(Node::Keep),
        })
        .collect();
    Node::Object {
        members,
        closed: closed(schema),
    }
}

/// The Meltano SDK's reading of a top-level schema: what is not listed is not there, unless `additionalProperties`
/// allows it in so many words.
pub(in crate::tap) fn closed(schema: &Value) -> bool {
    !matches!(
        schema.get("additionalProperties"),
        Some(Value::Bool(true) | Value::Object(_))
    )
}

/// The selected part of a schema, and how values of it are cut.
fn prune(schema: &Value, selection: &Selection, at: &mut Vec<String>, forced: &[&str]) -> (Value, Node) {
    let Value::Object(map) = schema else {
        return (schema.clone(), Node::Keep);
    };
    let mut pruned = map.clone();
    let mut node = Node::Keep;
    if let Some(properties) = map.get("properties").and_then(Value::as_object) {
        let (kept, members) = prune_properties(properties, selection, at, forced);
        if let Some(Value::Array(required)) = pruned.get_mut("required") {
            required.retain(|name| {
                let name = name.as_str().unwrap_or_default();
                kept.contains_key(name) || !properties.contains_key(name)
            });
        }
        pruned.insert("properties".into(), Value::Object(kept));
        let cut = members.iter().any(|member| member.node != Some(Node::Keep));
        if cut {
            let closed = if at.is_empty() { closed(schema) } else { false };
            node = Node::Object { members, closed };
        }
    }
    if let Some(items @ Value::Object(_)) = map.get("items") {
        at.push("items".to_owned());
        let (items, inner) = prune(items, selection, at, &[]);
        at.pop();
        pruned.insert("items".into(), items);
        if inner != Node::Keep && node == Node::Keep {
            node = Node::Array(Box::new(inner));
        }
    }
    (Value::Object(pruned), node)
}

fn prune_properties(
    properties: &Map<String, Value>,
    selection: &Selection,
    at: &mut Vec<String>,
    forced: &[&str],
) -> (Map<String, Value>, Vec<Member>) {
    let mut kept = Map::new();
    let mut members = Vec::with_capacity(properties.len());
    for (name, property) in properties {
        at.extend(["properties".to_owned(), name.clone()]);
        let breadcrumb: Vec<&str> = at.iter().map(String::as_str).collect();
        let forced = forced.contains(&name.as_str()) && !selection.is_unsupported(&breadcrumb);
        let mut member = Member {
            key: quoted(name),
            node: None,
        };
        if forced || selection.is_selected(&breadcrumb) {
            let (property, node) = prune(property, selection, at, &[]);
            kept.insert(name.clone(), property);
            member.node = Some(node);
        }
        members.push(member);
        at.truncate(at.len() - 2);
    }
    (kept, members)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selection(items: &Value) -> Selection {
        Selection::of(json!({"metadata": items}).as_object().expect("an object"))
    }

    #[test]
    fn deselected_properties_leave_the_schema_at_every_depth() {
        let schema = json!({"type": "object", "required": ["id", "b"], "properties": {
            "id": {"type": "integer"},
            "b": {"type": "string"},
            "c": {"type": "object", "required": ["d", "e"], "properties": {"d": {}, "e": {}}},
            "list": {"type": "array", "items": {"type": "object", "properties": {"x": {}, "y": {}}}},
        }});
        let selection = selection(&json!([
            {"breadcrumb": [], "metadata": {"selected": true}},
            {"breadcrumb": ["properties", "id"], "metadata": {"selected": false}},
            {"breadcrumb": ["properties", "b"], "metadata": {"selected": false}},
            {"breadcrumb": ["properties", "c", "properties", "e"], "metadata": {"selected": false}},
            {"breadcrumb": ["properties", "list", "items", "properties", "y"], "metadata": {"selected": false}},
        ]));
        let plan = Plan::new(&schema, &schema, &selection, &["id"]);
        assert_eq!(
            plan.schema,
            json!({"type": "object", "required": ["id"], "properties": {
                "id": {"type": "integer"},
                "c": {"type": "object", "required": ["d"], "properties": {"d": {}}},
                "list": {"type": "array", "items": {"type": "object", "properties": {"x": {}}}},
            }})
        );
        let selected: Vec<_> = plan
            .columns
            .iter()
            .map(|column| (&*column.name, column.selected))
            .collect();
        assert_eq!(
            selected,
            [("id", true), ("b", false), ("c", true), ("list", true)]
        );
        assert!(matches!(plan.columns[3].node, Node::Array(_)));
    }

    #[test]
    fn the_catalogs_schema_counts_and_positions_stay_the_taps() {
        let own = json!({"properties": {"a": {"type": "integer"}, "b": {}, "c": {}}});
        let given = json!({"properties": {"c": {}, "a": {"type": "string"}, "extra": {}}});
        let plan = Plan::new(&own, &given, &Selection::default(), &[]);
        let columns: Vec<_> = plan
            .columns
            .iter()
            .map(|column| (&*column.name, column.selected))
            .collect();
        assert_eq!(columns, [("a", true), ("b", false), ("c", true)]);
        assert_eq!(plan.columns[0].schema, json!({"type": "string"}));
        assert_eq!(plan.schema, given);
    }
}
