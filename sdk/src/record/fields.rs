//! Types of Rust, of `serde_json`, `rust_decimal` and `uuid` as properties.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value, json};

use super::Field;
use super::private::Written;

/// Types that serde writes as they should be.
macro_rules! plain {
    ($($type:ty => $schema:expr;)*) => {
        $(impl Field for $type {
            fn schema() -> Value {
                $schema
            }

            #[inline]
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }
        })*
    };
}

/// Bounds tell a target how wide its column must be; without them it has 64 bits.
fn integer(minimum: impl Into<Value>, maximum: impl Into<Value>) -> Value {
    json!({"type": "integer", "minimum": minimum.into(), "maximum": maximum.into()})
}

/// JSON has no bounds of 128 bits: those of a double are as good, which say that 64 bits are not enough.
const TWO_TO_127: f64 = 1.701_411_834_604_692_3e38;

plain! {
    bool => json!({"type": "boolean"});
    i8 => integer(i8::MIN, i8::MAX);
    i16 => integer(i16::MIN, i16::MAX);
    i32 => integer(i32::MIN, i32::MAX);
    i64 => json!({"type": "integer"});
    isize => json!({"type": "integer"});
    i128 => integer(-TWO_TO_127, TWO_TO_127);
    u8 => integer(0, u8::MAX);
    u16 => integer(0, u16::MAX);
    u32 => integer(0, u32::MAX);
    u64 => integer(0, u64::MAX);
    usize => integer(0, u64::MAX);
    u128 => integer(0, 2.0 * TWO_TO_127);
    f32 => json!({"type": "number"});
    f64 => json!({"type": "number"});
    char => json!({"type": "string"});
    str => json!({"type": "string"});
    String => json!({"type": "string"});
    Value => json!({});
    Map<String, Value> => json!({"type": "object", "additionalProperties": true});
}

/// Types that stand for another.
macro_rules! same {
    ($($type:ty: [$($generics:tt)*];)*) => {
        $(impl<$($generics)*> Field for $type {
            const NULLABLE: bool = T::NULLABLE;

            fn schema() -> Value {
                T::schema()
            }

            #[inline]
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                (**self).write(serializer)
            }
        })*
    };
}

same! {
    &T: [T: Field + ?Sized];
    Box<T>: [T: Field + ?Sized];
    Rc<T>: [T: Field + ?Sized];
    Arc<T>: [T: Field + ?Sized];
    Cow<'_, T>: [T: Field + ToOwned + ?Sized];
}

/// Types that are lists.
macro_rules! lists {
    ($($type:ty: [$($generics:tt)*];)*) => {
        $(impl<T: Field, $($generics)*> Field for $type {
            fn schema() -> Value {
                json!({"type": "array", "items": T::schema()})
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut items = serializer.serialize_seq(Some(self.len()))?;
                for item in self {
                    items.serialize_element(&Written(item))?;
                }
                items.end()
            }
        })*
    };
}

lists! {
    [T]: [];
    [T; N]: [const N: usize];
    Vec<T>: [];
    BTreeSet<T>: [];
    HashSet<T, H>: [H];
}

/// Types that are maps.
macro_rules! maps {
    ($($type:ty: [$($generics:tt)*];)*) => {
        $(impl<K: Serialize, V: Field, $($generics)*> Field for $type {
            fn schema() -> Value {
                json!({"type": "object", "additionalProperties": V::schema()})
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(self.len()))?;
                for (key, value) in self {
                    map.serialize_entry(key, &Written(value))?;
                }
                map.end()
            }
        })*
    };
}

maps! {
    BTreeMap<K, V>: [];
    HashMap<K, V, H>: [H: BuildHasher];
}

/// A number by all its digits.
#[cfg(feature = "rust_decimal")]
impl Field for rust_decimal::Decimal {
    fn schema() -> Value {
        json!({"type": "number"})
    }

    #[inline]
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        super::short::digits(self, serializer)
    }
}

#[cfg(feature = "uuid")]
impl Field for uuid::Uuid {
    fn schema() -> Value {
        json!({"type": "string", "format": "uuid"})
    }

    #[inline]
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        serializer.serialize_str(self.hyphenated().encode_lower(&mut buffer))
    }
}
