//! A whole call through the engine in virtual time, trunk to trunk, 14 messages: nanoseconds.
//!
//! Engines are made, and tapes recorded, outside the measured part.
use criterion::{BatchSize, Criterion, Throughput};
use switchyard_benches::{Tape, Until, engine};
use switchyard_engine::Output;

/// Calls per measured run.
const CALLS: usize = 1_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let tape = Tape::record(CALLS, Until::Over);
    let mut group = criterion.benchmark_group("call");
    group.throughput(Throughput::Elements(CALLS as u64));
    group.bench_function("INVITE to BYE, both legs", |b| {
        b.iter_batched_ref(
            || (engine(), Output::default()),
            |(engine, out)| tape.play(engine, out),
            BatchSize::LargeInput,
        );
    });
    group.finish();
    criterion.final_summary();
}
