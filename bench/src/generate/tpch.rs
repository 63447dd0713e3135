//! The tables of TPC-H, by tpchgen.

use std::io::Write;

use melisma_sdk::{Error, Kind, Result};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

use super::Table;
use super::row::Row;
use super::stream::{Stream, Type, Writer};

use Type::{Date, Integer, Number, Text};

type Columns = &'static [(&'static str, Type)];

const NATION: Columns = &[
    ("n_nationkey", Integer),
    ("n_name", Text),
    ("n_regionkey", Integer),
    ("n_comment", Text),
];
const REGION: Columns = &[("r_regionkey", Integer), ("r_name", Text), ("r_comment", Text)];
const SUPPLIER: Columns = &[
    ("s_suppkey", Integer),
    ("s_name", Text),
    ("s_address", Text),
    ("s_nationkey", Integer),
    ("s_phone", Text),
    ("s_acctbal", Number),
    ("s_comment", Text),
];
const CUSTOMER: Columns = &[
    ("c_custkey", Integer),
    ("c_name", Text),
    ("c_address", Text),
    ("c_nationkey", Integer),
    ("c_phone", Text),
    ("c_acctbal", Number),
    ("c_mktsegment", Text),
    ("c_comment", Text),
];
const PART: Columns = &[
    ("p_partkey", Integer),
    ("p_name", Text),
    ("p_mfgr", Text),
    ("p_brand", Text),
    ("p_type", Text),
    ("p_size", Integer),
    ("p_container", Text),
    ("p_retailprice", Number),
    ("p_comment", Text),
];
const PARTSUPP: Columns = &[
    ("ps_partkey", Integer),
    ("ps_suppkey", Integer),
    ("ps_availqty", Integer),
    ("ps_supplycost", Number),
    ("ps_comment", Text),
];
const ORDERS: Columns = &[
    ("o_orderkey", Integer),
    ("o_custkey", Integer),
    ("o_orderstatus", Text),
    ("o_totalprice", Number),
    ("o_orderdate", Date),
    ("o_orderpriority", Text),
    ("o_clerk", Text),
    ("o_shippriority", Integer),
    ("o_comment", Text),
];
const LINEITEM: Columns = &[
    ("l_orderkey", Integer),
    ("l_partkey", Integer),
    ("l_suppkey", Integer),
    ("l_linenumber", Integer),
    ("l_quantity", Number),
    ("l_extendedprice", Number),
    ("l_discount", Number),
    ("l_tax", Number),
    ("l_returnflag", Text),
    ("l_linestatus", Text),
    ("l_shipdate", Date),
    ("l_commitdate", Date),
    ("l_receiptdate", Date),
    ("l_shipinstruct", Text),
    ("l_shipmode", Text),
    ("l_comment", Text),
];

impl Table {
    fn stream(self) -> Stream<'static> {
        let (name, columns, keys): (_, _, &'static [&'static str]) = match self {
            Self::Nation => ("nation", NATION, &["n_nationkey"]),
            Self::Region => ("region", REGION, &["r_regionkey"]),
            Self::Supplier => ("supplier", SUPPLIER, &["s_suppkey"]),
            Self::Customer => ("customer", CUSTOMER, &["c_custkey"]),
            Self::Part => ("part", PART, &["p_partkey"]),
            Self::Partsupp => ("partsupp", PARTSUPP, &["ps_partkey", "ps_suppkey"]),
            Self::Orders => ("orders", ORDERS, &["o_orderkey"]),
            Self::Lineitem => ("lineitem", LINEITEM, &["l_orderkey", "l_linenumber"]),
        };
        Stream { name, columns, keys }
    }

    /// No more rows than there are at scale 1, and `None` for the two tables that do not grow.
    fn rows_a_scale(self) -> Option<u64> {
        match self {
            Self::Nation | Self::Region => None,
            Self::Supplier => Some(10_000),
            Self::Customer => Some(150_000),
            Self::Part => Some(200_000),
            Self::Partsupp => Some(800_000),
            Self::Orders => Some(1_500_000),
            // A little below the 6,001,215 of scale 1: the number varies with the scale.
            Self::Lineitem => Some(5_900_000),
        }
    }

    /// The scale to generate with, which must have the rows that are asked for.
    fn scale(self, rows: Option<u64>, scale: Option<f64>) -> Result<f64> {
        if let Some(scale) = scale {
            if scale > 0.0 && scale <= 100_000.0 {
                return Ok(scale);
            }
            return Err(Error::new(
                Kind::Usage,
                format!("--scale: expected a number above 0 and at most 100000, found {scale}"),
            ));
        }
        match (self.rows_a_scale(), rows) {
            (Some(each), Some(rows)) => {
                let scale = rows.div_ceil(each).max(1);
                u32::try_from(scale)
                    .ok()
                    .filter(|scale| *scale <= 100_000)
                    .map(f64::from)
                    .ok_or_else(|| {
                        Error::new(
                            Kind::Usage,
                            format!("--rows {rows} is more than {} can have", self.stream().name),
                        )
                    })
            }
            _ => Ok(1.0),
        }
    }
}

