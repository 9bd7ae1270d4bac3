//! baresip, driven over its control connection: commands go there, events come from there.
use crate::peers::{PATIENCE, Pbx, Process, eventually, password};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const GLANCE: Duration = Duration::from_millis(50);

/// It binds these on every address, whatever it is told: apart from the server's ports, from those of other peers
/// and from those that the system hands out.
const RTP: &str = "22000-31999";

/// A softphone with a recorded voice, and a loudspeaker that nobody hears.
pub(crate) struct Baresip {
    _process: Process,
    control: RefCell<Control>,
    /// Where it writes what it hears.
    directory: PathBuf,
    /// The server's SIP address, which is the domain of what it dials.
    domain: SocketAddr,
    transport: String,
}

/// The control connection: messages of JSON in netstrings.
struct Control {
    stream: TcpStream,
    received: Vec<u8>,
    /// What happened and nobody has asked about yet.
    events: VecDeque<Value>,
    answers: VecDeque<Value>,
}

impl Pbx {
    /// Starts a softphone of a line, and waits until it is registered.
    pub(crate) fn baresip(&self, line: &str) -> Baresip {
        self.baresip_over(line, "udp")
    }

    /// The same over this transport.
    pub(crate) fn baresip_over(&self, line: &str, transport: &str) -> Baresip {
        self.baresip_with(line, transport, "PCMA/8000/1")
    }

    /// One that speaks this codec alone, as baresip writes it: with its samples a second, and its channels.
    pub(crate) fn baresip_speaking(&self, line: &str, codec: &str) -> Baresip {
        self.baresip_with(line, "udp", codec)
    }

    /// One that watches a contact.
    pub(crate) fn baresip_watching(&self, line: &str, contact: &str) -> Baresip {
        let contact = format!("\"Watched\" <sip:{contact}@{}>;presence=p2p\n", self.sip);
        self.baresip_of(line, "udp", "PCMA/8000/1", &contact)
    }

    fn baresip_with(&self, line: &str, transport: &str, codec: &str) -> Baresip {
        self.baresip_of(line, transport, codec, "")
    }

    fn baresip_of(&self, line: &str, transport: &str, codec: &str, contacts: &str) -> Baresip {
        let (ip, port) = (self.ground.ip, self.ground.ports());
        let directory = self.out.join(format!("baresip-{line}-{port}"));
        fs::create_dir_all(&directory).unwrap();
        let control = SocketAddr::new(ip, port + 10);
        let watching = if contacts.is_empty() { "" } else { WATCHING };
        fs::write(directory.join("config"), configuration(SocketAddr::new(ip, port), control) + watching).unwrap();
        let (server, secret) = (self.sip, password(line));
        let account =
            format!("<sip:{line}@{server};transport={transport}>;auth_pass={secret};regint=300;audio_codecs={codec}\n");
        fs::write(directory.join("accounts"), account).unwrap();
        fs::write(directory.join("contacts"), contacts).unwrap();
        fs::write(directory.join("voice.wav"), voice(codec)).unwrap();

        let arguments = ["-f", ".", "-s", "-v"].map(str::to_owned);
        let process = Process::start("baresip", &arguments, &directory, "baresip.log");
        let stream = eventually("baresip listens", || TcpStream::connect(control).ok());
        stream.set_read_timeout(Some(GLANCE)).unwrap();
        let control = Control { stream, received: Vec::new(), events: VecDeque::new(), answers: VecDeque::new() };
        let phone = Baresip {
            _process: process,
            control: RefCell::new(control),
            directory,
            domain: self.sip,
            transport: transport.to_owned(),
        };
        eventually("baresip is registered", || phone.asks("reginfo").contains("OK").then_some(()));
        phone
    }
}

impl Baresip {
    pub(crate) fn dials(&self, number: &str) {
        self.does("dial", &format!("sip:{number}@{};transport={}", self.domain, self.transport));
    }

