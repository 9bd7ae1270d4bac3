//! Tapes: all that a PBX receives in some calls, recorded once, so that playing them costs the engine and nothing else.
//!
//! The engine's chance is seeded. A first engine talks to two simple peers, and what they send is the tape; a second
//! engine with the same seed says the same when it hears the same.
#![forbid(unsafe_code)]

mod kept;

pub use kept::Kept;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use switchyard_engine::settings::{Codec, Dtmf, Listener, MediaSettings, MediaWay, Settings, Transport, TrunkSettings};
use switchyard_engine::wire::{Message, Method, Name, Status};
use switchyard_engine::{Engine, Flow, Input, Output, Time};

/// The address of the PBX.
pub const PBX: &str = "127.0.0.1:5060";
/// The calling trunk's address.
pub const CALLER: &str = "127.0.0.1:5070";
/// The called trunk's address.
pub const CALLEE: &str = "127.0.0.1:5080";

/// A telephone call's usual description, 252 bytes.
pub const DESCRIPTION: &str = "v=0\r\n\
    o=bench 53655765 2353687637 IN IP4 127.0.0.1\r\n\
    s=-\r\n\
    c=IN IP4 127.0.0.1\r\n\
    t=0 0\r\n\
    m=audio 16384 RTP/AVP 0 8 101\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\n\
    a=ptime:20\r\n\
    a=sendrecv\r\n";

/// How far the calls of a tape go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The callee rings.
    Ringing,
    /// Both talk.
    Talking,
    /// The caller has hung up: 14 messages in all.
    Over,
}

/// What a PBX receives.
#[derive(Debug)]
pub struct Tape {
    /// When, from whom, what.
    pub inputs: Vec<(Time, SocketAddr, Vec<u8>)>,
    /// How many calls.
    pub calls: usize,
}

/// A PBX with two trunks and nothing else; always the same seed.
pub fn engine() -> Engine {
    let trunk = |name: &str, address: &str, prefix: Option<&str>| TrunkSettings {
        name: name.to_owned(),
        address: address.parse().unwrap_or_else(|_| unreachable!("an address of this file")),
        transport: Transport::Udp,
        trusted: Vec::new(),
        prefix: prefix.map(str::to_owned),
        strip: 0,
        media: MediaWay::Direct,
        dtmf: Dtmf::Auto,
    };
    let address = PBX.parse().unwrap_or_else(|_| unreachable!("an address of this file"));
    Engine::new(Settings {
        listeners: vec![Listener { transport: Transport::Udp, address, advertise: None, prefix: None }],
        trunks: vec![trunk("caller", CALLER, None), trunk("callee", CALLEE, Some("u"))],
        media: MediaSettings {
            address: None,
            ports: 30_000..=30_999,
            codecs: Codec::USUAL.to_vec(),
            lines: MediaWay::Auto,
            hold_music: false,
            rtp_timeout_hold: Duration::from_secs(600),
        },
        seed: [7; 32],
        ..Settings::new("pbx.test")
    })
}

impl Tape {
    /// Records this many calls, 10 ms apart, each until then. An answered call lasts 200 ms.
    pub fn record(calls: usize, until: Until) -> Self {
        Self::record_at(100, calls, until)
    }

    /// Records this many calls, so many a second.
    pub fn record_at(rate: usize, calls: usize, until: Until) -> Self {
        let mut recorder = Recorder { engine: engine(), inputs: Vec::new(), pending: BTreeMap::new(), said: 0, until };
        for call in 0..calls {
            let at = Time::from_micros(1_000_000 + 1_000_000 * call as u64 / rate as u64);
            recorder.run(Some(at));
            recorder.say(at, CALLER, invite(call));
        }
        recorder.run(None);
        Self { inputs: recorder.inputs, calls }
    }

    /// Plays it to an engine; `out` is emptied after every input, as the loop does.
    pub fn play(&self, engine: &mut Engine, out: &mut Output) {
        Self::play_part(&self.inputs, engine, out);
    }

    /// Plays a part of one.
    pub fn play_part(inputs: &[(Time, SocketAddr, Vec<u8>)], engine: &mut Engine, out: &mut Output) {
        for (at, source, bytes) in inputs {
            engine.handle(*at, Input::Datagram { flow: Flow(0), source: *source, bytes }, out);
            out.clear();
        }
    }
}

