//! The built program, from its command line to its exit code.
#![allow(clippy::unwrap_used, reason = "clippy takes helpers of an integration test for ordinary code")]

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::Duration;

/// Port 0 everywhere: tests run beside each other.
const CONFIG: &str = r#"
[server]
demo = true
[[listen]]
address = "127.0.0.1:0"
[http]
address = "127.0.0.1:0"
[lines.1001]
name = "Alice"
password = "alice-1001"
[lots.main]
number = "700"
orbits = "701-703"
"#;

/// A directory of this test alone, gone when the test is.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("switchyard-{test}-{}", std::process::id())).join("config");
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, text: &str) {
        std::fs::write(self.0.join("pbx.toml"), text).unwrap();
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let whole = self.0.parent().unwrap_or(&self.0);
        let _ = std::fs::remove_dir_all(whole);
    }
}

fn switchyard(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
    command.current_dir(directory).args(arguments).args(["--config", "pbx.toml"]).env_remove("RUST_LOG");
    command
}

fn output(directory: &Directory, arguments: &[&str]) -> Output {
    switchyard(&directory.0, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A running server; killed if the test fails.
struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Running {
    fn start(directory: &Directory) -> Self {
        let mut running = Self::starting(directory);
        running.wait_for("switchyard ready");
        running
    }

    fn starting(directory: &Directory) -> Self {
        let mut command = switchyard(&directory.0, &[]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Reads the log up to a line that holds `words`.
    fn wait_for(&mut self, words: &str) -> String {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "the log ended before \"{words}\"");
        }
        line
    }

    /// The banner's lines as far as the one with the address of HTTP, and that address.
    fn banner(&mut self) -> (String, SocketAddr) {
        let mut lines = String::new();
        let mut stdout = BufReader::new(self.child.stdout.take().unwrap());
        while !lines.contains("/metrics") {
            assert!(stdout.read_line(&mut lines).unwrap() > 0, "{lines}");
        }
        let address = lines.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        (lines, address)
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: pbx\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_starts_tells_answers_reloads_and_stops() {
    let directory = Directory::new("run");
    directory.write(CONFIG);
    let mut running = Running::start(&directory);
    let (banner, http) = running.banner();
    for told in
        ["SIP       127.0.0.1:", "1001  Alice    password alice-1001", "transfer to 700", "*68", "701-703", "*88"]
    {
        assert!(banner.contains(told), "{told}: {banner}");
    }
    assert!(!banner.contains("127.0.0.1:0 "), "{banner}");
    assert!(get(http, "/healthz").starts_with("HTTP/1.1 200 "));
    assert!(get(http, "/readyz").starts_with("HTTP/1.1 200 "));
    assert!(get(http, "/nothing").starts_with("HTTP/1.1 404 "));
    let metrics = get(http, "/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200 "));
    assert!(metrics.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert!(metrics.contains("pbx_config_reload_total{result=\"rejected\"} 0\n"));
    assert!(metrics.contains("process_open_fds "));
    for zero in ["pbx_rtp_packets_total{direction=\"out\"}", "pbx_media_tick_late_seconds_count"] {
        assert!(metrics.contains(&format!("{zero} 0\n")), "{zero}: {metrics}");
    }

    directory.write("[sever]");
    running.signal(Signal::SIGHUP);
    running.wait_for("refused; the configuration in force stays");
    let trunk = "[trunks.carrier]\naddress = \"127.0.0.1:7062\"\nprefix = \"10\"\n";
    directory.write(&format!("{CONFIG}[lots.second]\nnumber = \"730\"\norbits = \"731-735\"\n{trunk}"));
    running.signal(Signal::SIGHUP);
    let warning = running.wait_for("1001 reaches line 1001, although trunk `carrier` covers it");
    assert!(warning.contains(" WARN "), "{warning}");
    running.wait_for("in force");
    let metrics = get(http, "/metrics");
    assert!(metrics.contains("pbx_park_orbits{state=\"free\",lot=\"main\"} 3\n"), "{metrics}");
    assert!(metrics.contains("pbx_park_orbits{state=\"free\",lot=\"second\"} 5\n"), "{metrics}");
    assert!(metrics.contains("pbx_config_reload_total{result=\"rejected\"} 1\n"));
    assert!(metrics.contains("pbx_config_reload_total{result=\"ok\"} 1\n"));

    // Music that there is not is a warning, and other music is for the next start.
    directory.write(&format!("{CONFIG}[media]\nmusic = \"other.wav\"\n"));
    running.signal(Signal::SIGHUP);
    running.wait_for("there is no sounds/other.wav");
    running.wait_for("media take effect at the next start");
    running.wait_for("in force");

    running.signal(Signal::SIGTERM);
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn music_that_cannot_be_played_is_silence_and_a_warning() {
    let directory = Directory::new("music");
    directory.write(&format!("{CONFIG}[media]\nmusic = \"own.wav\"\n"));
    std::fs::create_dir(directory.0.join("sounds")).unwrap();
    std::fs::write(directory.0.join("sounds/own.wav"), "ID3").unwrap();
    let warning = "pbx.toml:15:9: warning: sounds/own.wav: no WAV file: ";
    let checked = output(&directory, &["check"]);
    assert_eq!((text(&checked.stdout), checked.status.code()), ("pbx.toml: good\n", Some(0)));
    assert!(text(&checked.stderr).starts_with(warning), "{}", text(&checked.stderr));
    let mut running = Running::starting(&directory);
    running.wait_for(warning);
    running.wait_for("switchyard ready");
}

#[test]
fn without_demo_no_password_is_shown_and_an_interrupt_stops_it() {
    let directory = Directory::new("quiet");
    directory.write(&CONFIG.replace("demo = true", ""));
    let mut running = Running::start(&directory);
    let (banner, _) = running.banner();
    assert!(!banner.contains("alice"), "{banner}");
    running.signal(Signal::SIGINT);
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_a_failure_but_not_a_bad_configuration() {
    let directory = Directory::new("taken");
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    directory.write(&CONFIG.replacen("127.0.0.1:0", &address, 1));
    let ended = output(&directory, &[]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains(&address), "{}", text(&ended.stderr));
}

#[test]
fn check_tells_everything_that_is_wrong_at_once() {
    let directory = Directory::new("check");
    directory.write(
        r#"[server]
no_anwser = "60s"
digest = ["MD4"]

[lines.1001]
password = "x"
groups = ["staff"]

[lines.701]
password = "x"

[trunks.carrier]
address = "127.0.0.1:7062"
prefix = "10"

[lots.main]
number = "*8"
orbits = "701-720"
first_reminder = "90"
park_groups = ["staf"]
overflow = "bakc"
fallback = "4711"

[lots.back]
number = "800"
orbits = "801-810"
"#,
    );
    let expected = r#"pbx.toml:2:1: unknown key `no_anwser`
    hint: did you mean `no_answer`?
pbx.toml:3:11: "MD4" is none of "MD5", "SHA-256"
    hint: did you mean `MD5`?
pbx.toml:5:8: warning: 1001 reaches line 1001, although trunk `carrier` covers it
    pbx.toml:14:10: trunk `carrier`
pbx.toml:17:10: *8 is both the number of lot `main` and code `pickup_group`
    (built in) feature-codes/standard.toml:31:8: code `pickup_group`
pbx.toml:17:10: warning: *88 (code `retrieve`) begins with the number of lot `main`: phones that send digit by digit may never reach it
    (built in) feature-codes/standard.toml:12:8: code `retrieve`
pbx.toml:18:10: 701 is both line 701 and an orbit of lot `main`
    pbx.toml:9:8: line 701
pbx.toml:19:18: "90" is not a duration: write it as "90s", "30m" or "1h"
pbx.toml:20:16: no line is a member of group `staf`
    hint: did you mean `staff`?
pbx.toml:21:12: there is no lot `bakc`
    hint: did you mean `back`?
pbx.toml:22:12: 4711 is neither a line nor behind a trunk
8 errors
"#;
    let checked = output(&directory, &["check"]);
    assert_eq!(checked.status.code(), Some(2));
    assert_eq!(text(&checked.stderr), expected);
}

#[test]
fn check_and_codes_of_a_good_configuration() {
    let directory = Directory::new("codes");
    directory.write(CONFIG);
    let checked = output(&directory, &["check"]);
    assert_eq!((text(&checked.stdout), text(&checked.stderr)), ("pbx.toml: good\n", ""));
    assert_eq!(checked.status.code(), Some(0));
    let codes = output(&directory, &["codes"]);
    let rows: Vec<Vec<&str>> = text(&codes.stdout).lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [
        vec!["DIALLED", "NAME", "OPERATION", "BUILT"],
        vec!["*68[number]", "park", "park", "yes"],
        vec!["*85<number>", "retrieve_alias", "retrieve", "yes"],
        vec!["790", "conference_room", "conference_room", "not", "yet"],
        vec!["1001", "Alice", "line", "yes"],
        vec!["701-703", "main", "orbits", "yes"],
    ] {
        assert!(rows.contains(&row), "{row:?} in {rows:?}");
    }
}

#[test]
fn a_configuration_that_is_not_there_is_bad() {
    let directory = Directory::new("missing");
    let checked = output(&directory, &["check"]);
    assert_eq!(checked.status.code(), Some(2));
    assert!(text(&checked.stderr).starts_with("pbx.toml:1:1: cannot be read: "), "{}", text(&checked.stderr));
}
