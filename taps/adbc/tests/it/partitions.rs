//! A driver that makes partitions of a query: Flight SQL, and a small server that speaks it.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::database::{packaged, python};
use crate::run::{Run, entry};

/// A table `shop.items` of 30 rows; each query is answered with three parts of ten rows. It says which queries and parts were
/// asked for.
const SERVER: &str = r"
import sys
import pyarrow as pa, pyarrow.flight as fl

def fields(message):
    at, found = 0, {}
    def varint():
        nonlocal at
        shift = value = 0
        while True:
            byte = message[at]; at += 1
            value |= (byte & 127) << shift; shift += 7
            if byte < 128: return value
    while at < len(message):
        key = varint()
        if key & 7 == 0: found[key >> 3] = varint()
        else:
            length = varint(); found[key >> 3] = message[at:at + length]; at += length
    return found

ITEMS = pa.table({'id': pa.array(range(30), pa.int64()), 'name': [f'row {i}' for i in range(30)],
                  'seen': pa.array([1709200800500000] * 30, pa.timestamp('us'))})

def row(*columns):
    arrays = [pa.array([value], of) for _, of, _, value in columns]
    return pa.table(arrays, schema=pa.schema([pa.field(name, of, nullable) for name, of, nullable, _ in columns]))

T = pa.utf8()
PLACE = ('catalog_name', T, True, 'cat'), ('db_schema_name', T, True, 'shop'), ('table_name', T, False, 'items')
ANSWERS = {
    'CommandGetCatalogs': row(('catalog_name', T, False, 'cat')),
    'CommandGetDbSchemas': row(PLACE[0], ('db_schema_name', T, False, 'shop')),
    'CommandGetTables': row(*PLACE, ('table_type', T, False, 'TABLE'),
                            ('table_schema', pa.binary(), False, ITEMS.schema.serialize().to_pybytes())),
}

class Server(fl.FlightServerBase):
    def command(self, message):
        found = fields(message)
        return found[1].decode().split('.')[-1], fields(found.get(2, b''))

    def get_flight_info(self, context, descriptor):
        name, found = self.command(descriptor.command)
        at = [fl.Location.for_grpc_tcp('127.0.0.1', self.port)]
        if name == 'CommandStatementQuery':
            print('query', found[1].decode(), flush=True)
            parts = [fl.FlightEndpoint(b'part %d' % part, at) for part in range(3)]
            return fl.FlightInfo(ITEMS.schema, descriptor, parts, 30, -1)
        answer = ANSWERS[name]
        return fl.FlightInfo(answer.schema, descriptor, [fl.FlightEndpoint(descriptor.command, at)], 1, -1)

    def do_get(self, context, ticket):
        if ticket.ticket.startswith(b'part'):
            print(ticket.ticket.decode(), flush=True)
            return fl.RecordBatchStream(ITEMS.slice(int(ticket.ticket[5:]) * 10, 10))
        return fl.RecordBatchStream(ANSWERS[self.command(ticket.ticket)[0]])

server = Server('grpc://127.0.0.1:0')
print(server.port, flush=True)
server.serve()
";

struct Server {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    config: Value,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(python())
            .args(["-c", SERVER])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let port = lines.next().expect("a port").expect("text");
        Self {
            process,
            lines,
            config: json!({"driver": packaged("flightsql"), "uri": format!("grpc://127.0.0.1:{port}")}),
        }
    }

    fn run<'a>(&self) -> Run<'a> {
        Run::with(None, self.config.clone())
    }

    /// What it has said since it was last asked.
    fn said(&mut self, count: usize) -> Vec<String> {
        self.lines
            .by_ref()
            .take(count)
            .map(|line| line.expect("text"))
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_query_is_read_by_the_partitions_that_the_driver_makes_of_it() {
    let mut server = Server::start();
    let run = server.run().go().ok();
    let ids: Vec<Value> = (0..30).map(Value::from).collect();
    assert_eq!(run.values("shop-items", "id"), ids);
    assert_eq!(
        run.records("shop-items")[29]["seen"],
        "2024-02-29T10:00:00.500000+00:00"
    );
    assert_eq!(
        server.said(4),
        [
            "query SELECT t.\"id\", t.\"name\", t.\"seen\" FROM \"shop\".\"items\" AS t",
            "part 0",
            "part 1",
            "part 2"
        ]
    );
}

#[test]
fn a_bookmark_is_a_value_of_standard_sql() {
    let mut server = Server::start();
    let mut catalog = server.run().discover();
    assert_eq!(entry(&catalog, "shop-items")["table_name"], "items");
    let root = &mut catalog["streams"][0]["metadata"][0]["metadata"];
    root["selected"] = true.into();
    root["replication-method"] = "INCREMENTAL".into();
    root["replication-key"] = "seen".into();
    let state = json!({"bookmarks": {"shop-items": {
        "replication_key": "seen", "replication_key_value": "2024-02-29T10:00:00.500000+00:00",
    }}});
    let run = server.run().catalog(&catalog).state(&state).go().ok();
    assert_eq!(run.records("shop-items").len(), 30);
    let query = "query SELECT t.\"id\", t.\"name\", t.\"seen\" FROM \"shop\".\"items\" AS t WHERE t.\"seen\" >= \
                 CAST('2024-02-29 10:00:00.500000' AS TIMESTAMP) ORDER BY t.\"seen\"";
    assert_eq!(server.said(1), [query]);
}
