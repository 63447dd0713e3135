//! Columns as text, for databases that have no type for their values.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::types::{Date32Type, Decimal128Type, Time64MicrosecondType, TimestampMicrosecondType};
use arrow_array::{Array as _, ArrayRef, ArrowPrimitiveType, PrimitiveArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan as _};
use melisma_engine::{Error, Result};

const MICROS_OF_DAY: i64 = 86_400_000_000;

/// The columns that `is_text` names, turned into text: `2024-01-31`, `23:59:59.000001`, `2024-01-31T23:59:59.000001Z`,
/// decimals with all digits of their scale. Text of one form compares as its values do.
pub(super) fn with_texts(batch: &RecordBatch, is_text: &[bool]) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(is_text);
    let columns = columns
        .map(|(column, is_text)| {
            if *is_text {
                text(column)
            } else {
                Ok(Arc::clone(column))
            }
        })
        .collect::<Result<_>>()?;
    RecordBatch::try_new(schema(batch.schema_ref(), is_text), columns)
        .map_err(|error| Error::bug("texts that are no columns").with_source(error))
}

/// The columns of a batch that [`with_texts`] makes.
pub(super) fn schema(of: &SchemaRef, is_text: &[bool]) -> SchemaRef {
    let fields = of
        .fields()
        .iter()
        .zip(is_text)
        .map(|(field, is_text)| match is_text {
            true => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
            false => Arc::clone(field),
        });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn text(column: &ArrayRef) -> Result<ArrayRef> {
    let any = column.as_any();
    Ok(
        if let Some(dates) = any.downcast_ref::<PrimitiveArray<Date32Type>>() {
            each(dates, |day, out| write!(out, "{}", date(i64::from(day))))
        } else if let Some(times) = any.downcast_ref::<PrimitiveArray<Time64MicrosecondType>>() {
            each(times, time)
        } else if let Some(moments) = any.downcast_ref::<PrimitiveArray<TimestampMicrosecondType>>() {
            each(moments, |micros, out| {
                write!(out, "{}T", date(micros.div_euclid(MICROS_OF_DAY)))?;
                time(micros.rem_euclid(MICROS_OF_DAY), out)?;
                out.write_char('Z')
            })
        } else if let Some(decimals) = any.downcast_ref::<PrimitiveArray<Decimal128Type>>() {
            let scale = usize::try_from(decimals.scale()).unwrap_or_default();
            each(decimals, |value, out| decimal(value, scale, out))
        } else if *column.data_type() == DataType::Utf8 {
            Arc::clone(column)
        } else {
            let found = column.data_type();
            return Err(Error::bug(format!("a column of {found} that is to be text")));
        },
    )
}

fn each<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    write: impl Fn(T::Native, &mut String) -> std::fmt::Result,
) -> ArrayRef {
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 16);
    let mut text = String::new();
    for value in array {
        match value {
            None => texts.append_null(),
            Some(value) => {
                text.clear();
                // Writing to a string does not fail.
                let _ = write(value, &mut text);
                texts.append_value(&text);
            }
        }
    }
    Arc::new(texts.finish())
}

/// The decoder accepts the years 0 to 9999, or those near them after a shift to UTC; jiff has more.
fn date(days: i64) -> Date {
    Date::constant(1970, 1, 1).saturating_add(days.days())
}

fn time(micros: i64, out: &mut String) -> std::fmt::Result {
    let time = SignedDuration::from_micros(micros);
    let seconds = time.as_secs();
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    write!(
        out,
        "{hour:02}:{minute:02}:{second:02}.{:06}",
        time.subsec_micros()
    )
}

fn decimal(value: i128, scale: usize, out: &mut String) -> std::fmt::Result {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    write!(out, "{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        Date32Array, Decimal128Array, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    };

    use super::*;

    #[test]
    fn every_value_has_one_text() {
        let decimals = Decimal128Array::from(vec![Some(-5), Some(12345), None])
            .with_precision_and_scale(10, 2)
            .expect("a decimal");
        let columns: Vec<(ArrayRef, [Option<&str>; 3])> = vec![
            (
                Arc::new(Date32Array::from(vec![Some(-719_528), None, Some(2_932_896)])),
                [Some("0000-01-01"), None, Some("9999-12-31")],
            ),
            (
                Arc::new(Time64MicrosecondArray::from(vec![
                    Some(0),
                    Some(MICROS_OF_DAY - 1),
                    None,
                ])),
                [Some("00:00:00.000000"), Some("23:59:59.999999"), None],
            ),
            (
                Arc::new(TimestampMicrosecondArray::from(vec![None, Some(-1), Some(1)])),
                [
                    None,
                    Some("1969-12-31T23:59:59.999999Z"),
                    Some("1970-01-01T00:00:00.000001Z"),
                ],
            ),
            (Arc::new(decimals), [Some("-0.05"), Some("123.45"), None]),
        ];
        for (column, expected) in columns {
            let field = Field::new("a", column.data_type().clone(), true);
            let batch =
                RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).expect("a batch");
            let texts = with_texts(&batch, &[true]).expect("texts");
            let expected: ArrayRef = Arc::new(StringArray::from(expected.to_vec()));
            assert_eq!(texts.column(0), &expected);
        }
    }
}
