//! The server under test: started on a configuration of its own, watched through its metrics and its log.
use super::metrics::Metrics;
use super::{Ground, Process, eventually, within};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

/// The realm, and the host of addresses of record.
pub(crate) const DOMAIN: &str = "pbx.test";
/// The port of the trunk, on the story's own address.
pub(crate) const TRUNK_PORT: u16 = 7062;
/// What must be nothing when all calls are over.
const AT_REST: [&str; 5] = [
    "pbx_calls",
    "pbx_call_legs",
    "pbx_parked_calls",
    "pbx_park_orbits state=occupied",
    "pbx_park_orbits state=reserved",
];
/// How long the last BYEs may be on their way.
const REST: Duration = Duration::from_secs(10);
/// Of the machine, not of the server.
const FORGIVEN: &str = "small receive buffer";

/// What a story wants otherwise than usual: lines of TOML for the section.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) server: &'static str,
    pub(crate) lot: &'static str,
    pub(crate) registrar: &'static str,
}

/// A running server.
pub(crate) struct Pbx {
    process: Process,
    pub(crate) sip: SocketAddr,
    http: SocketAddr,
    pub(crate) ground: Ground,
    /// Where everything that the story writes goes.
    pub(crate) out: PathBuf,
}

/// The password of a line.
pub(crate) fn password(line: &str) -> String {
    format!("secret-{line}")
}

impl Pbx {
    /// Starts the server and waits until it is ready.
    pub(crate) fn start(ground: Ground, out: PathBuf, settings: &Settings) -> Self {
        fs::write(out.join("pbx.toml"), configuration(&ground, settings)).unwrap();
        let arguments = ["--config", "pbx.toml"].map(str::to_owned);
        let mut process = Process::start(env!("CARGO_BIN_EXE_switchyard"), &arguments, &out, "switchyard.log");
        eventually("the server is ready", || {
            let ended = process.ended();
            assert!(ended.is_none(), "the server ended, {ended:?}: {}", process.said());
            process.said().contains("switchyard ready").then_some(())
        });
        let said = process.said();
        let sip = said.split("SIP").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
        let http = said.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        Self { process, sip, http, ground, out }
    }

    /// Waits until the series that `selector` names sum up to `value`.
    pub(crate) fn shows(&self, selector: &str, value: u64) {
        let mut last = 0;
        let shown = within(super::PATIENCE, || {
            last = self.metrics().sum(selector);
            (last == value).then_some(())
        });
        assert!(shown.is_some(), "{selector} is {last}, not {value}");
    }

    /// What the series that `selector` names sum up to now.
    pub(crate) fn sum(&self, selector: &str) -> u64 {
        self.metrics().sum(selector)
    }

    /// Waits until `count` calls are parked, not being reminded of.
    pub(crate) fn has_parked(&self, count: u64) {
        self.shows("pbx_parked_calls state=parked", count);
    }

    /// Every call over, every orbit empty, and nothing in the log that anybody should have been told of.
    pub(crate) fn must_be_at_rest(&self) {
        let mut last = Vec::new();
        let rested = within(REST, || {
            let metrics = self.metrics();
            last = AT_REST.iter().map(|name| (*name, metrics.sum(name))).filter(|(_, value)| *value > 0).collect();
            last.is_empty().then_some(())
        });
        assert!(rested.is_some(), "not at rest: {last:?}");
        let metrics = self.metrics();
        for nothing in ["pbx_panics_total", "pbx_rtp_ports_in_use", "pbx_shed_total"] {
            assert_eq!(metrics.sum(nothing), 0, "{nothing}");
        }
        let log = self.process.said();
        let loud = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ") || line.contains("panicked");
        let complaints: Vec<&str> = log.lines().filter(loud).filter(|line| !line.contains(FORGIVEN)).collect();
        assert!(complaints.is_empty(), "the log complains: {complaints:#?}");
    }

    fn metrics(&self) -> Metrics {
        let mut stream = TcpStream::connect(self.http).unwrap();
        stream.set_read_timeout(Some(super::PATIENCE)).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: pbx\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        Metrics(answer)
    }
}

fn configuration(ground: &Ground, settings: &Settings) -> String {
    let ip = ground.ip;
    let Settings { server, lot, registrar } = settings;
    let mut text = format!(
        r#"[server]
domain = "{DOMAIN}"
data = ""
{server}
[[listen]]
address = "{ip}:0"
[[listen]]
transport = "tcp"
address = "{ip}:0"
[http]
address = "{ip}:0"
[registrar]
{registrar}
[line_ranges.crowd]
numbers = "3000-3099"
password = "secret-crowd"
[trunks.carrier]
address = "{ip}:{TRUNK_PORT}"
prefix = "8"
[lots.main]
number = "700"
orbits = "701-703"
pick = "lowest"
cooldown = "0s"
{lot}
"#
    );
    for (line, name) in [("1001", "Alice"), ("1002", "Bob"), ("1003", "Carol"), ("1004", "Dave")] {
        let password = password(line);
        text += &format!("[lines.{line}]\nname = \"{name}\"\npassword = \"{password}\"\n");
    }
    text
}
