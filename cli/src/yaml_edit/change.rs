//! Which bytes an edit replaces, and with what.

use std::ops::Range;

use melisma_sdk::Result;
use serde_json::{Map, Value};

use super::emit::{self, Text};
use super::tree::{Content, Entry, Node};
use super::{Step, refused};

/// A range of bytes and what replaces it.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

/// Where the value of an edit goes.
#[derive(Clone, Copy)]
struct Slot<'a> {
    /// Behind the colon or the dash.
    start: usize,
    old: &'a Node,
    /// The column of the key or of the dash.
    column: usize,
    flow: bool,
}

/// The change that sets what is at `path`.
pub(super) fn set(text: &str, root: Option<&Node>, path: &[Step], value: &Value) -> Result<Change> {
    let file = File { text };
    let Some(root) = root else {
        let lines = file.lines(&nested(path, value), 0)?;
        return Ok(Change {
            range: text.len()..text.len(),
            with: format!(
                "{}{lines}{}",
                file.line_break_before(text.len()),
                file.line_break()
            ),
        });
    };
    let mut node = root;
    let mut slot = None;
    let mut flow = false;
    for (depth, step) in path.iter().enumerate() {
        let rest = &path[depth + 1..];
        match (step, &node.content) {
            (Step::Key(key), Content::Mapping { flow: own, entries }) => {
                flow |= *own;
                let Some(entry) = node.entry(key) else {
                    return file.add_entry(node, entries, flow, key, &nested(rest, value));
                };
                slot = Some(Slot {
                    start: entry.colon,
                    old: &entry.value,
                    column: file.column(entry.key.start),
                    flow,
                });
                node = &entry.value;
            }
            (Step::Item(index), Content::List { flow: own, items }) => {
                flow |= *own;
                let Some(item) = items.get(*index) else {
                    return file.add_item(node, items, flow, &nested(rest, value));
                };
                let dash = if flow {
                    item.range.start
                } else {
                    file.dash(item)? + 1
                };
                slot = Some(Slot {
                    start: dash,
                    old: item,
                    column: file.column(dash.saturating_sub(1)),
                    flow,
                });
                node = item;
            }
            (_, Content::Alias) => return Err(refused("an alias is on the way")),
            // Null, or an empty collection of the other kind.
            _ => return file.replace(slot, &nested(&path[depth..], value)),
        }
    }
    file.replace(slot, value)
}

/// The change that removes what is at `path`.
pub(super) fn remove(text: &str, root: Option<&Node>, path: &[Step]) -> Result<Change> {
    let file = File { text };
    let (Some(root), Some((last, way))) = (root, path.split_last()) else {
        return Err(refused("there is nothing to remove"));
    };
    let mut node = root;
    let mut slot = None;
    let mut flow = false;
    for step in way {
        (slot, node) = match (step, &node.content) {
            (Step::Key(key), Content::Mapping { flow: own, .. }) => {
                flow |= *own;
                let entry = node
                    .entry(key)
                    .ok_or_else(|| refused("a key comes from an anchor"))?;
                let slot = Slot {
                    start: entry.colon,
                    old: &entry.value,
                    column: file.column(entry.key.start),
                    flow,
                };
                (Some(slot), &entry.value)
            }
            (Step::Item(index), Content::List { flow: own, items }) => {
                flow |= *own;
                let item = items
                    .get(*index)
                    .ok_or_else(|| refused("there is no such item"))?;
                let start = if flow {
                    item.range.start
                } else {
                    file.dash(item)? + 1
                };
                let slot = Slot {
                    start,
                    old: item,
                    column: file.column(start.saturating_sub(1)),
                    flow,
                };
                (Some(slot), item)
            }
            _ => return Err(refused("an alias is on the way")),
        };
    }
    match (last, &node.content) {
        (Step::Key(key), Content::Mapping { flow, entries }) => {
            let at = entries.iter().position(|entry| entry.name == *key);
            let at = at.ok_or_else(|| refused("the key comes from an anchor"))?;
            if entries.len() == 1 && slot.is_some() {
                return file.replace(slot, &Value::Object(Map::new()));
            }
            let ranges: Vec<Range<usize>> =
                entries.iter().map(|entry| entry.key.start..entry.end()).collect();
            Ok(if *flow {
                between_commas(&ranges, at)
            } else {
                file.whole_lines(&ranges[at])
            })
        }
        (Step::Item(index), Content::List { flow, items }) => {
            if items.len() == 1 {
                return file.replace(slot, &Value::Array(Vec::new()));
            }
            let item = items
                .get(*index)
                .ok_or_else(|| refused("there is no such item"))?;
            if *flow {
                let ranges: Vec<Range<usize>> = items.iter().map(|item| item.range.clone()).collect();
                return Ok(between_commas(&ranges, *index));
            }
            let dash = file.dash(item)?;
            Ok(file.whole_lines(&(dash..item.range.end.max(dash + 1))))
        }
        _ => Err(refused("an alias is on the way")),
    }
}

