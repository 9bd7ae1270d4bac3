//! Loads a SIP server over real sockets, and tells what that costs it.
//!
//! Both ends of every call are here: a trunk that calls, a trunk that is called, and the phones of lines.
//!
//! ```text
//!   Pace ─ due ─► Profile ─ messages ─► Ends ═══ UDP, TCP ═══ the server
//!                    ▲                    │
//!                    ╰───── Glance ◄──────╯        Tally ─► Report
//! ```
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

mod against;
mod agenda;
mod answer;
mod arguments;
mod cap;
mod config;
mod dialog;
mod digest;
mod digits;
mod drive;
mod ends;
mod floor;
mod glance;
#[cfg(test)]
mod loopback;
mod overload;
mod plan;
mod processes;
mod profile;
mod progress;
mod ramp;
mod report;
mod server;
mod slots;
mod socket;
mod stage;
mod tally;
mod template;

use arguments::Arguments;
use std::process::ExitCode;

/// It could not run.
const UNABLE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    match stage::run(&arguments) {
        Ok(report) => {
            if let Err(error) = tell(&arguments, &report) {
                eprintln!("switchyard-load: {error}");
                return ExitCode::from(UNABLE);
            }
            if report.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("switchyard-load: {error}");
            ExitCode::from(UNABLE)
        }
    }
}

/// The table on the standard output, and JSON where it is wanted; on the standard output it stands alone.
fn tell(arguments: &Arguments, report: &report::Report) -> Result<(), Box<dyn std::error::Error>> {
    let json = || serde_json::to_string_pretty(report);
    match &arguments.json {
        Some(path) if path.as_os_str() == "-" => println!("{}", json()?),
        Some(path) => {
            print!("{}", report.table());
            std::fs::write(path, json()? + "\n").map_err(|error| format!("{}: {error}", path.display()))?;
        }
        None => print!("{}", report.table()),
    }
    Ok(())
}
