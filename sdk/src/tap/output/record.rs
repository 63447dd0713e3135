//! Records from Rust values: straight into the buffer, member by member, without what is not selected.
//!
//! The members of a struct come in the order of its schema as a rule, so that each is where it is looked for. A static key is
//! known again by its address, for which its bytes need not be compared.

use melisma_engine::{Error, Result};
use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

use super::Output;
use super::buffer::Buffer;
use super::stream_state::StreamState;
use super::value::{Failure, RAW, ValueWriter, write_key};
use crate::tap::projection::cutter::Cutter;
use crate::tap::projection::schema::Node;

impl Output<'_> {
    /// Writes one record: what is not selected is left out, a number that JSON does not have becomes null.
    ///
    /// It must serialize as an object: a struct, a map, a [`serde_json::Value`] that is one.
    /// [`row`](Self::row) is for a source that has columns and no structs.
    ///
    /// ```
    /// use melisma_sdk::{Record, Stream, json, tap};
    ///
    /// #[derive(Record)]
    /// struct Point {
    ///     x: f64,
    ///     y: f64,
    /// }
    ///
    /// let points = Stream::of::<Point>("points").sync(|output| {
    ///     output.record(&Point { x: 0.5, y: f64::NAN })?;
    ///     output.record(&json!({"x": 1, "y": 2}))
    /// });
    /// let messages = tap::test_stream(points, "")?;
    /// assert_eq!(messages[1]["record"], json!({"x": 0.5, "y": null}));
    /// assert_eq!(messages[2]["record"], json!({"x": 1, "y": 2}));
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    pub fn record(&mut self, record: &(impl Serialize + ?Sized)) -> Result<()> {
        self.begin();
        if self.current.silent {
            return self.skip_record();
        }
        let written = self.check_failed().and_then(|()| self.try_record(record));
        self.failed |= written.is_err();
        written.map_err(|error| error.in_stream(&self.current.name))
    }

    /// Writes one record that is JSON already, a text of one line; what is not selected is left out.
    ///
    /// ```
    /// use melisma_sdk::{Stream, json, tap};
    ///
    /// let file = "{\"id\": 1}\n{\"id\": 2, \"more\": true}\n";
    /// let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    /// let lines = Stream::new("lines", schema);
    /// let messages = tap::test_stream(lines.sync(|output| file.lines().try_for_each(|line| output.json(line))), "")?;
    /// assert_eq!(messages[2]["record"], json!({"id": 2}));
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    ///
    /// With the feature `simd-json`, JSON of any shape is parsed fast and written as it is: a value of
    #[cfg_attr(feature = "simd-json", doc = "[`simd_json`](crate::simd_json)")]
    #[cfg_attr(not(feature = "simd-json"), doc = "`simd_json`")]
    /// is a [`record`](Self::record).
    pub fn json(&mut self, record: &str) -> Result<()> {
        self.begin();
        if self.current.silent {
            return self.skip_record();
        }
        let written = self.check_failed().and_then(|()| self.cut(record.as_bytes()));
        self.failed |= written.is_err();
        written.map_err(|error| error.in_stream(&self.current.name))
    }

    #[inline]
    fn try_record(&mut self, record: &(impl Serialize + ?Sized)) -> Result<()> {
        let at = self.emitter.begin_row(&self.current.head);
        let writer = RecordWriter {
            output: self,
            at,
            next: 0,
            watched: None,
            value_at: at,
        };
        match record.serialize(writer) {
            Ok(End { at, watched }) => self.end_record(at, watched),
            Err(Failure::Said(why)) => Err(unwritable(why)),
            Err(Failure::Detour) => {
                let text = serde_json::to_vec(record).map_err(unwritable)?;
                self.cut(&text)
            }
        }
    }

    /// Writes a record from its JSON text.
    fn cut(&mut self, text: &[u8]) -> Result<()> {
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(Error::bug("a record must be an object"));
        }
        let start = self.emitter.buffer.len();
        self.emitter.begin_record(&self.current.head);
        let StreamState {
            plan,
            cutter,
            progress,
            ..
        } = &mut self.current;
        cutter.found = None;
        let copied = self
            .emitter
            .buffer
            .append(|out| cutter.copy(text, &plan.node, out));
        let seen = copied.and_then(|()| match (progress, cutter.found) {
            (Some(progress), Some((from, to))) => progress.see(self.emitter.buffer.written(from, to)),
            _ => Ok(()),
        });
        if seen.is_err() {
            self.emitter.buffer.truncate(start);
            return seen;
        }
        self.emitter.end_record();
        if !self.current.warned_unknown
            && let Some(name) = self.current.cutter.unknown.take()
        {
            self.warn_unknown(&name);
        }
        self.after_record()
    }

    /// Ends the record whose members end at `at`, each with a comma; `watched` is where the replication key's value stands.
    #[inline]
    pub(super) fn end_record(&mut self, mut at: usize, watched: Option<(usize, usize)>) -> Result<()> {
        let buffer = &mut self.emitter.buffer;
        // The last member's comma becomes the closing brace.
        at -= usize::from(buffer.written(at - 1, at) == b",");
        buffer.put(at, b"}");
        if let (Some((from, to)), Some(progress)) = (watched, &mut self.current.progress) {
            progress.see(buffer.written(from, to))?;
        }
        self.emitter.end_row(at + 1);
        self.after_record()
    }

    #[cold]
    fn warn_unknown(&mut self, name: &str) {
        self.current.warned_unknown = true;
        let stream = &*self.current.name;
        log::warn!(stream_name = stream; "stream {stream}: property {name} is not in the schema and is left out");
    }
}

#[cold]
fn unwritable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::input("a record cannot be written as JSON").with_source(why)
}

/// Writes the members of one record.
struct RecordWriter<'o, 'a> {
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
struct End {
    at: usize,
    watched: Option<(usize, usize)>,
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

impl RecordWriter<'_, '_> {
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
        let column = &output.current.plan.columns[position];
        if !column.selected {
            return Ok(());
        }
        let buffer = &mut output.emitter.buffer;
        // The quote that texts have is written over.
        let from = buffer.put_padded(self.at, &column.text_key) - 1;
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
    if *node == Node::Keep {
        value.serialize(writer)
    } else {
        nested.write(writer, node, value)
    }
}

impl Nested {
    /// Writes a value without the parts of it that are not selected.
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