    /// Waits until it shows that a contact can be reached.
    pub(crate) fn sees_online(&self, contact: &str) {
        let is_online = |list: &str| list.lines().any(|line| line.contains("Online") && line.contains(contact));
        eventually("the contact is online", || is_online(&self.asks("contacts")).then_some(()));
    }

    pub(crate) fn answers(&self) {
        self.does("accept", "");
    }

    pub(crate) fn holds(&self) {
        self.does("hold", "");
    }

    pub(crate) fn resumes(&self) {
        self.does("resume", "");
    }

    pub(crate) fn hangs_up(&self) {
        self.does("hangup", "");
    }

    /// Sends a key, as an event in the media.
    pub(crate) fn presses(&self, key: char) {
        self.does("sndcode", &key.to_string());
    }

    /// Sends the other party elsewhere, without asking there first.
    pub(crate) fn transfers_to(&self, number: &str) {
        self.does("transfer", &format!("sip:{number}@{}", self.domain));
    }

    /// Waits for an event, past those that came before it.
    fn sees(&self, event: &str) -> Value {
        self.sees_all(&[event])
    }

    /// Waits until all these events have come, in whatever order; tells the last.
    fn sees_all(&self, events: &[&str]) -> Value {
        let mut control = self.control.borrow_mut();
        let deadline = Instant::now() + PATIENCE;
        let (mut missing, mut passed) = (events.to_vec(), Vec::new());
        loop {
            while let Some(seen) = control.events.pop_front() {
                missing.retain(|event| seen["type"] != *event);
                if missing.is_empty() {
                    return seen;
                }
                passed.push(seen["type"].as_str().unwrap_or_default().to_owned());
            }
            assert!(Instant::now() < deadline, "baresip has not seen {missing:?}, only {passed:?}");
            control.receive();
        }
    }

    /// Waits for a call, and whose name it shows.
    pub(crate) fn rings(&self) -> String {
        let incoming = self.sees("CALL_INCOMING");
        incoming["peerdisplayname"].as_str().unwrap_or_default().to_owned()
    }

    /// A connected call with sound from the other side.
    pub(crate) fn talks(&self) {
        // The called side may hear the caller before its own answer is acknowledged.
        self.sees_all(&["CALL_ESTABLISHED", "CALL_RTPESTAB"]);
    }

    pub(crate) fn is_connected(&self) {
        self.sees("CALL_ESTABLISHED");
    }

    /// The first sound of a call.
    pub(crate) fn hears_something(&self) {
        self.sees("CALL_RTPESTAB");
    }

    /// The other side, or the server, ended the call.
    pub(crate) fn is_hung_up(&self) {
        self.sees("CALL_CLOSED");
    }

    /// Everything that it heard in its only call, which is over.
    pub(crate) fn has_heard(&self) -> Vec<i16> {
        let is_recording = |path: &PathBuf| path.to_string_lossy().ends_with("-dec.wav");
        eventually("the recording is closed", || {
            let files = fs::read_dir(&self.directory).unwrap().map(|file| file.unwrap().path());
            let recording = hound::WavReader::open(files.into_iter().find(is_recording)?).ok()?;
            // Its length is written when it is closed.
            recording.into_samples().collect::<Result<Vec<_>, _>>().ok().filter(|heard| !heard.is_empty())
        })
    }

    /// Waits until what it heard in one of its calls, which is over, is as it should be.
    pub(crate) fn has_heard_in_a_call(&self, is_right: impl Fn(&[i16]) -> bool) {
        let right = |path: PathBuf| {
            let recording = hound::WavReader::open(path).ok()?;
            recording.into_samples().collect::<Result<Vec<_>, _>>().ok().filter(|heard| is_right(heard))
        };
        eventually("it was heard", || {
            let files = fs::read_dir(&self.directory).unwrap().map(|file| file.unwrap().path());
            files.filter(|path| path.to_string_lossy().ends_with("-dec.wav")).find_map(right).map(drop)
        });
    }

