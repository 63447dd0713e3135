//! Structs to RECORD messages, beside `serde_json` writing the same structs as plain JSON.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use melisma_benches::orders::{prepare, serde_json_alone, tap};

const RECORDS: usize = 100_000;

fn records(criterion: &mut Criterion) {
    prepare(RECORDS);
    let mut group = criterion.benchmark_group("records");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    group.bench_function("serde_json", |bencher| bencher.iter(serde_json_alone));
    group.bench_function("melisma", |bencher| bencher.iter(tap::<false>));
    group.bench_function("melisma-serde", |bencher| bencher.iter(tap::<true>));
    group.finish();
}

criterion_group!(benches, records);
criterion_main!(benches);
