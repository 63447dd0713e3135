//! Records from Rust values, written into the buffer member by member, without what is not selected.
//!
//! The members of a struct come in the order of its schema as a rule, so that each is where it is looked for. A static key is
//! known again by its address, for which its bytes need not be compared.

use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

use super::Output;
use super::buffer::Buffer;
use super::value::{Failure, RAW, ValueWriter, write_key};
use crate::tap::projection::cutter::Cutter;
use crate::tap::projection::schema::Node;

/// Writes the members of one record.
pub(super) struct RecordWriter<'o, 'a> {
    output: &'o mut Output<'a>,
    /// Where the next byte goes in the buffer, which counts nothing of the record before it is complete.
    at: usize,
    /// Where the next member is looked for.
    next: usize,
    watched: Option<(usize, usize)>,
    /// Where the value goes whose key was written last, in a map.
    value_at: usize,
}

/// Where a record ends, and where the value of its replication key stands.
pub(super) struct End {
    pub(super) at: usize,
    pub(super) watched: Option<(usize, usize)>,
}

/// What is done with a member.
enum Member {
    /// It is the column at this position.
    Column(usize),
    /// No column, and yet a part of records that may have any.
    Open(Node),
    /// Not a part of records.
    Unknown,
}

impl<'o, 'a> RecordWriter<'o, 'a> {
    /// Writes a record whose first member goes to `at`.
    #[inline]
    pub(super) fn new(output: &'o mut Output<'a>, at: usize) -> Self {
        Self {
            output,
            at,
            next: 0,
            watched: None,
            value_at: at,
        }
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failure> {
        let address = (key.as_ptr().addr(), key.len());
        let addresses = &self.output.current.addresses;
        if addresses.get(self.next) == Some(&address) {
            return self.column(self.next, value);
        }
        // Others before it were skipped.
        if let Some(position) = addresses.iter().position(|other| *other == address) {
            return self.column(position, value);
        }
        self.new_member(key, value)
    }

    /// A member whose key has not been seen yet at its address.
    #[cold]
    fn new_member<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failure> {
        let value_at = self.write_key(key)?;
        let member = self.find(value_at);
        if let Member::Column(position) = member {
            self.output.current.addresses[position] = (key.as_ptr().addr(), key.len());
        }
        self.value(&member, value_at, value)
    }

    /// Writes `"key":` where the next member goes, without counting it; returns where its value goes.
    fn write_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<usize, Failure> {
        let buffer = &mut self.output.emitter.buffer;
        let mut writer = ValueWriter { buffer, at: self.at };
        write_key(&mut writer, key)?;
        Ok(writer.buffer.put_slice(writer.at, b":"))
    }

    /// Which member the key is that was written before `value_at`.
    fn find(&self, value_at: usize) -> Member {
        let key = self.output.emitter.buffer.written(self.at, value_at);
        let current = &self.output.current;
        let columns = current.columns();
        let (before, after) = columns.split_at(self.next.min(columns.len()));
        let found = after.iter().chain(before).position(|column| *column.key == *key);
        match (found, &current.plan.node) {
            (Some(place), _) => Member::Column((before.len() + place) % columns.len()),
            (None, Node::Object { members, closed }) => {
                // The schema of a catalog may have properties that the tap's own does not list.
                let listed = members.iter().find(|member| *member.key == *key);
                let open = (!closed).then_some(Node::Keep);
                let node = listed.map_or(open, |member| member.node.clone());
                node.map_or(Member::Unknown, Member::Open)
            }
            (None, _) => Member::Open(Node::Keep),
        }
    }

    /// Writes the value of a member whose key stands before `value_at`.
    fn value<T: Serialize + ?Sized>(
        &mut self,
        member: &Member,
        value_at: usize,
        value: &T,
    ) -> Result<(), Failure> {
        let node = match member {
            Member::Column(position) => return self.column(*position, value),
            Member::Unknown => {
                self.unknown(value_at);
                return Ok(());
            }
            Member::Open(node) => node,
        };
        let output = &mut *self.output;
        let buffer = &mut output.emitter.buffer;
        let mut writer = ValueWriter { buffer, at: value_at };
        write_value(&mut writer, node, &mut output.nested, value)?;
        self.at = writer.buffer.put_slice(writer.at, b",");
        Ok(())
    }

    #[cold]
    fn unknown(&mut self, value_at: usize) {
        if !self.output.current.warned_unknown {
            let key = self.output.emitter.buffer.written(self.at, value_at);
            let key = String::from_utf8_lossy(key);
            let name = key.trim_end_matches(':').trim_matches('"').to_owned();
            self.output.warn_unknown(&name);
        }
    }

    #[inline]
    fn column<T: Serialize + ?Sized>(&mut self, position: usize, value: &T) -> Result<(), Failure> {
        self.next = position + 1;
        let output = &mut *self.output;
        let Some(lead) = output.current.leads.get(position).filter(|lead| lead.is_usual()) else {
            return self.unusual_column(position, value);
        };
        let buffer = &mut output.emitter.buffer;
        let at = buffer.put_key(self.at, lead, &[]);
        let mut writer = ValueWriter { buffer, at };
        value.serialize(&mut writer)?;
        let end = writer.at;
        writer.buffer.put(end, b",");
        self.at = end + 1;
        Ok(())
    }

    /// A column that is left out, watched or cut, or has a long name.
    #[inline(never)]
    fn unusual_column<T: Serialize + ?Sized>(&mut self, position: usize, value: &T) -> Result<(), Failure> {
        let output = &mut *self.output;
        let column = &output.current.plan.columns[position];
        if !column.selected {
            return Ok(());
        }
        let buffer = &mut output.emitter.buffer;
        // The quote that texts have is written over.
        let from = buffer.put_key(self.at, &column.lead, &column.key);
        let mut writer = ValueWriter { buffer, at: from };
        write_value(&mut writer, &column.node, &mut output.nested, value)?;
        let end = writer.at;
        writer.buffer.put(end, b",");
        self.at = end + 1;
        if output.current.watched == Some(position) {
            self.watched = Some((from, end));
        }
        Ok(())
    }
}

/// Room for a value of which a part is left out, kept so that records need none of their own.
#[derive(Debug, Default)]
pub(super) struct Nested {
    whole: Buffer,
    cut: Vec<u8>,
}

#[inline]
fn write_value<T: Serialize + ?Sized>(
    writer: &mut ValueWriter<'_>,
    node: &Node,
    nested: &mut Nested,
    value: &T,
) -> Result<(), Failure> {
    if matches!(node, Node::Keep) {
        value.serialize(writer)
    } else {
        nested.write(writer, node, value)
    }
}

impl Nested {
    /// Writes a value without the parts of it that are not selected.
    #[inline(never)]
    fn write<T: Serialize + ?Sized>(
        &mut self,
        writer: &mut ValueWriter<'_>,
        node: &Node,
        value: &T,
    ) -> Result<(), Failure> {
        let mut inner = ValueWriter {
            buffer: &mut self.whole,
            at: 0,
        };
        value.serialize(&mut inner)?;
        let end = inner.at;
        self.cut.clear();
        let copied = Cutter::default().copy(self.whole.written(0, end), node, &mut self.cut);
        copied.map_err(ser::Error::custom)?;
        writer.at = writer.buffer.put_slice(writer.at, &self.cut);
        Ok(())
    }
}

macro_rules! no_objects {
    ($($method:ident($($type:ty),*);)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<End, Failure> {
            Err(Failure::Detour)
        })*
    };
}

