//! The kind of a column's type: how the server sends its values and how they are decoded.

use std::collections::HashMap;

/// A type as it is read. What has no reader of its own is read as the text that the server makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric {
        /// Precision and scale, where the column limits them.
        limits: Option<(u32, u32)>,
    },
    Text {
        /// The most characters, where the column limits them.
        length: Option<u32>,
    },
    Bytes,
    Uuid,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
    Json,
    Jsonb,
    Network,
    Mac,
    Bits,
    Hstore,
    /// The items, and how deep the column was declared (at least 1).
    Array(Box<Kind>, u32),
    /// Any other: cast to text in the query.
    Other,
}

/// One row of `pg_type`.
#[derive(Clone, Debug)]
pub(crate) struct TypeRow {
    pub(crate) name: String,
    /// `typtype`: b, c, d, e, m, p or r.
    pub(crate) class: String,
    /// The type under a domain, its modifier and how deep it is declared as an array.
    pub(crate) base: u32,
    pub(crate) base_modifier: i32,
    pub(crate) base_dimensions: i32,
    /// The items of a true array; 0 for others.
    pub(crate) item: u32,
}

/// All types of the database but those of the tables' rows, by OID.
pub(crate) type Types = HashMap<u32, TypeRow>;

/// A domain over a domain over a domain: more than this many are a broken catalog.
const DEEPEST: u32 = 64;

impl Kind {
    /// The kind of a column of this type.
    pub(crate) fn of(oid: u32, modifier: i32, dimensions: i32, types: &Types) -> Self {
        Self::resolve(oid, modifier, dimensions, types, 0)
    }

    fn resolve(oid: u32, modifier: i32, dimensions: i32, types: &Types, depth: u32) -> Self {
        if let Some(kind) = Self::built_in(oid, modifier) {
            return kind;
        }
        let Some(row) = types.get(&oid).filter(|_| depth < DEEPEST) else {
            return Self::Other;
        };
        if row.item != 0 {
            let item = Self::resolve(row.item, modifier, 0, types, depth + 1);
            return Self::Array(Box::new(item), u32::try_from(dimensions).unwrap_or(0).max(1));
        }
        match (row.class.as_str(), row.name.as_str()) {
            ("d", _) => {
                let dimensions = dimensions.max(row.base_dimensions);
                Self::resolve(row.base, row.base_modifier, dimensions, types, depth + 1)
            }
            ("e", _) => Self::Text { length: None },
            // Types of extensions have no fixed OID.
            ("b", "citext") => Self::Text { length: None },
            ("b", "hstore") => Self::Hstore,
            _ => Self::Other,
        }
    }

    /// The types that every database has under the same OID (`pg_type.dat`).
    fn built_in(oid: u32, modifier: i32) -> Option<Self> {
        let kind = match oid {
            16 => Self::Bool,
            17 => Self::Bytes,
            // "char", name, text
            18 | 19 | 25 => Self::Text { length: None },
            20 => Self::Int8,
            21 => Self::Int2,
            23 => Self::Int4,
            26 => Self::Oid,
            114 => Self::Json,
            // cidr, inet
            650 | 869 => Self::Network,
            700 => Self::Float4,
            701 => Self::Float8,
            // macaddr8, macaddr
            774 | 829 => Self::Mac,
            // char(n), varchar(n): the modifier counts a header of four bytes, too.
            1042 | 1043 => Self::Text {
                length: u32::try_from(modifier - 4).ok(),
            },
            1082 => Self::Date,
            1083 => Self::Time,
            1114 => Self::Timestamp,
            1184 => Self::TimestampTz,
            1186 => Self::Interval,
            1266 => Self::TimeTz,
            // bit, varbit
            1560 | 1562 => Self::Bits,
            1700 => Self::Numeric {
                limits: numeric_limits(modifier),
            },
            2950 => Self::Uuid,
            3802 => Self::Jsonb,
            _ => return None,
        };
        Some(kind)
    }

    /// Whether it is read as the server's text, itself or its items.
    pub(crate) fn cast(&self) -> Option<&'static str> {
        match self {
            Self::Other => Some("::text"),
            Self::Array(item, _) if item.cast().is_some() => Some("::text[]"),
            _ => None,
        }
    }
}

/// Precision and scale of `numeric(p,s)` from its modifier. A scale below 0 or above the precision, which PostgreSQL 15
/// allows, is no limit that other databases know.
fn numeric_limits(modifier: i32) -> Option<(u32, u32)> {
    let packed = u32::try_from(modifier.checked_sub(4)?).ok()?;
    let (precision, scale) = (packed >> 16, packed & 0x7ff);
    (scale <= precision).then_some((precision, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, class: &str, base: u32, item: u32) -> TypeRow {
        TypeRow {
            name: name.into(),
            class: class.into(),
            base,
            base_modifier: (10 << 16 | 2) + 4,
            base_dimensions: 0,
            item,
        }
    }

    fn types() -> Types {
        [
            (1007, row("_int4", "b", 0, 23)),
            (9001, row("price", "d", 1700, 0)),
            (9002, row("_price", "b", 0, 9001)),
            (9003, row("mood", "e", 0, 0)),
            (9004, row("_mood", "b", 0, 9003)),
            (9005, row("pair", "c", 0, 0)),
            (9006, row("_pair", "b", 0, 9005)),
            (9007, row("loop", "d", 9007, 0)),
        ]
        .into()
    }

    #[test]
    fn domains_are_their_base_and_arrays_know_their_items() {
        let of = |oid| Kind::of(oid, -1, 2, &types());
        let price = Kind::Numeric {
            limits: Some((10, 2)),
        };
        assert_eq!(of(1007), Kind::Array(Box::new(Kind::Int4), 2));
        assert_eq!(of(9001), price);
        assert_eq!(of(9002), Kind::Array(Box::new(price), 2));
        assert_eq!(of(9004), Kind::Array(Box::new(Kind::Text { length: None }), 2));
        assert_eq!(of(9007), Kind::Other);
        assert_eq!(of(4_000_000_000), Kind::Other);
    }

    #[test]
    fn what_has_no_reader_is_cast_to_text() {
        let cast = |oid| Kind::of(oid, -1, 0, &types()).cast();
        assert_eq!(cast(1007), None);
        assert_eq!(cast(9005), Some("::text"));
        assert_eq!(cast(9006), Some("::text[]"));
    }

    #[test]
    fn modifiers_are_limits() {
        let numeric = |modifier| Kind::of(1700, modifier, 0, &types());
        assert_eq!(numeric(-1), Kind::Numeric { limits: None });
        assert_eq!(
            numeric((38 << 16 | 9) + 4),
            Kind::Numeric {
                limits: Some((38, 9))
            }
        );
        // numeric(3,-2): the scale is two's complement in eleven bits.
        assert_eq!(numeric((3 << 16 | 0x7fe) + 4), Kind::Numeric { limits: None });
        assert_eq!(Kind::of(1043, 14, 0, &types()), Kind::Text { length: Some(10) });
        assert_eq!(Kind::of(1043, -1, 0, &types()), Kind::Text { length: None });
    }
}
