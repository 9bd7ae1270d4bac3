//! SIPp as a phone or a trunk: plays scenarios, written once and filled in.
//!
//! A scenario is `stories/<name>.xml`. In it, `{word}` stands for what the story gave, and a line
//! `<part name="x" word="…"/>` for `stories/parts/x.xml`. What SIPp plays is kept beside its message log.
use super::switchyard::{DOMAIN, TRUNK_PORT, password};
use super::{Pbx, Process, eventually};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// States of a TCP socket, as the kernel tells them.
const LISTENING: &str = "0A";
const CONNECTED: &str = "01";

/// What the words in braces stand for.
type Words = BTreeMap<String, String>;

/// A place where SIPp plays one scenario after another: for the server, always the same phone.
pub(crate) struct SippPhone<'a> {
    pbx: &'a Pbx,
    line: String,
    ip: IpAddr,
    port: u16,
    /// Which of the server's addresses it knows.
    server: SocketAddr,
    /// `udp`, `tcp` (one connection), or `tn` (one for each call).
    transport: &'static str,
    played: Cell<u32>,
}

/// A scenario that is being played.
pub(crate) struct Playing {
    process: Process,
    /// The files of this play have this name, with endings.
    files: PathBuf,
}

impl Pbx {
    /// A phone of a line, not yet registered.
    pub(crate) fn new_phone(&self, line: &str) -> SippPhone<'_> {
        self.new_phone_over(line, "udp")
    }

    /// One that speaks this transport.
    pub(crate) fn new_phone_over(&self, line: &str, transport: &'static str) -> SippPhone<'_> {
        self.peer(line, self.ground.ports(), transport)
    }

    fn peer(&self, line: &str, port: u16, transport: &'static str) -> SippPhone<'_> {
        let (line, played) = (line.to_owned(), Cell::new(0));
        SippPhone { pbx: self, line, ip: self.ground.ip, port, server: self.sip, transport, played }
    }

    /// A registered phone of a line that speaks this transport.
    pub(crate) fn phone_over(&self, line: &str, transport: &'static str) -> SippPhone<'_> {
        self.new_phone_over(line, transport).registered()
    }

    /// A registered phone of a line.
    pub(crate) fn phone(&self, line: &str) -> SippPhone<'_> {
        self.new_phone(line).registered()
    }

    /// The trunk's far side.
    pub(crate) fn trunk(&self) -> SippPhone<'_> {
        self.peer("+49301234", TRUNK_PORT, self.trunk)
    }

    /// The far side of one that the story has set up besides, over UDP: one SIPp plays one call at a time.
    pub(crate) fn trunk_at(&self, port: u16) -> SippPhone<'_> {
        self.peer("+49305678", port, "udp")
    }
}

