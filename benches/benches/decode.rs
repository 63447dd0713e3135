//! Singer lines to Arrow columns: melisma beside general parsers, on streams of very different shapes.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use melisma_benches::corpus;
use melisma_benches::rivals::{READERS, takes_part};

const BYTES: usize = 16 * 1024 * 1024;

fn decode(criterion: &mut Criterion) {
    for corpus in corpus::all(BYTES) {
        let mut group = criterion.benchmark_group(format!("decode-{}", corpus.name));
        group.throughput(Throughput::Bytes(corpus.lines.len() as u64));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(2));
        for (name, read) in READERS {
            if takes_part(name, &corpus) {
                group.bench_function(name, |bencher| {
                    bencher.iter(|| read(&corpus, &mut |batch| drop(black_box(batch))));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, decode);
criterion_main!(benches);
