//! The floor: passes the datagrams of calls and registrations on and does nothing else. What it costs, the kernel costs.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

mod forwarder;
mod socket;

use clap::Parser;
use forwarder::{Forwarder, Rhythm};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

/// Passes datagrams on between two ends: the work of a SIP server without the server. Ends when it is told to.
#[derive(Debug, Parser)]
#[command(name = "switchyard-forward", version)]
struct Arguments {
    /// The calling end.
    #[arg(long, value_name = "ADDRESS")]
    caller: SocketAddr,
    /// The called end.
    #[arg(long, value_name = "ADDRESS")]
    callee: SocketAddr,
    /// Microseconds that datagrams gather while they come steadily; woken by each if 0.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    gather: u64,
}

fn main() -> ExitCode {
    let Arguments { caller, callee, gather } = Arguments::parse();
    let rhythm = if gather == 0 { Rhythm::AtOnce } else { Rhythm::Gathered(Duration::from_micros(gather)) };
    let ended = Forwarder::bind(SocketAddr::new(caller.ip(), 0), caller, callee).and_then(|mut forwarder| {
        // As the server tells: where it listens, and when it does.
        println!("SIP {}", forwarder.address()?);
        eprintln!("switchyard ready");
        loop {
            forwarder.turn(rhythm)?;
        }
    });
    ended.unwrap_or_else(|error: std::io::Error| {
        eprintln!("switchyard-forward: {error}");
        ExitCode::FAILURE
    })
}
