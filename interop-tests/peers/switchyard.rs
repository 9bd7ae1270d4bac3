//! The server under test: started on a configuration of its own, watched through its metrics and its log.
use super::metrics::Metrics;
use super::{Ground, Process, eventually, within};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// The realm, and the host of addresses of record.
pub(crate) const DOMAIN: &str = "pbx.test";
/// The port of the trunk, on the story's own address.
pub(crate) const TRUNK_PORT: u16 = 7062;
/// What must be nothing when all calls are over.
const AT_REST: [&str; 7] = [
    "pbx_calls",
    "pbx_call_legs",
    "pbx_parked_calls",
    "pbx_park_orbits state=occupied",
    "pbx_park_orbits state=reserved",
    "pbx_park_orbits state=retiring",
    "pbx_subscriptions package=dialog",
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
    /// The trunk's transport, if not `udp`. With `tcp` every connection from the story's address is the trunk's.
    pub(crate) trunk: &'static str,
    pub(crate) registrar: &'static str,
    /// All of its listeners, if not the usual two: `{ip}` is the story's address, `{also}` another one.
    pub(crate) listen: &'static str,
    /// Sections of its own, where `{ip}` is the story's address, too.
    pub(crate) more: &'static str,
}

/// A running server.
pub(crate) struct Pbx {
    process: Process,
    pub(crate) sip: SocketAddr,
    /// Everything it listens on.
    pub(crate) listens: Vec<SocketAddr>,
    http: SocketAddr,
    pub(crate) ground: Ground,
    _also: Ground,
    /// The trunk's transport.
    pub(super) trunk: &'static str,
    /// What the story has seen in the log, and expected there.
    expected: Mutex<Vec<String>>,
    /// Where everything that the story writes goes.
    pub(crate) out: PathBuf,
}

impl Settings {
    const fn trunk(&self) -> &'static str {
        if self.trunk.is_empty() { "udp" } else { self.trunk }
    }
}

/// The password of a line.
pub(crate) fn password(line: &str) -> String {
    format!("secret-{line}")
}

impl Pbx {
    /// Starts the server and waits until it is ready.
    pub(crate) fn start(ground: Ground, out: PathBuf, settings: &Settings) -> Self {
        let also = Ground::claim();
        fs::write(out.join("pbx.toml"), configuration(&ground, &also, settings)).unwrap();
        let arguments = ["--config", "pbx.toml"].map(str::to_owned);
        let mut process = Process::start(env!("CARGO_BIN_EXE_switchyard"), &arguments, &out, "switchyard.log");
        eventually("the server is ready", || {
            let ended = process.ended();
            assert!(ended.is_none(), "the server ended, {ended:?}: {}", process.said());
            process.said().contains("switchyard ready").then_some(())
        });
        let said = process.said();
        let address = |told: &str| told.split_whitespace().next().unwrap().parse().unwrap();
        let listens: Vec<SocketAddr> = said.split("  SIP ").skip(1).map(address).collect();
        let http = said.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        let (trunk, expected) = (settings.trunk(), Mutex::default());
        Self { process, sip: listens[0], listens, http, ground, _also: also, trunk, expected, out }
    }

    /// Changes the configuration and has it read again; returns when it is in force.
    pub(crate) fn reads_again(&self, change: impl FnOnce(String) -> String) {
        self.reads(change, "ok");
    }

    /// The same with one that it does not take, for a reason that its log tells.
    pub(crate) fn will_not_read(&self, change: impl FnOnce(String) -> String, why: &str) {
        self.reads(change, "rejected");
        self.complains(why);
        self.complains("refused; the configuration in force stays");
    }

    fn reads(&self, change: impl FnOnce(String) -> String, result: &str) {
        let counted = format!("pbx_config_reload_total result={result}");
        let before = self.sum(&counted);
        let path = self.out.join("pbx.toml");
        fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
        self.process.hang_up();
        self.shows(&counted, before + 1);
    }

    /// Waits until its log has these words.
    pub(crate) fn notes(&self, words: &str) {
        eventually(words, || self.process.said().contains(words).then_some(()));
    }

    /// The same of words that are no reason to worry.
    pub(crate) fn complains(&self, words: &str) {
        self.notes(words);
        self.may_complain(words);
    }

    /// Its log may have these words.
    pub(crate) fn may_complain(&self, words: &str) {
        self.expected.lock().unwrap().push(words.to_owned());
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
        for nothing in ["pbx_panics_total", "pbx_rtp_ports_in_use"] {
            assert_eq!(metrics.sum(nothing), 0, "{nothing}");
        }
        // Under strain new calls are refused; that there was some is in the log.
        let shed = metrics.sum("pbx_shed_total") - metrics.sum("pbx_shed_total reason=overload");
        assert_eq!(shed, 0, "pbx_shed_total");
        let log = self.process.said();
        let loud = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ") || line.contains("panicked");
        let expected = self.expected.lock().unwrap();
        let forgiven = |line: &str| line.contains(FORGIVEN) || expected.iter().any(|words| line.contains(words));
        let complaints: Vec<&str> = log.lines().filter(loud).filter(|line| !forgiven(line)).collect();
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

/// The usual listeners.
const LISTEN: &str = r#"[[listen]]
address = "{ip}:0"
[[listen]]
transport = "tcp"
address = "{ip}:0"
"#;

fn configuration(ground: &Ground, also: &Ground, settings: &Settings) -> String {
    let ip = ground.ip;
    let Settings { server, lot, registrar, listen, more, .. } = settings;
    let transport = settings.trunk();
    let listen = if listen.is_empty() { LISTEN } else { listen };
    let more = more.replace("{ip}", &ip.to_string());
    let listen = listen.replace("{ip}", &ip.to_string()).replace("{also}", &also.ip.to_string());
    let mut text = format!(
        r#"[server]
domain = "{DOMAIN}"
data = "data"
{server}
{listen}
[http]
address = "{ip}:0"
[registrar]
{registrar}
[line_ranges.crowd]
numbers = "3000-3099"
password = "secret-crowd"
[trunks.carrier]
address = "{ip}:{TRUNK_PORT}"
transport = "{transport}"
prefix = "8"
[lots.main]
number = "700"
orbits = "701-703"
pick = "lowest"
cooldown = "0s"
{lot}
{more}
"#
    );
    for (line, name) in [("1001", "Alice"), ("1002", "Bob"), ("1003", "Carol"), ("1004", "Dave")] {
        let password = password(line);
        text += &format!("[lines.{line}]\nname = \"{name}\"\npassword = \"{password}\"\n");
        // Dave is a guest.
        text += if line == "1004" { "" } else { "groups = [\"staff\"]\n" };
    }
    text
}
