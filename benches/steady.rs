//! A call among the dead: the engine's time per call when 20 000 a second leave their tombstones for 32 s, beside a call in an engine that
//! is nearly empty. The difference is what memory costs: caches and page tables, not instructions.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use std::time::Instant;
use switchyard_benches::{Tape, Until, engine};
use switchyard_engine::Output;

/// Calls per second of the engine's time.
const RATE: usize = 20_000;

fn main() {
    let seconds: usize = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(40);
    let tape = Tape::record_at(RATE, RATE * seconds, Until::Over);
    let (mut engine, mut out) = (engine(), Output::default());
    for (second, part) in tape.inputs.chunks(RATE * 7).enumerate() {
        let began = Instant::now();
        Tape::play_part(part, &mut engine, &mut out);
        println!("second {second:>3}: {:6.2} µs per call", began.elapsed().as_secs_f64() * 1e6 / RATE as f64);
    }
}