    fn does(&self, command: &str, about: &str) {
        let answer = self.ask(command, about);
        assert_eq!(answer["ok"], true, "baresip could not {command} {about}: {answer}");
    }

    fn asks(&self, command: &str) -> String {
        self.ask(command, "")["data"].as_str().unwrap_or_default().to_owned()
    }

    fn ask(&self, command: &str, about: &str) -> Value {
        let mut control = self.control.borrow_mut();
        let message = json!({ "command": command, "params": about }).to_string();
        write!(control.stream, "{}:{message},", message.len()).unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = control.answers.pop_front() {
                return answer;
            }
            assert!(Instant::now() < deadline, "baresip does not answer to {command}");
            control.receive();
        }
    }
}

impl Control {
    /// Takes what has come, and sorts it.
    fn receive(&mut self) {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => panic!("baresip ended"),
            Ok(length) => self.received.extend_from_slice(&piece[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => panic!("baresip: {error}"),
        }
        while let Some(message) = self.message() {
            let queue = if message["event"] == true { &mut self.events } else { &mut self.answers };
            queue.push_back(message);
        }
    }

    /// The first whole message.
    fn message(&mut self) -> Option<Value> {
        let colon = self.received.iter().position(|&byte| byte == b':')?;
        let length: usize = std::str::from_utf8(&self.received[..colon]).unwrap().trim().parse().unwrap();
        let end = colon + 1 + length;
        if self.received.len() <= end {
            return None;
        }
        let message = serde_json::from_slice(&self.received[colon + 1..end]).unwrap();
        self.received.drain(..=end);
        Some(message)
    }
}

/// What watches contacts. (Version 1.0.0's mwi module subscribes again without end as soon as it has been challenged, and
/// does nothing else any more.)
const WATCHING: &str = "module_app contact.so\nmodule_app presence.so\n";

/// Without a jitter buffer: version 1.0.0's takes the packets of whoever is heard next for late ones if their numbers happen
/// to be lower, and drops them all (baresip issue 817). On loopback none comes late.
fn configuration(sip: SocketAddr, control: SocketAddr) -> String {
    format!(
        "sip_listen {sip}
audio_source aufile,voice.wav
audio_player aubridge,nobody
audio_alert aubridge,nobody
audio_level no
rtp_ports {RTP}
jitter_buffer_delay 0-0
call_max_calls 4
module_path /usr/lib/baresip/modules
module g711.so
module g722.so
module opus.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path .
module_tmp uuid.so
module_tmp account.so
module_app ctrl_tcp.so
module_app menu.so
ctrl_tcp_listen {control}
"
    )
}

/// How loud all of a voice is.
pub(crate) const LOUDNESS: i16 = 2_000;

/// A buzz that lasts longer than any story, as a WAV file of 16 bits for a codec like `PCMA/8000/1`.
fn voice(codec: &str) -> Vec<u8> {
    let numbers: Vec<u32> = codec.split('/').skip(1).map(|number| number.parse().unwrap()).collect();
    let (rate, channels) = (numbers[0], numbers[1]);
    let samples = rate * channels * 60;
    let sizes = [36 + 2 * samples, 16, 2 * samples].map(u32::to_le_bytes);
    let mut file = [&b"RIFF"[..], &sizes[0], b"WAVEfmt ", &sizes[1]].concat();
    let (frame, second) = (2 * channels as u8, 2 * channels * rate);
    let kind = [1, 0, channels as u8, 0];
    file.extend(kind.iter().chain(&rate.to_le_bytes()).chain(&second.to_le_bytes()).chain(&[frame, 0, 16, 0]));
    file.extend([&b"data"[..], &sizes[2]].concat());
    file.extend((0..samples).flat_map(|n| if n % 20 < 10 { LOUDNESS } else { -LOUDNESS }.to_le_bytes()));
    file
}