impl SippPhone<'_> {
    /// The same phone at another address, and with another of the server's before its eyes.
    pub(crate) fn at(self, ip: IpAddr, server: SocketAddr) -> Self {
        // Stories have no IPv6 address of their own: the system knows which port is free.
        let free = || UdpSocket::bind((ip, 0)).unwrap().local_addr().unwrap().port();
        let port = if ip == self.pbx.ground.ip { self.port } else { free() };
        Self { ip, port, server, ..self }
    }

    /// Once it has registered.
    pub(crate) fn registered(self) -> Self {
        self.does("registering/register", &[]);
        self
    }

    /// Plays a scenario to its end.
    pub(crate) fn does(&self, scenario: &str, words: &[(&str, &str)]) {
        self.plays(scenario, words).ends_well();
    }

    /// Begins to play a scenario, and is reachable when this returns.
    pub(crate) fn plays(&self, scenario: &str, words: &[(&str, &str)]) -> Playing {
        self.play(scenario, words, &[])
    }

    /// As a trunk: somebody outside calls this number, and talks until the other side has enough.
    pub(crate) fn calls_from_outside(&self, number: &str) -> Playing {
        self.plays("calling/trunk_caller", &[("to", number), ("answer", "."), ("then", "talk")])
    }

    /// Plays a scenario many times at once, each time with other fields.
    pub(crate) fn plays_for_all(&self, scenario: &str, words: &[(&str, &str)], lines: &[String]) -> Playing {
        let file = self.pbx.out.join("lines.csv");
        fs::write(&file, format!("SEQUENTIAL\n{}\n", lines.join("\n"))).unwrap();
        let count = lines.len().to_string();
        self.play(scenario, words, &["-inf", &file.display().to_string(), "-m", &count, "-l", &count, "-r", "10000"])
    }

    /// Its user does what the scenario waits for with `<recv request="MESSAGE"/>`: a datagram that the server knows nothing of.
    pub(crate) fn acts(&self, playing: &Playing) {
        let call = playing.field("Call-ID", "");
        let message = format!(
            "MESSAGE sip:{line} SIP/2.0\r\nVia: SIP/2.0/UDP user;branch=z9hG4bKuser\r\nFrom: <sip:user>\r\n\
             To: <sip:{line}>\r\nCall-ID: {call}\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
            line = self.line
        );
        UdpSocket::bind((self.ip, 0)).unwrap().send_to(message.as_bytes(), (self.ip, self.port)).unwrap();
    }

    fn play(&self, scenario: &str, words: &[(&str, &str)], options: &[&str]) -> Playing {
        let Self { pbx, line, ip, port, transport, played, .. } = self;
        let number = played.replace(played.get() + 1);
        let base = scenario.rsplit('/').next().unwrap();
        let files = pbx.out.join(format!("sipp-{line}-{port}-{number}-{base}"));
        let with = |ending: &str| format!("{}.{ending}", files.display());
        fs::write(with("xml"), filled(scenario, self.words(words))).unwrap();

        let mut process = Process::start(
            "sipp",
            &self.arguments(&files, options),
            &pbx.out,
            &format!("{}.log", files.file_name().unwrap().display()),
        );
        let table = if *transport == "udp" { "udp" } else { "tcp" };
        eventually("SIPp listens", || (is_bound(*ip, *port, table) || process.ended().is_some()).then_some(()));
        Playing { process, files }
    }

    fn arguments(&self, files: &Path, options: &[&str]) -> Vec<String> {
        let Self { ip, port, server, transport, .. } = self;
        let with = |ending: &str| format!("{}.{ending}", files.display());
        let ip = ip.to_string();
        // It knows IPv4 alone for its control.
        let control_ip = self.pbx.ground.ip.to_string();
        let (sip, media, control) = (port.to_string(), (port + 2).to_string(), (port + 10).to_string());
        let mut arguments = vec!["-sf".into(), with("xml"), "-i".into(), ip.clone(), "-p".into(), sip];
        arguments.extend(["-mi".into(), ip, "-mp".into(), media, "-ci".into(), control_ip, "-cp".into(), control]);
        let transport = match *transport {
            "udp" => "u1",
            "tcp" => "t1",
            other => other,
        };
        // With a connection for each call it wants to know how many it may have.
        arguments.extend(["-t", transport, "-max_socket", "1000"].map(str::to_owned));
        arguments.extend(["-trace_msg".into(), "-message_file".into(), with("messages")]);
        arguments.extend(["-trace_err".into(), "-error_file".into(), with("errors")]);
        arguments.extend(["-timeout", "60s", "-timeout_error", "-nostdin"].map(str::to_owned));
        if options.is_empty() {
            arguments.extend(["-m", "1"].map(str::to_owned));
        }
        arguments.extend(options.iter().map(|&option| option.to_owned()));
        arguments.push(server.to_string());
        arguments
    }

    /// What every scenario may use.
    fn words(&self, given: &[(&str, &str)]) -> Words {
        let secret = password(&self.line);
        // SIPp puts the answer to the last challenge there.
        let credentials = format!("[authentication username={} password={secret}]", self.line);
        let usual = [("line", self.line.as_str()), ("credentials", &credentials), ("domain", DOMAIN)];
        // Further header fields of requests; the number of the request that an ACK is for; where a called phone says it is.
        let (ip, port) = (self.ip.to_string(), self.port.to_string());
        let usual = usual.into_iter().chain([("ip", ip.as_str()), ("port", &port)]);
        let usual = usual.chain([("more", ""), ("number", "[cseq]"), ("here", "[local_ip]:[local_port]")]);
        usual.chain(given.iter().copied()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl Playing {
    /// Everything came as the scenario has it.
    pub(crate) fn ends_well(mut self) {
        let ended = self.process.ends();
        let errors = fs::read_to_string(self.files.with_added_extension("errors")).unwrap_or_default();
        assert!(ended.is_some_and(|status| status.success()), "{}: {ended:?}\n{errors}", self.files.display());
    }

    /// Waits until a message with these words has come or gone.
    pub(crate) fn sees(&self, words: &str) {
        let messages = self.files.with_added_extension("messages");
        eventually(words, || fs::read_to_string(&messages).ok()?.contains(words).then_some(()));
    }

    /// How much later one message has come or gone than another, the first ones that begin so: SIPp notes when.
    pub(crate) fn between(&self, one: &str, other: &str) -> Duration {
        let messages = fs::read_to_string(self.files.with_added_extension("messages")).unwrap();
        let when = |words: &str| {
            let (before, _) = messages.split_once(words).unwrap_or_else(|| panic!("{words} never came or went"));
            // `----- 2026-11-29 10:44:07.123456`, and then the message.
            let line = before.lines().rfind(|line| line.starts_with("-----")).unwrap();
            let mut clock = line.rsplit(' ').next().unwrap().split(':').map(|part| part.parse::<f64>().unwrap());
            let [hours, minutes, seconds] = [(); 3].map(|()| clock.next().unwrap());
            hours * 3600.0 + minutes * 60.0 + seconds
        };
        // Midnight may lie between.
        Duration::from_secs_f64((when(other) - when(one)).rem_euclid(86_400.0))
    }

    /// The first `name="value"` that has come or gone.
    pub(crate) fn attribute(&self, name: &str) -> String {
        let (messages, begin) = (self.files.with_added_extension("messages"), format!(" {name}=\""));
        eventually(name, || {
            let text = fs::read_to_string(&messages).ok()?;
            let (value, _) = text.split_once(&begin)?.1.split_once('"')?;
            Some(value.to_owned())
        })
    }

    /// The first header field of this name that has come or gone and holds `words`.
    pub(crate) fn field(&self, name: &str, words: &str) -> String {
        let messages = self.files.with_added_extension("messages");
        eventually(name, || {
            let text = fs::read_to_string(&messages).ok()?;
            let mut values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            values.find(|value| value.contains(words)).map(str::to_owned)
        })
    }
}

/// All of them end well.
pub(crate) fn side_by_side<const N: usize>(plays: [Playing; N]) {
    plays.into_iter().for_each(Playing::ends_well);
}

/// Whether somebody has bound the port, as the kernel sees it: for datagrams, to listen, or with a connection that is not an
/// earlier owner's.
fn is_bound(ip: IpAddr, port: u16, table: &str) -> bool {
    let (octets, six) = match ip {
        IpAddr::V4(ip) => (ip.octets().to_vec(), ""),
        IpAddr::V6(ip) => (ip.octets().to_vec(), "6"),
    };
    let words = octets.chunks_exact(4).map(|four| u32::from_le_bytes(four.try_into().unwrap()));
    let at = format!("{}:{port:04X}", words.map(|word| format!("{word:08X}")).collect::<String>());
    // A number, whose, with whom, in which state.
    let is_alive = |row: &str| {
        let mut columns = row.split_whitespace().skip(1);
        columns.next() == Some(&at) && (table == "udp" || matches!(columns.nth(1), Some(LISTENING | CONNECTED)))
    };
    fs::read_to_string(format!("/proc/thread-self/net/{table}{six}")).unwrap().lines().any(is_alive)
}

/// The text of a scenario with its parts and words.
fn filled(scenario: &str, words: Words) -> String {
    let text = assembled(scenario, &words);
    let open = |(at, _): (usize, &str)| text[at + 1..].starts_with(|c: char| c.is_ascii_lowercase());
    if let Some((at, _)) = text.match_indices('{').find(|found| open(*found)) {
        panic!("{scenario}: nobody said what this is: {}", text[at..].split_inclusive('}').next().unwrap());
    }
    text
}

fn assembled(name: &str, words: &Words) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop-tests/stories").join(name).with_extension("xml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut whole = Vec::new();
    for line in text.lines() {
        match line.trim().strip_prefix("<part ").and_then(|part| part.strip_suffix("/>")) {
            Some(part) => {
                let mut inner = words.clone();
                inner.extend(attributes(part).map(|(name, value)| (name.to_owned(), with_words(value, words))));
                let name = inner.remove("name").unwrap();
                whole.push(assembled(&format!("parts/{name}"), &inner));
            }
            // A header field that a story leaves out leaves no empty line: that would end the header.
            None => {
                whole.extend(Some(with_words(line, words)).filter(|with| line.is_empty() || !with.trim().is_empty()))
            }
        }
    }
    whole.join("\n")
}

/// `name="value"` after `name="value"`.
fn attributes(part: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut pieces = part.split('"');
    std::iter::from_fn(move || Some((pieces.next()?.trim().strip_suffix('=')?, pieces.next()?)))
}

fn with_words(text: &str, words: &Words) -> String {
    words.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}
