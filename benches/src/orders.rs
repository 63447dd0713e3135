//! Structs that a tap writes as RECORD messages, and the same for `serde_json`.

use std::cell::RefCell;
use std::hint::black_box;
use std::io;

use melisma_sdk::plugin::Io;
use melisma_sdk::tap::run_tap_on;
use melisma_sdk::{Context, JsonSchema, Output, Record, Result, Stream, Tap};
use serde::{Deserialize, Serialize};

/// An order, as an API returns it.
#[derive(Record)]
struct Order {
    id: i64,
    customer_id: u32,
    status: Status,
    total: f64,
    paid: bool,
    created_at: String,
    clerk: String,
    comment: Option<String>,
    address: Address,
    tags: Vec<String>,
}

#[derive(Clone, Copy, Record)]
enum Status {
    Open,
    Delivered,
}

#[derive(Clone, Record)]
struct Address {
    street: String,
    city: String,
    zip: u32,
}

/// The same for `serde_json`.
#[derive(Serialize, JsonSchema)]
struct SerdeOrder {
    id: i64,
    customer_id: u32,
    status: SerdeStatus,
    total: f64,
    paid: bool,
    created_at: String,
    clerk: String,
    comment: Option<String>,
    address: SerdeAddress,
    tags: Vec<String>,
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
enum SerdeStatus {
    Open,
    Delivered,
}

#[derive(Clone, Serialize, JsonSchema)]
struct SerdeAddress {
    street: String,
    city: String,
    zip: u32,
}

fn clerk(i: usize) -> String {
    format!("Clerk#{:09}", i * 7919 % 1000)
}

fn comment(i: usize) -> Option<String> {
    const TEXT: &str =
        "nstructions sleep furiously among the quick \"ideas\" that final deposits haggle about carefully";
    (!i.is_multiple_of(4))
        .then(|| TEXT[..20 + i % 70].replace('"', if i.is_multiple_of(40) { "\"" } else { "'" }))
}

/// An index, of far fewer records than 32 bits count.
fn number(i: usize) -> u32 {
    u32::try_from(i).expect("a small number")
}

fn orders(records: usize) -> Vec<Order> {
    let address = Address {
        street: "17 Rue de la Paix".into(),
        city: "Paris".into(),
        zip: 75002,
    };
    let order = |i: usize| Order {
        id: i64::from(number(i)) * 31,
        customer_id: number(i) % 15_000,
        status: if i.is_multiple_of(3) {
            Status::Open
        } else {
            Status::Delivered
        },
        total: f64::from(number(i * 7919 % 1_000_000)) / 100.0,
        paid: i.is_multiple_of(2),
        created_at: format!("2026-01-{:02}T12:{:02}:00Z", i % 28 + 1, i % 60),
        clerk: clerk(i),
        comment: comment(i),
        address: address.clone(),
        tags: vec!["new".into(), format!("batch-{}", i % 10)],
    };
    (0..records).map(order).collect()
}

fn serde_orders(records: usize) -> Vec<SerdeOrder> {
    let convert = |order: Order| SerdeOrder {
        id: order.id,
        customer_id: order.customer_id,
        status: match order.status {
            Status::Open => SerdeStatus::Open,
            Status::Delivered => SerdeStatus::Delivered,
        },
        total: order.total,
        paid: order.paid,
        created_at: order.created_at,
        clerk: order.clerk,
        comment: order.comment,
        address: SerdeAddress {
            street: order.address.street,
            city: order.address.city,
            zip: order.address.zip,
        },
        tags: order.tags,
    };
    orders(records).into_iter().map(convert).collect()
}

thread_local! {
    static ORDERS: RefCell<(Vec<Order>, Vec<SerdeOrder>)> = RefCell::default();
}

/// Makes this number of orders, which this thread writes from now on.
pub fn prepare(records: usize) {
    ORDERS.set((orders(records), serde_orders(records)));
}

/// Writes the orders.
#[derive(Deserialize, JsonSchema)]
struct Config {}

/// A tap of the orders, as values of the one type or of the other.
struct Orders<const SERDE: bool>;

impl<const SERDE: bool> Tap for Orders<SERDE> {
    type Config = Config;

    fn open(_: Config, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let stream = if SERDE {
            Stream::of::<SerdeOrder>("orders").sync(|output| write(output, |(_, orders)| orders))
        } else {
            Stream::of::<Order>("orders").sync(|output| write(output, |(orders, _)| orders))
        };
        Ok(vec![stream.key(["id"]).replication_key("id").sorted()])
    }
}

fn write<T: Serialize>(
    output: &mut Output<'_>,
    of: impl FnOnce(&(Vec<Order>, Vec<SerdeOrder>)) -> &Vec<T>,
) -> Result<()> {
    ORDERS.with_borrow(|orders| of(orders).iter().try_for_each(|order| output.record(order)))
}

/// Writes the orders as RECORD messages: those of the derived type, or those of serde's.
pub fn tap<const SERDE: bool>() {
    let code = run_tap_on::<Orders<SERDE>>(
        melisma_sdk::package!(),
        ["tap-orders".into()],
        Io::buffers(io::empty(), io::sink()),
    );
    assert_eq!(code, 0);
}

/// The same orders as plain JSON, by `serde_json`.
pub fn serde_json_alone() {
    let mut out = Vec::with_capacity(1 << 19);
    ORDERS.with_borrow(|(_, orders)| {
        for order in orders {
            serde_json::to_writer(&mut out, order).expect("writes");
            out.push(b'\n');
            if out.len() > 1 << 18 {
                black_box(&out);
                out.clear();
            }
        }
    });
}
