//! Columns of dates, times, date-times, durations and intervals.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, IntervalDayTimeType, IntervalMonthDayNanoType,
    IntervalYearMonthType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{Array, PrimitiveArray};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};

use crate::arrow::moments::{self, Done, Fraction};
use crate::arrow::options::ValueOptions;

const DAY_MILLIS: i64 = 86_400_000;

/// The values of a column by their type; a count with how many of them are a second.
pub(super) enum Moments<'b> {
    Date32(&'b PrimitiveArray<Date32Type>),
    Date64(&'b PrimitiveArray<Date64Type>),
    Time32(&'b [i32], i64),
    Time64(&'b [i64], i64),
    Timestamp(&'b [i64], i64),
    Duration(&'b [i64], i64),
    YearMonth(&'b PrimitiveArray<IntervalYearMonthType>),
    DayTime(&'b PrimitiveArray<IntervalDayTimeType>),
    MonthDayNano(&'b PrimitiveArray<IntervalMonthDayNanoType>),
}

/// The counts of a column.
fn counts<T: ArrowPrimitiveType>(column: &dyn Array) -> &[T::Native] {
    column.as_primitive::<T>().values()
}

impl<'b> Moments<'b> {
    /// Those of a column that has one of these types.
    pub(super) fn of(column: &'b dyn Array) -> Self {
        match column.data_type() {
            DataType::Date64 => Self::Date64(column.as_primitive()),
            DataType::Time32(TimeUnit::Second) => Self::Time32(counts::<Time32SecondType>(column), 1),
            DataType::Time32(_) => Self::Time32(counts::<Time32MillisecondType>(column), 1_000),
            DataType::Time64(TimeUnit::Microsecond) => {
                Self::Time64(counts::<Time64MicrosecondType>(column), 1_000_000)
            }
            DataType::Time64(_) => Self::Time64(counts::<Time64NanosecondType>(column), 1_000_000_000),
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => Self::Timestamp(counts::<TimestampSecondType>(column), 1),
                TimeUnit::Millisecond => Self::Timestamp(counts::<TimestampMillisecondType>(column), 1_000),
                TimeUnit::Microsecond => {
                    Self::Timestamp(counts::<TimestampMicrosecondType>(column), 1_000_000)
                }
                TimeUnit::Nanosecond => {
                    Self::Timestamp(counts::<TimestampNanosecondType>(column), 1_000_000_000)
                }
            },
            DataType::Duration(unit) => match unit {
                TimeUnit::Second => Self::Duration(counts::<DurationSecondType>(column), 1),
                TimeUnit::Millisecond => Self::Duration(counts::<DurationMillisecondType>(column), 1_000),
                TimeUnit::Microsecond => Self::Duration(counts::<DurationMicrosecondType>(column), 1_000_000),
                TimeUnit::Nanosecond => {
                    Self::Duration(counts::<DurationNanosecondType>(column), 1_000_000_000)
                }
            },
            DataType::Interval(IntervalUnit::YearMonth) => Self::YearMonth(column.as_primitive()),
            DataType::Interval(IntervalUnit::DayTime) => Self::DayTime(column.as_primitive()),
            DataType::Interval(IntervalUnit::MonthDayNano) => Self::MonthDayNano(column.as_primitive()),
            _ => Self::Date32(column.as_primitive()),
        }
    }

    /// Appends a value that is not null.
    #[inline]
    pub(super) fn append(&self, row: usize, options: ValueOptions, out: &mut Vec<u8>) -> Done {
        match self {
            Self::Date32(days) => moments::date(days.value(row).into(), options, out),
            Self::Date64(millis) => moments::date(millis.value(row).div_euclid(DAY_MILLIS), options, out),
            Self::Time32(counts, a_second) => time(counts[row].into(), *a_second, out),
            Self::Time64(counts, a_second) => time(counts[row], *a_second, out),
            Self::Timestamp(counts, a_second) => timestamp(counts[row], *a_second, options, out),
            Self::Duration(counts, a_second) => {
                let nanos = i128::from(counts[row]) * i128::from(1_000_000_000 / a_second);
                moments::interval(0, 0, nanos, out);
                Ok(())
            }
            Self::YearMonth(months) => {
                moments::interval(months.value(row), 0, 0, out);
                Ok(())
            }
            Self::DayTime(values) => {
                let value = values.value(row);
                moments::interval(0, value.days, i128::from(value.milliseconds) * 1_000_000, out);
                Ok(())
            }
            Self::MonthDayNano(values) => {
                let value = values.value(row);
                moments::interval(value.months, value.days, value.nanoseconds.into(), out);
                Ok(())
            }
        }
    }
}

fn time(count: i64, a_second: i64, out: &mut Vec<u8>) -> Done {
    moments::time(count.saturating_mul(1_000_000_000 / a_second), out)
}

#[inline]
fn timestamp(count: i64, a_second: i64, options: ValueOptions, out: &mut Vec<u8>) -> Done {
    let moment = (
        count.div_euclid(a_second),
        count.rem_euclid(a_second) * (1_000_000_000 / a_second),
    );
    let fraction = if a_second == 1_000_000_000 {
        Fraction::Nanos
    } else {
        Fraction::Micros
    };
    moments::timestamp(moment, fraction, options, out)
}
