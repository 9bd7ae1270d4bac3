//! What a call holds of memory: bytes that the engine has asked the allocator for and not given back.
//!
//! Fails if a budget is broken. Timing does not matter here, so the figures are exact and repeatable.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use std::process::ExitCode;
use switchyard_benches::{Tape, Until, engine};
use switchyard_engine::Output;

const CALLS: usize = 2_000;

fn main() -> ExitCode {
    let mut kept = true;
    println!("bytes per call, mean of {CALLS}, engine and all its tables included");
    for (what, until, budget) in [
        ("ringing, two legs", Until::Ringing, 8 * 1024),
        ("established, two legs, both descriptions kept", Until::Talking, 4 * 1024),
        ("over, until its tombstones are gone after 32 s", Until::Over, 2 * 1024),
    ] {
        let tape = Tape::record(CALLS, until);
        let mut out = Output::default();
        let mut engine = engine();
        let held = allocation_counter::measure(|| tape.play(&mut engine, &mut out)).bytes_current;
        let per_call = held / CALLS as i64;
        let fits = per_call <= budget;
        kept &= fits;
        println!("{per_call:>8}  {what} (budget {budget}){}", if fits { "" } else { "  <-- OVER" });
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
