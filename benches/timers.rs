//! Starting and stopping a timer while a million others are armed: nanoseconds.
use criterion::Criterion;
use std::time::Duration;
use switchyard_engine::Time;
use switchyard_engine::base::{Alarm, Room, Timers};

const ARMED: u64 = 1_000_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut timers = Timers::default();
    let alarm = |whom| Alarm { room: Room::Leg, reason: 0, whom };
    for n in 0..ARMED {
        // Spread over the 32 s of a transaction.
        timers.start(Time::ZERO, Duration::from_micros(1 + n * 32), alarm(n));
    }
    let mut after = 0;
    criterion.bench_function("timers/start and stop at a million armed", |b| {
        b.iter(|| {
            after = (after + 7919) % 32_000;
            let id = timers.start(Time::ZERO, Duration::from_millis(after), alarm(after));
            timers.stop(id)
        });
    });
    criterion.final_summary();
}