impl Serializer for RecordWriter<'_, '_> {
    type Ok = End;
    type Error = Failure;
    type SerializeSeq = Impossible<End, Failure>;
    type SerializeTuple = Impossible<End, Failure>;
    type SerializeTupleStruct = Impossible<End, Failure>;
    type SerializeTupleVariant = Impossible<End, Failure>;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<End, Failure>;

    no_objects! {
        serialize_bool(bool); serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64); serialize_f32(f32);
        serialize_f64(f64); serialize_char(char); serialize_str(&str); serialize_bytes(&[u8]); serialize_none();
        serialize_unit(); serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<End, Failure> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<End, Failure> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<End, Failure> {
        Err(Failure::Detour)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Failure> {
        Err(Failure::Detour)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Failure> {
        Err(Failure::Detour)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Failure> {
        Err(Failure::Detour)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Failure> {
        Err(Failure::Detour)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Failure> {
        Ok(self)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self, Failure> {
        if name == RAW {
            Err(Failure::Detour)
        } else {
            Ok(self)
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Failure> {
        Err(Failure::Detour)
    }
}

impl SerializeStruct for RecordWriter<'_, '_> {
    type Ok = End;
    type Error = Failure;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        self.member(key, value)
    }

    #[inline]
    fn end(self) -> Result<End, Failure> {
        Ok(End {
            at: self.at,
            watched: self.watched,
        })
    }
}

impl SerializeMap for RecordWriter<'_, '_> {
    type Ok = End;
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        self.value_at = self.write_key(key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let member = self.find(self.value_at);
        self.value(&member, self.value_at, value)
    }

    fn end(self) -> Result<End, Failure> {
        SerializeStruct::end(self)
    }
}
