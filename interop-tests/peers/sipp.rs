//! SIPp as a phone or a trunk: plays scenarios, written once and filled in.
//!
//! A scenario is `stories/<name>.xml`. In it, `{word}` stands for what the story gave, and a line
//! `<part name="x" word="…"/>` for `stories/parts/x.xml`. What SIPp plays is kept beside its message log.
use super::switchyard::{DOMAIN, TRUNK_PORT, password};
use super::{Pbx, Process, eventually};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What the words in braces stand for.
type Words = BTreeMap<String, String>;

/// A place where SIPp plays one scenario after another: for the server, always the same phone.
pub(crate) struct SippPhone<'a> {
    pbx: &'a Pbx,
    line: String,
    port: u16,
    /// As SIPp calls it: `u1`, `t1` (one connection), `tn` (one for each call).
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
        self.new_phone_over(line, "u1")
    }

    fn new_phone_over(&self, line: &str, transport: &'static str) -> SippPhone<'_> {
        SippPhone { pbx: self, line: line.to_owned(), port: self.ground.ports(), transport, played: Cell::new(0) }
    }

    /// A registered phone of a line that speaks TCP.
    pub(crate) fn phone_over_tcp(&self, line: &str, transport: &'static str) -> SippPhone<'_> {
        let phone = self.new_phone_over(line, transport);
        phone.does("registering/register", &[]);
        phone
    }

    /// A registered phone of a line.
    pub(crate) fn phone(&self, line: &str) -> SippPhone<'_> {
        let phone = self.new_phone(line);
        phone.does("registering/register", &[]);
        phone
    }

    /// The trunk's far side.
    pub(crate) fn trunk(&self) -> SippPhone<'_> {
        SippPhone { pbx: self, line: "+49301234".into(), port: TRUNK_PORT, transport: "u1", played: Cell::new(0) }
    }
}

impl SippPhone<'_> {
    /// Plays a scenario to its end.
    pub(crate) fn does(&self, scenario: &str, words: &[(&str, &str)]) {
        self.plays(scenario, words).ends_well();
    }

    /// Begins to play a scenario, and is reachable when this returns.
    pub(crate) fn plays(&self, scenario: &str, words: &[(&str, &str)]) -> Playing {
        self.play(scenario, words, &[])
    }

    /// Plays a scenario many times at once, each time with other fields.
    pub(crate) fn plays_for_all(&self, scenario: &str, words: &[(&str, &str)], lines: &[String]) -> Playing {
        let file = self.pbx.out.join("lines.csv");
        fs::write(&file, format!("SEQUENTIAL\n{}\n", lines.join("\n"))).unwrap();
        let count = lines.len().to_string();
        self.play(scenario, words, &["-inf", &file.display().to_string(), "-m", &count, "-l", &count, "-r", "10000"])
    }

    fn play(&self, scenario: &str, words: &[(&str, &str)], options: &[&str]) -> Playing {
        let Self { pbx, line, port, transport, played } = self;
        let number = played.replace(played.get() + 1);
        let base = scenario.rsplit('/').next().unwrap();
        let files = pbx.out.join(format!("sipp-{line}-{port}-{number}-{base}"));
        let with = |ending: &str| format!("{}.{ending}", files.display());
        fs::write(with("xml"), filled(scenario, self.words(words))).unwrap();

        let ip = pbx.ground.ip.to_string();
        let (sip, media, control) = (port.to_string(), (port + 2).to_string(), (port + 10).to_string());
        let mut arguments = vec!["-sf".into(), with("xml"), "-i".into(), ip.clone(), "-p".into(), sip];
        arguments.extend(["-mi".into(), ip.clone(), "-mp".into(), media, "-ci".into(), ip, "-cp".into(), control]);
        // With a connection for each call it wants to know how many it may have.
        arguments.extend(["-t", transport, "-max_socket", "1000"].map(str::to_owned));
        arguments.extend(["-trace_msg".into(), "-message_file".into(), with("messages")]);
        arguments.extend(["-trace_err".into(), "-error_file".into(), with("errors")]);
        arguments.extend(["-timeout", "40s", "-timeout_error", "-nostdin"].map(str::to_owned));
        if options.is_empty() {
            arguments.extend(["-m", "1"].map(str::to_owned));
        }
        arguments.extend(options.iter().map(|&option| option.to_owned()));
        arguments.push(pbx.sip.to_string());

        let log = format!("{}.log", files.file_name().unwrap().display());
        let mut process = Process::start("sipp", &arguments, &pbx.out, &log);
        let table = if transport.starts_with('t') { "tcp" } else { "udp" };
        eventually("SIPp listens", || (is_bound(pbx, *port, table) || process.ended().is_some()).then_some(()));
        Playing { process, files }
    }

    /// What every scenario may use.
    fn words(&self, given: &[(&str, &str)]) -> Words {
        let secret = password(&self.line);
        // SIPp puts the answer to the last challenge there.
        let credentials = format!("[authentication username={} password={secret}]", self.line);
        let usual = [("line", self.line.as_str()), ("credentials", &credentials), ("domain", DOMAIN)];
        usual.iter().chain(given).map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
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
}

/// All of them end well.
pub(crate) fn side_by_side<const N: usize>(plays: [Playing; N]) {
    plays.into_iter().for_each(Playing::ends_well);
}

/// Whether somebody has bound the port, as the kernel sees it.
fn is_bound(pbx: &Pbx, port: u16, table: &str) -> bool {
    let std::net::IpAddr::V4(ip) = pbx.ground.ip else { return false };
    let bound = format!(" {:08X}:{port:04X} ", u32::from_le_bytes(ip.octets()));
    fs::read_to_string(format!("/proc/net/{table}")).unwrap().contains(&bound)
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
