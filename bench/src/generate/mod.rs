//! Streams made from a seed: the same bytes in every run, on every machine.
//!
//! A [`Shape`] says what the records look like, and a [`Recipe`] how many there are. [`Recipe::write`] makes Singer
//! messages as singer-sdk writes them (compact, one STATE for every 10,000 records) or a CSV file.

mod row;
mod seed;
mod shapes;
mod shop;
mod stream;
mod tpch;

use std::io::Write;

use melisma_sdk::{Error, Kind, Result};

use stream::Writer;

/// What the records look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A table of TPC-H.
    Tpch(Table),
    /// Two columns: an integer and a number.
    Narrow,
    /// 150 columns, of which a record has few values, some nulls, and lacks the others.
    Wide,
    /// Objects in objects, and lists of objects.
    Nested,
    /// Two short columns and a text of 1 to 8 KB.
    Text,
    /// Text of many scripts.
    Unicode,
    /// Many streams that take turns.
    Streams,
    /// Changes of the same keys again and again, with a STATE after every 1,000 of them.
    Changes,
}

/// A table of TPC-H.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// 25 nations.
    Nation,
    /// 5 regions.
    Region,
    /// 10,000 rows at scale 1.
    Supplier,
    /// 150,000 rows at scale 1.
    Customer,
    /// 200,000 rows at scale 1.
    Part,
    /// 800,000 rows at scale 1.
    Partsupp,
    /// 1,500,000 rows at scale 1.
    Orders,
    /// Six million rows at scale 1.
    Lineitem,
}

impl Shape {
    /// Every shape with its name and what it is, in the order of the help.
    pub const ALL: [(&str, Self, &str); 15] = [
        (
            "lineitem",
            Self::Tpch(Table::Lineitem),
            "TPC-H: 16 columns of integers, numbers, dates and short text",
        ),
        ("orders", Self::Tpch(Table::Orders), "TPC-H: 9 columns"),
        ("customer", Self::Tpch(Table::Customer), "TPC-H: 8 columns"),
        ("part", Self::Tpch(Table::Part), "TPC-H: 9 columns"),
        ("partsupp", Self::Tpch(Table::Partsupp), "TPC-H: 5 columns"),
        ("supplier", Self::Tpch(Table::Supplier), "TPC-H: 7 columns"),
        ("nation", Self::Tpch(Table::Nation), "TPC-H: 25 rows"),
        ("region", Self::Tpch(Table::Region), "TPC-H: 5 rows"),
        ("narrow", Self::Narrow, "An integer and a number"),
        ("wide", Self::Wide, "150 columns, most of them null or absent"),
        ("nested", Self::Nested, "Objects in objects, and lists of objects"),
        ("text", Self::Text, "A text of 1 to 8 KB in each record"),
        ("unicode", Self::Unicode, "Short texts in many scripts"),
        ("streams", Self::Streams, "100 streams that take turns"),
        (
            "changes",
            Self::Changes,
            "Changes of the same keys again and again, in the order of their time",
        ),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, shape, _)| *shape == self)
            .map_or("", |(name, ..)| name)
    }

    /// The shape of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(_, shape, _)| *shape)
    }
}

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Singer messages, one a line.
    #[default]
    Singer,
    /// A header and rows; what is nested is JSON in a field.
    Csv,
}

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// What the records look like.
    pub shape: Shape,
    /// How many. `None` is all rows of a TPC-H table at `scale`, and [`Recipe::ROWS`] of any other shape.
    pub rows: Option<u64>,
    /// Another seed makes other values. TPC-H has none.
    pub seed: Option<u64>,
    /// The scale factor of TPC-H; by default the least whole number that has enough rows.
    pub scale: Option<f64>,
    /// Columns of [`Shape::Wide`].
    pub columns: Option<u32>,
    /// Streams of [`Shape::Streams`].
    pub streams: Option<u32>,
}

/// What was generated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generated {
    /// RECORD messages, or rows of the CSV file.
    pub records: u64,
    /// Streams.
    pub streams: u64,
    /// Different keys: the rows that are left after an upsert.
    pub keys: u64,
    /// Bytes of the whole output.
    pub bytes: u64,
}

impl Recipe {
    /// Rows of a shape that has no size of its own.
    pub const ROWS: u64 = 100_000;

    /// A shape with every default.
    pub fn of(shape: Shape) -> Self {
        Self {
            shape,
            rows: None,
            seed: None,
            scale: None,
            columns: None,
            streams: None,
        }
    }

    /// Writes all of it.
    pub fn write(&self, format: Format, out: impl Write) -> Result<Generated> {
        self.refuse(format)?;
        let mut writer = Writer::new(format, out);
        let keys = match self.shape {
            Shape::Tpch(table) => tpch::write(table, self.rows, self.scale, &mut writer)?,
            Shape::Streams => {
                shop::streams(self.rows(), self.streams.unwrap_or(100), self.seed(), &mut writer)?
            }
            Shape::Changes => shop::changes(self.rows(), self.seed(), &mut writer)?,
            Shape::Narrow => shapes::narrow(self.rows(), self.seed(), &mut writer)?,
            Shape::Wide => shapes::wide(self.rows(), self.columns.unwrap_or(150), self.seed(), &mut writer)?,
            Shape::Nested => shapes::nested(self.rows(), self.seed(), &mut writer)?,
            Shape::Text => shapes::text(self.rows(), self.seed(), &mut writer)?,
            Shape::Unicode => shapes::unicode(self.rows(), self.seed(), &mut writer)?,
        };
        let mut generated = writer.finish()?;
        generated.keys = keys;
        Ok(generated)
    }

    fn rows(&self) -> u64 {
        self.rows.unwrap_or(Self::ROWS)
    }

    fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    /// Refuses options that the shape has no use for: they would be ignored silently.
    fn refuse(&self, format: Format) -> Result<()> {
        let name = self.shape.name();
        let is_tpch = matches!(self.shape, Shape::Tpch(_));
        let refused = [
            (
                is_tpch && self.seed.is_some(),
                "--seed",
                "TPC-H tables are always the same",
            ),
            (
                !is_tpch && self.scale.is_some(),
                "--scale",
                "only TPC-H tables have a scale",
            ),
            (
                self.shape != Shape::Wide && self.columns.is_some(),
                "--columns",
                "only wide has a number of columns",
            ),
            (
                self.shape != Shape::Streams && self.streams.is_some(),
                "--streams",
                "only streams has a number of streams",
            ),
            (
                self.shape == Shape::Streams && format == Format::Csv,
                "--format",
                "a CSV file has one stream",
            ),
        ];
        match refused.iter().find(|(refused, ..)| *refused) {
            Some((_, option, why)) => Err(Error::new(
                Kind::Usage,
                format!("{option} does not fit {name}: {why}"),
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