/// Writes a table. Every row has a key of its own.
pub(super) fn write<W: Write>(
    table: Table,
    rows: Option<u64>,
    scale: Option<f64>,
    out: &mut Writer<W>,
) -> Result<u64> {
    let at = table.scale(rows, scale)?;
    let most = usize::try_from(rows.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    out.stream(&table.stream())?;
    match table {
        Table::Nation => all(
            out,
            NationGenerator::default().iter().take(most),
            |row, nation| {
                row.number("n_nationkey", nation.n_nationkey);
                row.string("n_name", nation.n_name);
                row.number("n_regionkey", nation.n_regionkey);
                row.comment("n_comment", nation.n_comment);
            },
        ),
        Table::Region => all(
            out,
            RegionGenerator::default().iter().take(most),
            |row, region| {
                row.number("r_regionkey", region.r_regionkey);
                row.string("r_name", region.r_name);
                row.comment("r_comment", region.r_comment);
            },
        ),
        Table::Supplier => all(
            out,
            SupplierGenerator::new(at, 1, 1).iter().take(most),
            |row, supplier| {
                row.number("s_suppkey", supplier.s_suppkey);
                row.string("s_name", supplier.s_name);
                row.comment("s_address", supplier.s_address);
                row.number("s_nationkey", supplier.s_nationkey);
                row.string("s_phone", supplier.s_phone);
                row.number("s_acctbal", supplier.s_acctbal);
                row.comment("s_comment", supplier.s_comment);
            },
        ),
        Table::Customer => all(
            out,
            CustomerGenerator::new(at, 1, 1).iter().take(most),
            |row, customer| {
                row.number("c_custkey", customer.c_custkey);
                row.string("c_name", customer.c_name);
                row.comment("c_address", customer.c_address);
                row.number("c_nationkey", customer.c_nationkey);
                row.string("c_phone", customer.c_phone);
                row.number("c_acctbal", customer.c_acctbal);
                row.string("c_mktsegment", customer.c_mktsegment);
                row.comment("c_comment", customer.c_comment);
            },
        ),
        Table::Part => all(
            out,
            PartGenerator::new(at, 1, 1).iter().take(most),
            |row, part| {
                row.number("p_partkey", part.p_partkey);
                row.string("p_name", part.p_name);
                row.string("p_mfgr", part.p_mfgr);
                row.string("p_brand", part.p_brand);
                row.string("p_type", part.p_type);
                row.number("p_size", part.p_size);
                row.string("p_container", part.p_container);
                row.number("p_retailprice", part.p_retailprice);
                row.comment("p_comment", part.p_comment);
            },
        ),
        Table::Partsupp => all(
            out,
            PartSuppGenerator::new(at, 1, 1).iter().take(most),
            |row, partsupp| {
                row.number("ps_partkey", partsupp.ps_partkey);
                row.number("ps_suppkey", partsupp.ps_suppkey);
                row.number("ps_availqty", partsupp.ps_availqty);
                row.number("ps_supplycost", partsupp.ps_supplycost);
                row.comment("ps_comment", partsupp.ps_comment);
            },
        ),
        Table::Orders => orders(out, at, most),
        Table::Lineitem => lineitem(out, at, most),
    }
}

fn orders<W: Write>(out: &mut Writer<W>, scale: f64, most: usize) -> Result<u64> {
    all(
        out,
        OrderGenerator::new(scale, 1, 1).iter().take(most),
        |row, order| {
            row.number("o_orderkey", order.o_orderkey);
            row.number("o_custkey", order.o_custkey);
            row.string("o_orderstatus", order.o_orderstatus);
            row.number("o_totalprice", order.o_totalprice);
            row.string("o_orderdate", order.o_orderdate);
            row.string("o_orderpriority", order.o_orderpriority);
            row.string("o_clerk", order.o_clerk);
            row.number("o_shippriority", order.o_shippriority);
            row.comment("o_comment", order.o_comment);
        },
    )
}

fn lineitem<W: Write>(out: &mut Writer<W>, scale: f64, most: usize) -> Result<u64> {
    all(
        out,
        LineItemGenerator::new(scale, 1, 1).iter().take(most),
        |row, line| {
            row.number("l_orderkey", line.l_orderkey);
            row.number("l_partkey", line.l_partkey);
            row.number("l_suppkey", line.l_suppkey);
            row.number("l_linenumber", line.l_linenumber);
            row.number("l_quantity", line.l_quantity);
            row.number("l_extendedprice", line.l_extendedprice);
            row.number("l_discount", line.l_discount);
            row.number("l_tax", line.l_tax);
            row.string("l_returnflag", line.l_returnflag);
            row.string("l_linestatus", line.l_linestatus);
            row.string("l_shipdate", line.l_shipdate);
            row.string("l_commitdate", line.l_commitdate);
            row.string("l_receiptdate", line.l_receiptdate);
            row.string("l_shipinstruct", line.l_shipinstruct);
            row.string("l_shipmode", line.l_shipmode);
            row.comment("l_comment", line.l_comment);
        },
    )
}

fn all<W: Write, T>(
    out: &mut Writer<W>,
    rows: impl Iterator<Item = T>,
    fill: impl Fn(&mut Row, T),
) -> Result<u64> {
    let mut count = 0;
    for one in rows {
        out.row.begin();
        fill(&mut out.row, one);
        out.record(0)?;
        count += 1;
    }
    Ok(count)
}
