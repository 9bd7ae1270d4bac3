//! What a call holds of memory: bytes that the engine has asked the allocator for and not given back.
//!
//! Fails if there are more than the counts kept in `bytes.toml` by more than the tolerance; `--write` keeps the new counts.
//! Timing does not matter here, so the figures are exact and repeatable.
use std::process::ExitCode;
use switchyard_benches::{Kept, Tape, Until, engine};
use switchyard_engine::Output;

const CALLS: usize = 2_000;
const KEPT: Kept = Kept {
    path: concat!(env!("CARGO_MANIFEST_DIR"), "/bytes.toml"),
    head: "# Bytes per call of two legs, mean of 2 000, the engine and all its tables included: while it rings, while it is\n\
           # established (both descriptions kept), and when it is over, until its tombstones are gone after 32 s.\n\
           # Written by `cargo bench -p switchyard-benches --bench memory -- --write`. Budgets: 8192, 4096, 2048.\n",
    unit: "bytes per call,",
};

fn main() -> ExitCode {
    let states = [
        ("ringing", Until::Ringing, 8_192.0),
        ("established", Until::Talking, 4_096.0),
        ("over", Until::Over, 2_048.0),
    ];
    let counted = states.map(|(what, until, _)| (what, held(until)));
    if std::env::args().any(|argument| argument == "--write") {
        return KEPT.write(&counted);
    }
    let fits = states.iter().zip(&counted).all(|((.., budget), (_, count))| count <= budget);
    let verdict = KEPT.compare(&counted);
    if fits { verdict } else { ExitCode::FAILURE }
}

/// By one call in this state.
fn held(until: Until) -> f64 {
    let tape = Tape::record(CALLS, until);
    let mut out = Output::default();
    let mut engine = engine();
    let held = allocation_counter::measure(|| tape.play(&mut engine, &mut out)).bytes_current;
    (held / CALLS as i64) as f64
}