/// The value with a mapping around it for each step.
fn nested(path: &[Step], value: &Value) -> Value {
    path.iter().rev().fold(value.clone(), |inner, step| match step {
        Step::Key(key) => Value::Object(Map::from_iter([(key.clone(), inner)])),
        Step::Item(_) => Value::Array(vec![inner]),
    })
}

/// Removes one of several members of a flow collection with the comma at its side.
fn between_commas(ranges: &[Range<usize>], at: usize) -> Change {
    let range = match (
        ranges.get(at + 1),
        at.checked_sub(1).and_then(|before| ranges.get(before)),
    ) {
        (Some(next), _) => ranges[at].start..next.start,
        (None, Some(before)) => before.end..ranges[at].end,
        (None, None) => ranges[at].clone(),
    };
    Change {
        range,
        with: String::new(),
    }
}

struct File<'a> {
    text: &'a str,
}

impl File<'_> {
    fn line_break(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// A line break, unless `at` is at the begin of a line.
    fn line_break_before(&self, at: usize) -> &'static str {
        match self.column(at) {
            0 => "",
            _ => self.line_break(),
        }
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |at| at + 1)
    }

    /// The end of the line, before its line break.
    fn line_end(&self, at: usize) -> usize {
        let end = self.text[at..]
            .find('\n')
            .map_or(self.text.len(), |length| at + length);
        let carriage_return = self.text[..end].ends_with('\r') && end > at;
        end - usize::from(carriage_return)
    }

    fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    /// The dash before an item of a block list.
    fn dash(&self, item: &Node) -> Result<usize> {
        let before = &self.text[..item.range.start];
        let dash = before.rfind('-').ok_or_else(|| refused("a list has no dash"))?;
        let between = before[dash + 1..].trim();
        // What is between may be an anchor or a tag, and with a comment the dash may be inside of it.
        if between.contains(['#', '\n']) {
            return Err(refused("a comment is between a dash and its item"));
        }
        Ok(dash)
    }

    /// Lines for a value in block style, each indented.
    fn lines(&self, value: &Value, column: usize) -> Result<String> {
        let indent = " ".repeat(column);
        let lines = match emit::block(value)? {
            Text::Inline(text) => vec![text],
            Text::Lines(lines) => lines,
        };
        let lines: Vec<String> = lines
            .into_iter()
            .map(|line| {
                if line.is_empty() {
                    line
                } else {
                    format!("{indent}{line}")
                }
            })
            .collect();
        Ok(lines.join(self.line_break()))
    }

    /// What goes behind a colon at `column`.
    fn behind_key(&self, value: &Value, column: usize) -> Result<String> {
        if let Text::Inline(text) = emit::block(value)? {
            return Ok(format!(" {text}"));
        }
        let column = match value {
            Value::Array(_) if !self.indents_lists() => column,
            _ => column + 2,
        };
        Ok(format!("{}{}", self.line_break(), self.lines(value, column)?))
    }

    /// Whether lists under a key are indented in this file: the first one that there is decides.
    fn indents_lists(&self) -> bool {
        let mut key = None;
        for line in self.text.lines() {
            let content = line.trim_start();
            let column = line.len() - content.len();
            match key {
                Some(key) if content.starts_with("- ") => return column > key,
                _ => key = content.ends_with(':').then_some(column),
            }
        }
        false
    }

    fn replace(&self, slot: Option<Slot<'_>>, value: &Value) -> Result<Change> {
        let Some(slot) = slot else {
            return Err(refused("it is not a mapping"));
        };
        let nothing = matches!(slot.old.content, Content::Nothing);
        if slot.flow {
            let (range, space) = if nothing {
                (slot.start..slot.start, " ")
            } else {
                (slot.old.range.clone(), "")
            };
            return Ok(Change {
                range,
                with: format!("{space}{}", emit::flow(value)?),
            });
        }
        let end = if nothing { slot.start } else { slot.old.range.end };
        let same_line = !nothing && !self.text[slot.start..slot.old.range.start].contains('\n');
        let block = matches!(
            slot.old.content,
            Content::Mapping { flow: false, .. } | Content::List { flow: false, .. }
        );
        let is_item = self.text[..slot.start].ends_with('-');
        match emit::block(value)? {
            // What is before the old value stays: the space behind the colon.
            Text::Inline(text) if same_line && !block => Ok(Change {
                range: slot.old.range.clone(),
                with: text,
            }),
            Text::Lines(_) if is_item => Ok(Change {
                range: slot.start..end,
                with: format!(" {}", self.lines(value, slot.column + 2)?.trim_start()),
            }),
            _ => Ok(Change {
                range: slot.start..end,
                with: self.behind_key(value, slot.column)?,
            }),
        }
    }

    fn add_entry(
        &self,
        node: &Node,
        entries: &[Entry],
        flow: bool,
        key: &str,
        value: &Value,
    ) -> Result<Change> {
        let key = emit::key(key)?;
        let Some(last) = entries.last() else {
            return Ok(Change {
                range: node.range.clone(),
                with: format!("{{{key}: {}}}", emit::flow(value)?),
            });
        };
        if flow {
            return Ok(Change {
                range: last.end()..last.end(),
                with: format!(", {key}: {}", emit::flow(value)?),
            });
        }
        let column = entries.first().map_or(0, |first| self.column(first.key.start));
        let at = self.line_end(last.end());
        let indent = " ".repeat(column);
        Ok(Change {
            range: at..at,
            with: format!(
                "{}{indent}{key}:{}",
                self.line_break(),
                self.behind_key(value, column)?
            ),
        })
    }

    fn add_item(&self, node: &Node, items: &[Node], flow: bool, value: &Value) -> Result<Change> {
        let Some(last) = items.last() else {
            return Ok(Change {
                range: node.range.clone(),
                with: format!("[{}]", emit::flow(value)?),
            });
        };
        if flow {
            return Ok(Change {
                range: last.range.end..last.range.end,
                with: format!(", {}", emit::flow(value)?),
            });
        }
        let dash = self.dash(last)?;
        let column = self.column(dash);
        let at = self.line_end(last.range.end.max(dash + 1));
        let item = self.lines(value, column + 2)?;
        let indent = " ".repeat(column);
        Ok(Change {
            range: at..at,
            with: format!("{}{indent}- {}", self.line_break(), item.trim_start()),
        })
    }

    /// Removes an entry or an item with the lines that only it is on, and the comment behind it.
    fn whole_lines(&self, range: &Range<usize>) -> Change {
        let start = self.line_start(range.start);
        let end = self.line_end(range.end);
        let range = if self.text[start..range.start].trim().is_empty() {
            let next = self.text[end..].find('\n').map_or(end, |length| end + length + 1);
            start..next
        } else {
            // The first key of an item: `- name: x`. The dash stays.
            range.start..end
        };
        Change {
            range,
            with: String::new(),
        }
    }
}
