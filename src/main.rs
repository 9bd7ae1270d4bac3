//! The front door: the command line, the log, exit codes.
#![forbid(unsafe_code)]

use clap::{Parser, Subcommand, ValueEnum};
use std::backtrace::Backtrace;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use switchyard::config::{self, Config, Problem};
use switchyard::server::Server;
use switchyard::{banner, config::Severity, music, prompts};
use tracing_subscriber::EnvFilter;

/// A SIP B2BUA and PBX feature server.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration.
    #[arg(long, global = true, value_name = "FILE", default_value = "config/pbx.toml")]
    config: PathBuf,
    /// How log lines are written to stderr; RUST_LOG says which.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Reads and checks the configuration, and tells everything that is wrong with it.
    Check,
    /// Prints the feature codes and numbers in force.
    Codes,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// The configuration is bad.
const BAD_CONFIGURATION: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(arguments.log_format);
    let config = match config::load(&arguments.config) {
        Ok(config) => config,
        Err(problems) => {
            tell(&problems);
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    tell(&config.warnings);
    match arguments.task {
        Some(Task::Check) => {
            // The server says this itself when it starts.
            tell(&music::load(&config.music).1);
            tell(&prompts::load(&config.language).1);
            print(&format!("{}: good\n", arguments.config.display()));
        }
        Some(Task::Codes) => print(&banner::codes(&config)),
        None => return serve(config, arguments.config),
    }
    ExitCode::SUCCESS
}

fn serve(config: Config, path: PathBuf) -> ExitCode {
    let ready = |config: &Config| {
        print(&banner::banner(config));
        let _ = writeln!(io::stderr(), "switchyard ready");
    };
    match Server::bind(config, path).and_then(|server| server.run(ready)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Log lines to stderr, panics among them, with where they came from.
fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::force_capture();
        tracing::error!(%panic, %backtrace, "panic");
    }));
}

/// Problems on stderr, as compilers tell them.
fn tell(problems: &[Problem]) {
    let mut stderr = io::stderr().lock();
    for problem in problems {
        let _ = writeln!(stderr, "{problem}");
    }
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    if errors > 0 {
        let _ = writeln!(stderr, "{errors} error{}", if errors == 1 { "" } else { "s" });
    }
}

/// To stdout; a reader that went away is no failure of ours.
fn print(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes());
}