struct Recorder {
    engine: Engine,
    inputs: Vec<(Time, SocketAddr, Vec<u8>)>,
    /// What the peers are going to send, by when; of the same moment in the order it was said.
    pending: BTreeMap<(Time, usize), (&'static str, Vec<u8>)>,
    said: usize,
    until: Until,
}

impl Recorder {
    /// Everything that the peers send until then.
    fn run(&mut self, end: Option<Time>) {
        while let Some(next) = self.pending.first_entry().filter(|next| end.is_none_or(|end| next.key().0 < end)) {
            let ((at, _), (from, bytes)) = next.remove_entry();
            self.say(at, from, bytes);
        }
    }

    fn say(&mut self, at: Time, from: &'static str, bytes: Vec<u8>) {
        let source = from.parse().unwrap_or_else(|_| unreachable!("an address of this file"));
        let mut out = Output::default();
        self.engine.handle(at, Input::Datagram { flow: Flow(0), source, bytes: &bytes }, &mut out);
        self.inputs.push((at, source, bytes));
        for sent in &out.datagrams {
            self.hear(at, out.message(sent));
        }
    }

    fn send(&mut self, at: Time, from: &'static str, bytes: Vec<u8>) {
        self.said += 1;
        self.pending.insert((at, self.said), (from, bytes));
    }

    /// What a peer does about a message of the PBX.
    fn hear(&mut self, at: Time, bytes: &[u8]) {
        let Ok(message) = Message::parse(bytes) else { return };
        let soon = at + Duration::from_millis(1);
        match (message.method(), message.status()) {
            (Some(Method::Invite), _) => {
                self.send(soon, CALLEE, respond(&message, Status::TRYING, ""));
                self.send(soon + Duration::from_millis(1), CALLEE, respond(&message, Status::RINGING, ""));
                if self.until != Until::Ringing {
                    let answer = respond(&message, Status::OK, DESCRIPTION);
                    self.send(at + Duration::from_millis(50), CALLEE, answer);
                }
            }
            (Some(Method::Bye), _) => self.send(soon, CALLEE, respond(&message, Status::OK, "")),
            (None, Some(Status::OK)) if message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite) => {
                self.send(soon, CALLER, request(&message, "ACK", 1));
                if self.until == Until::Over {
                    self.send(at + Duration::from_millis(200), CALLER, request(&message, "BYE", 2));
                }
            }
            (_, _) => {}
        }
    }
}

/// The INVITE of a call.
pub fn invite(call: usize) -> Vec<u8> {
    format!(
        "INVITE sip:u{call:05}@{PBX} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {CALLER};branch=z9hG4bKbench{call:08}\r\n\
         From: \"Bench caller\" <sip:caller@{PBX}>;tag=c{call:08}\r\n\
         To: <sip:u{call:05}@{PBX}>\r\n\
         Call-ID: bench-{call:08}@127.0.0.1\r\n\
         CSeq: 1 INVITE\r\n\
         Contact: <sip:caller@{CALLER}>\r\n\
         Max-Forwards: 70\r\n\
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, INFO, UPDATE\r\n\
         User-Agent: bench\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{DESCRIPTION}",
        DESCRIPTION.len()
    )
    .into_bytes()
}

fn respond(request: &Message<'_>, status: Status, body: &str) -> Vec<u8> {
    let text = |name| String::from_utf8_lossy(request.header(name).unwrap_or_default()).into_owned();
    let tag = if request.to_tag().is_some() { "" } else { ";tag=callee" };
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {} {}\r\nVia: {}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:bench@{CALLEE}>\r\n{content}Content-Length: {}\r\n\r\n{body}",
        status.code(),
        status.reason(),
        text(Name::Via),
        text(Name::From),
        text(Name::To),
        text(Name::CallId),
        text(Name::CSeq),
        body.len()
    )
    .into_bytes()
}

fn request(answer: &Message<'_>, method: &str, number: u32) -> Vec<u8> {
    let text = |name| String::from_utf8_lossy(answer.header(name).unwrap_or_default()).into_owned();
    let call_id = text(Name::CallId);
    format!(
        "{method} sip:{PBX} SIP/2.0\r\nVia: SIP/2.0/UDP {CALLER};branch=z9hG4bK{method}{call_id}\r\nFrom: {}\r\n\
         To: {}\r\nCall-ID: {call_id}\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        text(Name::From),
        text(Name::To),
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_plays_as_it_was_recorded() {
        let tape = Tape::record(20, Until::Over);
        assert_eq!(tape.inputs.len(), 20 * 7, "seven messages in per call");
        let mut engine = engine();
        tape.play(&mut engine, &mut Output::default());
        let counters = engine.snapshot(Time::from_micros(9_000_000)).counters;
        let ended: u64 = counters.calls.iter().flat_map(|calls| calls.ended.iter()).map(|(.., count)| count).sum();
        assert_eq!(ended, 20);
        assert!(engine.is_idle());
    }
}
