//! Drives a server with many calls over real UDP and tells what they cost.
//!
//! Both ends of every call are here: the caller on one socket, the callee on another. The server sees two trunks.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

mod calls;
mod ends;
mod server;
mod template;

use clap::Parser;
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Makes calls through a SIP server and measures what they cost it.
#[derive(Debug, Parser)]
#[command(name = "switchyard-load", version)]
struct Arguments {
    /// Calls in all.
    #[arg(long, default_value_t = 10_000)]
    calls: usize,
    /// Calls begun per second.
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// Milliseconds that the callee rings.
    #[arg(long, default_value_t = 50)]
    ring: u64,
    /// Milliseconds that a call lasts after the answer.
    #[arg(long, default_value_t = 200)]
    talk: u64,
    /// The server to start: it gets a configuration with two trunks.
    #[arg(long, default_value = "target/release/switchyard", conflicts_with = "server")]
    start: PathBuf,
    /// A server that runs already; it must send calls to `u…` on to the callee.
    #[arg(long, requires = "pid")]
    server: Option<SocketAddr>,
    /// The running server's processes.
    #[arg(long)]
    pid: Vec<i32>,
    /// Where the calling end binds.
    #[arg(long, default_value = "127.0.0.1:0")]
    caller: SocketAddr,
    /// Where the called end binds.
    #[arg(long, default_value = "127.0.0.1:0")]
    callee: SocketAddr,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("switchyard-load: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every call came through.
fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let (caller, callee) = (ends::bind(arguments.caller)?, ends::bind(arguments.callee)?);
    let started = match arguments.server {
        Some(_) => None,
        None => Some(server::Server::start(&arguments.start, &config(caller.local_addr()?, callee.local_addr()?))?),
    };
    let (address, pids) = match (&started, arguments.server) {
        (Some(server), _) => (server.address, vec![server.pid()]),
        (None, Some(address)) => (address, arguments.pid.clone()),
        (None, None) => return Err("no server".into()),
    };
    let plan = calls::Plan {
        calls: arguments.calls,
        rate: arguments.rate.max(1),
        ring: Duration::from_millis(arguments.ring),
        talk: Duration::from_millis(arguments.talk),
        server: address,
    };
    let before = server::usage(&pids);
    let result = calls::drive(&plan, &caller, &callee, || server::usage(&pids).resident)?;
    let after = server::usage(&pids);
    print(&plan, &result, &before, &after);
    Ok(result.failed() == 0)
}

/// A server whose two trunks are our two ends.
fn config(caller: SocketAddr, callee: SocketAddr) -> String {
    format!(
        "[server]\ndomain = \"pbx.test\"\ndata = \"\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n\
         [http]\naddress = \"127.0.0.1:0\"\n[trunks.caller]\naddress = \"{caller}\"\n\
         [trunks.callee]\naddress = \"{callee}\"\nprefix = \"u\"\n"
    )
}

fn print(plan: &calls::Plan, result: &calls::Outcome, before: &server::Usage, after: &server::Usage) {
    let completed = result.completed.max(1) as f64;
    let per_call = |micros: u64| micros as f64 / completed;
    let (user, system) = (after.user - before.user, after.system - before.system);
    println!("offered       {:>10} calls at {}/s", plan.calls, plan.rate);
    println!("completed     {:>10} at {:.0}/s", result.completed, completed / result.took.as_secs_f64());
    println!("failed        {:>10} (refused {}, unanswered {})", result.failed(), result.refused, result.unanswered);
    println!("retransmitted {:>10} requests", result.retransmitted);
    println!(
        "setup         {:>10} median, {} at 99 %, {} at most",
        millis(result, 50),
        millis(result, 99),
        millis(result, 100)
    );
    println!(
        "server CPU    {:>10.1} µs per call ({:.1} user, {:.1} system)",
        per_call(user + system),
        per_call(user),
        per_call(system)
    );
    println!(
        "server memory {:>10} KB at the start, {} KB at the most calls held ({}): {:.1} KB per held call",
        before.resident / 1024,
        result.resident / 1024,
        result.held,
        result.resident.saturating_sub(before.resident) as f64 / 1024.0 / result.held.max(1) as f64
    );
}

/// A percentile of the time from INVITE to 200, the callee's ringing taken off.
fn millis(result: &calls::Outcome, percentile: usize) -> String {
    let place = (result.setup.len() * percentile / 100).min(result.setup.len().saturating_sub(1));
    let micros = result.setup.get(place).copied().unwrap_or(0);
    format!("{:.2} ms", f64::from(micros) / 1000.0)
}
