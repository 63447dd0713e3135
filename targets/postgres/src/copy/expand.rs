//! Rows with a cell for each member of their objects (flattening).

use melisma_sdk::{Cell, Error, Result, show};

use super::walk::{Walk, cell_of, text_of};

/// From the columns of a stream to those of its flattened schema.
#[derive(Debug, PartialEq)]
pub(crate) struct Expand {
    /// For each column of the stream.
    pub(crate) steps: Vec<Step>,
    /// Columns of the flattened schema.
    pub(crate) columns: usize,
}

/// What becomes of a column.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// It stays one.
    Whole(usize),
    /// Its members are columns.
    Object(Box<str>, Node),
}

/// An object whose members are columns, all side by side.
#[derive(Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) first: usize,
    pub(crate) count: usize,
    pub(crate) members: Vec<(Box<str>, Member)>,
}

/// A member of such an object.
#[derive(Debug, PartialEq)]
pub(crate) enum Member {
    /// The column that it is.
    Column(usize),
    /// It has members of its own.
    Object(Node),
}

impl Expand {
    /// Fills `cells`, which is empty, with the flattened row.
    ///
    /// An object that is null makes all its columns null; so does an object that lacks them, because it takes the
    /// place of the whole object that was there. Where the record has no such property, the columns are absent.
    pub(super) fn fill<'a>(&self, row: &[Cell<'a>], cells: &mut Vec<Cell<'a>>) -> Result<()> {
        cells.resize(self.columns, Cell::Absent);
        for (cell, step) in row.iter().zip(&self.steps) {
            match step {
                Step::Whole(column) => cells[*column] = *cell,
                Step::Object(name, node) => match cell {
                    Cell::Absent => {}
                    Cell::Null => node.nulls(cells),
                    Cell::Json(json) if json.starts_with('{') => node.fill(json, cells, name)?,
                    other => return Err(no_object(name, &format!("{other:?}"))),
                },
            }
        }
        Ok(())
    }
}

impl Node {
    fn nulls(&self, cells: &mut [Cell<'_>]) {
        cells[self.first..self.first + self.count].fill(Cell::Null);
    }

    fn fill<'a>(&self, json: &'a str, cells: &mut [Cell<'a>], name: &str) -> Result<()> {
        self.nulls(cells);
        let mut walk = Walk::new(json);
        walk.next();
        walk.skip();
        while let Some(byte) = walk.next() {
            match byte {
                b',' => walk.skip(),
                b'"' => {
                    let key = walk.value();
                    walk.next();
                    walk.skip();
                    walk.next();
                    let value = walk.value();
                    let key = text_of(key).map(|text| text.to_text()).unwrap_or_default();
                    let member = self.members.iter().find(|(name, _)| **name == *key);
                    match member {
                        Some((_, Member::Column(column))) => cells[*column] = cell_of(value),
                        Some((_, Member::Object(node))) if value.starts_with('{') => {
                            node.fill(value, cells, &key)?;
                        }
                        Some((_, Member::Object(node))) if value == "null" => node.nulls(cells),
                        Some((_, Member::Object(_))) => return Err(no_object(name, value)),
                        None => {}
                    }
                }
                _ => break,
            }
        }
        Ok(())
    }
}

#[cold]
fn no_object(name: &str, found: &str) -> Error {
    Error::input(format!(
        "{}: expected an object, which is flattened, found {}",
        show(name),
        show(found)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, at: usize) -> (Box<str>, Member) {
        (name.into(), Member::Column(at))
    }

    #[test]
    fn members_become_cells_wherever_they_are() {
        let inner = Node {
            first: 3,
            count: 1,
            members: vec![column("z", 3)],
        };
        let node = Node {
            first: 1,
            count: 3,
            members: vec![
                column("x\n", 1),
                column("y", 2),
                ("in".into(), Member::Object(inner)),
            ],
        };
        let expand = Expand {
            steps: vec![Step::Whole(0), Step::Object("o".into(), node)],
            columns: 4,
        };
        let filled = |json: Cell<'static>| {
            let mut cells = Vec::new();
            expand
                .fill(&[Cell::Int(7), json], &mut cells)
                .map(|()| cells)
                .map_err(|error| error.to_string())
        };
        let json = r#"{ "more" : [{"x":1}, "y"], "in" :{"z":{"deep":[1,2]}}, "x\u000a": "a}" , "y":-1.5 }"#;
        assert_eq!(
            filled(Cell::Json(json)),
            Ok(vec![
                Cell::Int(7),
                Cell::Text(melisma_sdk::Text::plain("a}")),
                Cell::Number("-1.5"),
                Cell::Json(r#"{"deep":[1,2]}"#)
            ])
        );
        assert_eq!(
            filled(Cell::Json(r#"{"y":1}"#)),
            Ok(vec![Cell::Int(7), Cell::Null, Cell::Int(1), Cell::Null])
        );
        assert_eq!(
            filled(Cell::Null),
            Ok(vec![Cell::Int(7), Cell::Null, Cell::Null, Cell::Null])
        );
        assert_eq!(
            filled(Cell::Absent),
            Ok(vec![Cell::Int(7), Cell::Absent, Cell::Absent, Cell::Absent])
        );
        assert_eq!(
            filled(Cell::Json(r#"{"in": 3}"#)),
            Err("o: expected an object, which is flattened, found 3".to_owned())
        );
    }
}
