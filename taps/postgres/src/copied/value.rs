//! Whether the target may see a value of the binary format as it is.

use melisma_sdk::internal::copied::{Kind, Numeric};

use super::field::{Field, Look, is_json_null};

/// The days of the years 1 to 9999, counted from 2000-01-01.
const DAYS: std::ops::Range<i32> = -730_119..2_921_940;
const DAY: i64 = 86_400_000_000;

impl Field {
    /// The same as [`is_plain`](Field::is_plain) of a value that is not null.
    #[inline]
    pub(super) fn is_plain_value(&self, value: &[u8]) -> bool {
        match self.look {
            Look::Nothing => true,
            Look::Special => match self.kind {
                Kind::Float4 => fixed(value).is_some_and(|bytes| f32::from_be_bytes(bytes).is_finite()),
                Kind::Float8 => fixed(value).is_some_and(|bytes| f64::from_be_bytes(bytes).is_finite()),
                _ => !Numeric::is_special(value),
            },
            Look::Far if self.kind == Kind::Date => {
                fixed(value).is_some_and(|bytes| DAYS.contains(&i32::from_be_bytes(bytes)))
            }
            Look::Far => {
                let range = i64::from(DAYS.start) * DAY..i64::from(DAYS.end) * DAY;
                fixed(value).is_some_and(|bytes| range.contains(&i64::from_be_bytes(bytes)))
            }
            Look::Null => !is_json_null(value),
            // What the text format escapes, and the escapes of JSON.
            Look::Json => !value.iter().any(|byte| *byte == b'\\' || *byte < b' ') && !is_json_null(value),
        }
    }
}

fn fixed<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    value.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Values;
    use crate::discovery::Column;
    use crate::kind::Kind as Type;

    #[test]
    fn values_are_plain_where_their_texts_are() {
        let numeric = |sign: u8| [0, 0, 0, 0, sign, 0, 0, 0];
        let micros = |days: i64| (days * DAY).to_be_bytes();
        for (kind, copied, plain, others) in [
            (
                Type::Numeric { limits: None },
                Kind::Numeric { limits: None },
                vec![numeric(0).to_vec(), numeric(0x40).to_vec()],
                vec![
                    numeric(0xC0).to_vec(),
                    numeric(0xD0).to_vec(),
                    numeric(0xF0).to_vec(),
                ],
            ),
            (
                Type::Float8,
                Kind::Float8,
                vec![0_f64.to_be_bytes().to_vec(), f64::MAX.to_be_bytes().to_vec()],
                vec![
                    f64::NAN.to_be_bytes().to_vec(),
                    f64::INFINITY.to_be_bytes().to_vec(),
                ],
            ),
            (
                Type::Float4,
                Kind::Float4,
                vec![f32::MIN.to_be_bytes().to_vec()],
                vec![f32::NEG_INFINITY.to_be_bytes().to_vec()],
            ),
            (
                Type::Date,
                Kind::Date,
                vec![
                    (-730_119_i32).to_be_bytes().to_vec(),
                    2_921_939_i32.to_be_bytes().to_vec(),
                ],
                vec![
                    (-730_120_i32).to_be_bytes().to_vec(),
                    i32::MAX.to_be_bytes().to_vec(),
                ],
            ),
            (
                Type::Timestamp,
                Kind::Timestamp,
                vec![micros(-730_119).to_vec(), micros(2_921_939).to_vec()],
                vec![micros(2_921_940).to_vec(), i64::MIN.to_be_bytes().to_vec()],
            ),
            (
                Type::Jsonb,
                Kind::Json,
                vec![b"{\"a\": \"\\n\"}".to_vec()],
                vec![b"null".to_vec()],
            ),
            (
                Type::Json,
                Kind::Json,
                vec![b"{\"a\": 1}".to_vec()],
                vec![b" null".to_vec(), b"\"\\n\"".to_vec(), b"[1,\n2]".to_vec()],
            ),
        ] {
            let column = Column {
                name: "c".to_owned(),
                kind,
                sql_type: String::new(),
                nullable: true,
                comment: None,
            };
            let field = Field::new(&column, copied, &Values::default());
            for (values, expected) in [(plain, true), (others, false)] {
                for value in values {
                    assert_eq!(field.is_plain_value(&value), expected, "{copied:?} {value:?}");
                }
            }
        }
    }
}
