//! Columns whose values are made of others: lists, structs, maps, dictionaries and runs.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int16Type, Int32Type, Int64Type};
use arrow_array::{Array, FixedSizeListArray, RunArray};
use arrow_schema::{DataType, Field};
use melisma_engine::Result;
use melisma_engine::json::write_string;

use super::{Cells, Done, ValueOptions, Values};

/// The values of a column by their type.
pub(super) enum Nested<'b> {
    List(Ranges<'b>, Box<Cells<'b>>),
    /// Each with its key, `"name":`.
    Struct(Vec<(Vec<u8>, Cells<'b>)>),
    Map {
        ranges: Ranges<'b>,
        keys: Box<Cells<'b>>,
        values: Box<Cells<'b>>,
    },
    Dictionary(Vec<usize>, Box<Cells<'b>>),
    Run(Runs<'b>, Box<Cells<'b>>),
}

/// Where the items of each list are.
pub(super) enum Ranges<'b> {
    Offsets32(&'b [i32]),
    Offsets64(&'b [i64]),
    Views32(&'b [i32], &'b [i32]),
    Views64(&'b [i64], &'b [i64]),
    Fixed(&'b FixedSizeListArray),
}

pub(super) enum Runs<'b> {
    Of16(&'b RunArray<Int16Type>),
    Of32(&'b RunArray<Int32Type>),
    Of64(&'b RunArray<Int64Type>),
}

impl<'b> Nested<'b> {
    /// Those of a column that has one of these types.
    pub(super) fn of(column: &'b dyn Array, options: ValueOptions) -> Result<Self> {
        let cells =
            |column: &'b dyn Array, field: &'b Field| Cells::new(column, field, options).map(Box::new);
        Ok(match column.data_type() {
            DataType::List(item) => {
                let list = column.as_list::<i32>();
                Self::List(
                    Ranges::Offsets32(list.value_offsets()),
                    cells(list.values(), item)?,
                )
            }
            DataType::LargeList(item) => {
                let list = column.as_list::<i64>();
                Self::List(
                    Ranges::Offsets64(list.value_offsets()),
                    cells(list.values(), item)?,
                )
            }
            DataType::ListView(item) => {
                let list = column.as_list_view::<i32>();
                let ranges = Ranges::Views32(list.value_offsets(), list.value_sizes());
                Self::List(ranges, cells(list.values(), item)?)
            }
            DataType::LargeListView(item) => {
                let list = column.as_list_view::<i64>();
                let ranges = Ranges::Views64(list.value_offsets(), list.value_sizes());
                Self::List(ranges, cells(list.values(), item)?)
            }
            DataType::FixedSizeList(item, _) => {
                let list = column.as_fixed_size_list();
                Self::List(Ranges::Fixed(list), cells(list.values(), item)?)
            }
            DataType::Map(entries, _) => {
                let map = column.as_map();
                let [key, value] = pair(entries);
                Self::Map {
                    ranges: Ranges::Offsets32(map.value_offsets()),
                    keys: cells(map.keys(), key)?,
                    values: cells(map.values(), value)?,
                }
            }
            DataType::Dictionary(..) => {
                let dictionary = column.as_any_dictionary();
                // Keys of nulls may be anything, and are not looked at.
                let keys = if dictionary.values().is_empty() {
                    Vec::new()
                } else {
                    dictionary.normalized_keys()
                };
                Self::Dictionary(keys, cells(dictionary.values(), nameless())?)
            }
            DataType::RunEndEncoded(ends, values) => {
                let (runs, of) = match ends.data_type() {
                    DataType::Int16 => {
                        let run = column.as_run::<Int16Type>();
                        (Runs::Of16(run), run.values())
                    }
                    DataType::Int32 => {
                        let run = column.as_run::<Int32Type>();
                        (Runs::Of32(run), run.values())
                    }
                    _ => {
                        let run = column.as_run::<Int64Type>();
                        (Runs::Of64(run), run.values())
                    }
                };
                Self::Run(runs, cells(of, values)?)
            }
            _ => {
                let structs = column.as_struct();
                let members = structs.fields().iter().zip(structs.columns());
                let members = members.map(|(field, column)| {
                    let mut key = Vec::new();
                    write_string(&mut key, field.name());
                    key.push(b':');
                    Ok((key, Cells::new(column, field, options)?))
                });
                Self::Struct(members.collect::<Result<_>>()?)
            }
        })
    }

    /// Appends a value that is not null.
    pub(super) fn append(&self, row: usize, out: &mut Vec<u8>) -> Done {
        match self {
            Self::List(ranges, items) => {
                out.push(b'[');
                for (i, item) in ranges.of(row).enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    items.append_value(item, out)?;
                }
                out.push(b']');
            }
            Self::Struct(members) => {
                out.push(b'{');
                for (i, (key, values)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(key);
                    values.append_value(row, out)?;
                }
                out.push(b'}');
            }
            Self::Map { ranges, keys, values } => map(ranges.of(row), keys, values, out)?,
            Self::Dictionary(keys, values) => {
                let key = keys.get(row).copied().unwrap_or(usize::MAX);
                values.append_value(key, out)?;
            }
            Self::Run(runs, values) => values.append_value(runs.place(row), out)?,
        }
        Ok(())
    }
}

/// An object where the keys are texts, else a list of pairs.
fn map(
    entries: impl Iterator<Item = usize>,
    keys: &Cells<'_>,
    values: &Cells<'_>,
    out: &mut Vec<u8>,
) -> Done {
    let is_object = keys.are_texts();
    out.push(if is_object { b'{' } else { b'[' });
    for (i, entry) in entries.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        if is_object {
            keys.append_value(entry, out)?;
            out.push(b':');
            values.append_value(entry, out)?;
        } else {
            out.extend_from_slice(b"{\"key\":");
            keys.append_value(entry, out)?;
            out.extend_from_slice(b",\"value\":");
            values.append_value(entry, out)?;
            out.push(b'}');
        }
    }
    out.push(if is_object { b'}' } else { b']' });
    Ok(())
}

impl Cells<'_> {
    fn are_texts(&self) -> bool {
        match &self.values {
            Values::Text(_) => true,
            Values::Nested(Nested::Dictionary(_, values)) => values.are_texts(),
            _ => false,
        }
    }
}

/// Key and value of a map's entries.
fn pair(entries: &Field) -> [&Field; 2] {
    match entries.data_type() {
        DataType::Struct(fields) if fields.len() == 2 => [&fields[0], &fields[1]],
        _ => [entries, entries],
    }
}

/// The field of values that have none of their own: nothing but their type is known of them.
fn nameless() -> &'static Field {
    static FIELD: std::sync::LazyLock<Field> =
        std::sync::LazyLock::new(|| Field::new("", DataType::Null, true));
    &FIELD
}

impl Ranges<'_> {
    #[inline]
    fn of(&self, row: usize) -> std::ops::Range<usize> {
        match self {
            Self::Offsets32(offsets) => place(offsets[row])..place(offsets[row + 1]),
            Self::Offsets64(offsets) => place(offsets[row])..place(offsets[row + 1]),
            Self::Views32(starts, sizes) => {
                let start = place(starts[row]);
                start..start + place(sizes[row])
            }
            Self::Views64(starts, sizes) => {
                let start = place(starts[row]);
                start..start + place(sizes[row])
            }
            Self::Fixed(list) => {
                let start = place(list.value_offset_at(row));
                start..start + place(list.value_length())
            }
        }
    }
}

fn place(offset: impl TryInto<usize>) -> usize {
    offset.try_into().unwrap_or_default()
}

impl Runs<'_> {
    fn place(&self, row: usize) -> usize {
        match self {
            Self::Of16(run) => run.get_physical_index(row),
            Self::Of32(run) => run.get_physical_index(row),
            Self::Of64(run) => run.get_physical_index(row),
        }
    }
}
