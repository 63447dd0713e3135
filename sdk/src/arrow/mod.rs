//! The Arrow types of columnar batches, in the version that melisma is built with, and Arrow columns as values of records.
//!
//! A tap whose source has Arrow batches says with [`json_schema`] what each column becomes, and writes the cells of a batch
//! with [`Cells`]: straight into the records, without a value of JSON in between.
#![cfg_attr(
    feature = "tap",
    doc = r#"

```
use std::sync::Arc;

use melisma_sdk::arrow::array::{ArrayRef, Decimal128Array, RecordBatch};
use melisma_sdk::arrow::{Cells, ValueOptions, json_schema};
use melisma_sdk::{Stream, json, tap};

let prices = Decimal128Array::from(vec![Some(1250), None]).with_precision_and_scale(10, 2)?;
let batch = RecordBatch::try_from_iter_with_nullable([("price", Arc::new(prices) as ArrayRef, true)])?;

let options = ValueOptions::default();
let schema = batch.schema();
let properties = [("price".to_owned(), json_schema(schema.field(0), options)?)];
let properties = json!(std::collections::BTreeMap::from(properties));
let stream = Stream::new("items", json!({"type": "object", "properties": properties}));
let stream = stream.sync(|output| {
    let price = Cells::new(batch.column(0), schema.field(0), options)?;
    (0..batch.num_rows()).try_for_each(|row| {
        let mut record = output.row();
        price.write(row, &mut record)?;
        record.end()
    })
});
let messages = tap::test_stream(stream, "")?;
assert_eq!(messages[0]["schema"]["properties"]["price"], json!({"type": ["number", "null"]}));
assert_eq!(messages[1]["record"], json!({"price": 12.50}));
assert_eq!(messages[2]["record"], json!({"price": null}));
# Ok::<(), Box<dyn std::error::Error>>(())
```
"#
)]

#[cfg(feature = "tap")]
mod cells;
#[cfg(feature = "tap")]
mod digits;
#[cfg(feature = "tap")]
mod moments;
#[cfg(feature = "tap")]
mod options;
#[cfg(feature = "tap")]
mod property;
#[cfg(feature = "tap")]
mod texts;

pub use arrow_array as array;
pub use arrow_schema as schema;

#[cfg(feature = "tap")]
pub use cells::Cells;
#[cfg(feature = "tap")]
pub use moments::write_date;
#[cfg(feature = "tap")]
pub use options::{InvalidDates, ValueOptions};
#[cfg(feature = "tap")]
pub use property::json_schema;
