//! JSON values from Rust values, written at a cursor into the buffer.
//!
//! The text is that of `serde_json`, which the tests hold it against. It is faster because nothing is written twice and short
//! pieces are copied by fixed lengths: copying the exact number of bytes costs a mispredicted branch on that number.

use std::fmt;

use serde::ser::{self, Serialize, Serializer};

use super::buffer::Buffer;
use crate::record::DIGITS;

/// Writes one value; where it ends is in `at`.
pub(super) struct ValueWriter<'b> {
    pub(super) buffer: &'b mut Buffer,
    pub(super) at: usize,
}

/// Why a value could not be written.
#[derive(Debug)]
pub(super) enum Failure {
    /// Its `Serialize` says so.
    Said(String),
    /// It is written by other means: it is no struct or map, or `serde_json` treats it in a way of its own.
    Detour,
}

/// The name under which `serde_json` passes on JSON that stays as it is.
pub(super) const RAW: &str = "$serde_json::private::RawValue";

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(message) => f.write_str(message),
            Self::Detour => f.write_str("it has to be written by serde_json"),
        }
    }
}

impl std::error::Error for Failure {}

impl ser::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Said(message.to_string())
    }
}

impl ValueWriter<'_> {
    #[inline]
    fn literal<const N: usize>(&mut self, text: &[u8; N]) {
        self.buffer.put(self.at, text);
        self.at += N;
    }

    #[inline]
    fn digits(&mut self, digits: &str) {
        self.at = self.buffer.put_short(self.at, digits.as_bytes());
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.at = self.buffer.put_quoted(self.at, text);
    }

    /// `{"variant":`
    fn open_variant(&mut self, variant: &str) {
        self.literal(b"{");
        self.text(variant);
        self.literal(b":");
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty),*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<(), Failure> {
                self.digits(itoa::Buffer::new().format(value));
                Ok(())
            }
        )*
    };
}

impl<'w, 'b> Serializer for &'w mut ValueWriter<'b> {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Items<'w, 'b>;
    type SerializeTuple = Items<'w, 'b>;
    type SerializeTupleStruct = Items<'w, 'b>;
    type SerializeTupleVariant = Items<'w, 'b>;
    type SerializeMap = Items<'w, 'b>;
    type SerializeStruct = Items<'w, 'b>;
    type SerializeStructVariant = Items<'w, 'b>;

    integers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    );

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Failure> {
        self.digits(if value { "true" } else { "false" });
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), Failure> {
        if value.is_finite() {
            self.digits(zmij::Buffer::new().format_finite(value));
            return Ok(());
        }
        self.serialize_unit()
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), Failure> {
        if value.is_finite() {
            self.digits(zmij::Buffer::new().format_finite(value));
            return Ok(());
        }
        self.serialize_unit()
    }

    fn serialize_char(self, value: char) -> Result<(), Failure> {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Failure> {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Failure> {
        self.collect_seq(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Failure> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failure> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Failure> {
        self.literal(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failure> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Failure> {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        if name != DIGITS {
            return value.serialize(self);
        }
        // The digits came as a text: its quotes go.
        let start = self.at;
        value.serialize(&mut *self)?;
        self.at = self.buffer.unquote(start, self.at);
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        self.open_variant(variant);
        value.serialize(&mut *self)?;
        self.literal(b"}");
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'w, 'b>, Failure> {
        Ok(Items::open(self, *b"[", b"]"))
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Items<'w, 'b>, Failure> {
        Ok(Items::open(self, *b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'w, 'b>, Failure> {
        Ok(Items::open(self, *b"[", b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'w, 'b>, Failure> {
        self.open_variant(variant);
        Ok(Items::open(self, *b"[", b"]}"))
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Items<'w, 'b>, Failure> {
        Ok(Items::open(self, *b"{", b"}"))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Items<'w, 'b>, Failure> {
        if name == RAW {
            return Err(Failure::Detour);
        }
        Ok(Items::open(self, *b"{", b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'w, 'b>, Failure> {
        self.open_variant(variant);
        Ok(Items::open(self, *b"{", b"}}"))
    }
}

/// The items of a list, or the members of an object.
pub(super) struct Items<'w, 'b> {
    writer: &'w mut ValueWriter<'b>,
    empty: bool,
    close: &'static [u8],
}

impl<'w, 'b> Items<'w, 'b> {
    #[inline]
    fn open(writer: &'w mut ValueWriter<'b>, open: [u8; 1], close: &'static [u8]) -> Self {
        writer.literal(&open);
        Self {
            writer,
            empty: true,
            close,
        }
    }

    #[inline]
    fn next(&mut self) {
        if !self.empty {
            self.writer.literal(b",");
        }
        self.empty = false;
    }

    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        self.next();
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failure> {
        self.next();
        self.writer.text(key);
        self.writer.literal(b":");
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn close(self) {
        self.writer.at = self.writer.buffer.put_short(self.writer.at, self.close);
    }
}

/// Writes the key of a map as a string: a number or a boolean gets quotes, as in `serde_json`.
pub(super) fn write_key<T: Serialize + ?Sized>(writer: &mut ValueWriter<'_>, key: &T) -> Result<(), Failure> {
    let start = writer.at;
    key.serialize(&mut *writer)?;
    let text = writer.buffer.written(start, writer.at);
    match text.first() {
        Some(b'"') => Ok(()),
        Some(b'{' | b'[' | b'n') | None => Err(ser::Error::custom("the key of a map must be a string")),
        Some(_) => {
            let text = text.to_vec();
            writer.at = start;
            writer.literal(b"\"");
            writer.at = writer.buffer.put_slice(writer.at, &text);
            writer.literal(b"\"");
            Ok(())
        }
    }
}

macro_rules! items {
    ($($trait:ident: $method:ident),*) => {
        $(impl ser::$trait for Items<'_, '_> {
            type Ok = ();
            type Error = Failure;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
                self.item(value)
            }

            #[inline]
            fn end(self) -> Result<(), Failure> {
                self.close();
                Ok(())
            }
        })*
    };
}

items!(
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

impl ser::SerializeMap for Items<'_, '_> {
    type Ok = ();
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        self.next();
        write_key(self.writer, key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        self.writer.literal(b":");
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Failure> {
        self.close();
        Ok(())
    }
}

macro_rules! members {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Items<'_, '_> {
            type Ok = ();
            type Error = Failure;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failure> {
                self.member(key, value)
            }

            #[inline]
            fn end(self) -> Result<(), Failure> {
                self.close();
                Ok(())
            }
        })*
    };
}

members!(SerializeStruct, SerializeStructVariant);
