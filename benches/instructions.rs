//! Instructions per message and per call, counted by valgrind, against the counts kept in `instructions.toml`.
//!
//! The same binary runs a tape of 200 calls and one of 1 200; what the thousand between them cost is told, so that
//! start-up does not count. Recording a tape is counted apart and taken off. Fails if a count has risen by more than the
//! tolerance; `--write` keeps the new counts.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is its purpose")]

use std::process::{Command, ExitCode};
use switchyard_benches::{Kept, Tape, Until, engine, invite};
use switchyard_engine::Output;
use switchyard_engine::wire::Message;

const FEW: usize = 200;
const MANY: usize = 1_200;
const KEPT: Kept = Kept {
    path: concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.toml"),
    head: "# Instructions: one call of 14 messages, parsing and checking one INVITE, one message of a call.\n\
           # Written by `cargo bench -p switchyard-benches --bench instructions -- --write`.\n",
    unit: "instructions per",
};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["work", what, times] => {
            work(what, times.parse().unwrap_or(0));
            ExitCode::SUCCESS
        }
        ["--write"] => compare(true),
        _ => compare(false),
    }
}

/// What is counted; each without the parts of the one before it.
fn work(what: &str, times: usize) {
    let tape = Tape::record(times, Until::Over);
    match what {
        "record" => drop(tape),
        "call" => tape.play(&mut engine(), &mut Output::default()),
        "parse" => {
            let bytes = invite(1);
            for _ in 0..times {
                assert!(Message::parse(&bytes).is_ok_and(|message| message.check().is_ok()));
            }
        }
        _ => eprintln!("no such work: {what}"),
    }
}

fn compare(write: bool) -> ExitCode {
    let Some(recording) = count("record") else {
        eprintln!("valgrind is missing: instructions were NOT counted");
        let required = std::env::var("SWITCHYARD_INTEROP").is_ok_and(|value| value == "required");
        return if required { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    };
    let mut counted = Vec::new();
    for what in ["call", "parse"] {
        let count = count(what).map_or(0.0, |count| count - recording);
        counted.push((what, count.round()));
    }
    counted.push(("message", (counted[0].1 / 14.0).round()));
    if write { KEPT.write(&counted) } else { KEPT.compare(&counted) }
}

/// Instructions for one more of this, or nothing without valgrind.
fn count(what: &str) -> Option<f64> {
    let few = run(what, FEW)?;
    let many = run(what, MANY)?;
    Some((many - few) / (MANY - FEW) as f64)
}

fn run(what: &str, times: usize) -> Option<f64> {
    let own = std::env::current_exe().ok()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(["work", what, &times.to_string()])
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :"))?.1;
    collected.trim().parse().ok()
}
