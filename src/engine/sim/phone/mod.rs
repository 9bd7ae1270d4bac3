//! A telephone: it registers, calls, answers, holds, transfers, and now and then falls off the table.
//!
//! Its transaction layer and its reader are its own; what it finds wrong in what it is told it writes down as a
//! complaint, and the world fails the test.
mod answered;
mod asked;
mod lamps;
mod layer;
mod media;
mod reliable;
mod verbs;

pub(super) use lamps::{Lamp, Subscribe};
pub(super) use media::{HoldStyle, Media};
pub(super) use verbs::Dial;

use super::network::Dice;
use super::sip::{Sip, quoted};
use crate::base::Time;
use layer::{Client, Server, Struck, Wish};
use md5::Digest;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What a phone does when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It rings until it is told.
    WhenTold,
    /// It answers by itself after so long.
    After(Duration),
    /// It refuses at once.
    Refuse(u16),
}

/// How a phone behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    pub(super) answers: Answer,
    /// It sends media before it answers.
    pub(super) early_media: bool,
    /// It understands changed From fields (RFC 4916).
    pub(super) from_change: bool,
    /// UPDATE stands in its Allow.
    pub(super) update: bool,
    /// It answers changes of its calls so.
    pub(super) refuses_changes: Option<u16>,
    /// Its media is at another port after every change.
    pub(super) moves: bool,
    /// It hangs up when a transfer is done.
    pub(super) leaves_after_transfer: bool,
    /// It never acknowledges a 200.
    pub(super) no_ack: bool,
    /// It tries again when both changed the call at once.
    pub(super) retries: bool,
    /// `100rel` stands in its Supported, or even in its Require (RFC 3262).
    pub(super) reliable: Option<Reliable>,
    /// It acknowledges no provisional response.
    pub(super) no_prack: bool,
    /// Once media is agreed on, its PRACKs make new offers (RFC 3262 §5).
    pub(super) prack_offers: bool,
    /// It answers NOTIFYs of its lamps so; with 0 not at all.
    pub(super) answers_lamps: u16,
    /// It has session timers (RFC 4028): the Session-Expires of its requests, and whether it wants to refresh.
    pub(super) session: Option<(u32, bool)>,
}

/// What a phone says of reliable provisional responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reliable {
    Supported,
    Required,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            answers: Answer::WhenTold,
            early_media: false,
            from_change: false,
            update: true,
            refuses_changes: None,
            moves: false,
            leaves_after_transfer: true,
            no_ack: false,
            retries: true,
            reliable: None,
            no_prack: false,
            prack_offers: false,
            answers_lamps: 200,
            session: None,
        }
    }
}

/// Where a call stands, as the phone sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Calling,
    Ringing,
    Up,
    Over,
}

/// A call on a phone.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) call_id: String,
    local: String,
    remote: String,
    local_tag: String,
    remote_tag: String,
    target: String,
    cseq: u32,
    remote_cseq: u32,
    pub(super) stage: Stage,
    pub(super) outgoing: bool,
    /// The branch of its INVITE.
    invite: String,
    /// What its INVITE says besides, for the answer to a challenge.
    request: (String, String, String),
    challenged: bool,
    heard: bool,
    /// It hears the far end ring.
    pub(super) alerted: bool,
    cancelled: bool,
    pub(super) media: Media,
    /// Our own change of the call that is not answered.
    changing: bool,
    /// Our 200 had an offer; the ACK has its answer.
    late: bool,
    acks: Vec<(u32, Vec<u8>)>,
    /// Reliable provisional responses may be sent, and the last RSeq.
    reliable: bool,
    rseq: u32,
    pracked: bool,
    /// Media was agreed on before the answer.
    pub(super) agreed: bool,
    /// Who is at the other end, as the phone shows it.
    pub(super) shown: String,
    /// How it ended.
    pub(super) ended: String,
    /// What NOTIFYs told of a transfer.
    pub(super) notified: Vec<String>,
    /// What was answered to the last REFER, INFO or change.
    pub(super) answered: Option<(u16, String)>,
    /// INFOs heard.
    pub(super) passed: Vec<String>,
    pub(super) since: Time,
}

impl Call {
    /// Its dialog, as a Replaces sent to the server names it.
    pub(super) fn named(&self) -> String {
        format!("{};to-tag={};from-tag={}", self.call_id, self.remote_tag, self.local_tag)
    }

    /// The same for somebody else, who sees it from the other side.
    pub(super) fn named_from_afar(&self) -> String {
        format!("{};to-tag={};from-tag={}", self.call_id, self.local_tag, self.remote_tag)
    }

    /// A Refer-To that wants this call replaced by one to that number.
    pub(super) fn refer_to(&self, number: &str) -> String {
        refer_to(number, &self.named())
    }

    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }
}

/// `<sip:700@pbx.test?Replaces=…>` for the dialog of this name.
pub(super) fn refer_to(number: &str, named: &str) -> String {
    format!("<sip:{number}@pbx.test?Replaces={}>", named.replace(';', "%3B").replace('=', "%3D"))
}

/// What a phone means to do later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Answer(u32),
    Register,
    ChangeAgain(u32),
}

/// The telephone.
#[derive(Debug)]
pub(super) struct Phone {
    pub(super) number: String,
    pub(super) name: String,
    pub(super) password: Option<String>,
    pub(super) address: SocketAddr,
    pub(super) server: SocketAddr,
    /// It speaks TCP.
    pub(super) stream: bool,
    /// Others can connect to it.
    pub(super) listens: bool,
    /// It wants to be called over its own connection alone (RFC 5626).
    pub(super) outbound: bool,
    /// What it takes its own address for: it is behind a NAT.
    pub(super) inside: Option<SocketAddr>,
    /// Its end of the connection, and how many it had.
    pub(super) connection: Option<SocketAddr>,
    pub(super) connections: u16,
    pub(super) manners: Manners,
    /// Where its media is said to be, if that is another host.
    pub(super) media_at: Option<IpAddr>,
    /// The m-lines after the first, and what belongs to them.
    pub(super) streams: String,
    /// How its sound goes, unless as nearly everybody's.
    pub(super) line: Option<&'static str>,
    pub(super) calls: BTreeMap<u32, Call>,
    /// What it watches.
    pub(super) lamps: BTreeMap<u32, Lamp>,
    /// What it says of its user: to whom, with which header lines, in which words.
    publication: Option<(String, String, String)>,
    pub(super) registered: bool,
    /// It says and hears nothing any more.
    pub(super) crashed: bool,
    pub(super) complaints: Vec<String>,
    pub(super) outbox: Vec<Vec<u8>>,
    clients: Vec<Client>,
    servers: Vec<Server>,
    agenda: Vec<(Time, Plan)>,
    pub(super) now: Time,
    ids: u32,
    /// It has answered the registrar's challenge.
    proved: bool,
    /// It takes its contact back.
    leaving: bool,
    dice: Dice,
    /// Over calls are forgotten after a while.
    pub(super) forgetful: bool,
    due: Option<Time>,
}

impl Phone {
    pub(super) fn new(number: &str, name: &str, address: SocketAddr, server: SocketAddr) -> Self {
        Self {
            number: number.into(),
            name: name.into(),
            password: Some(format!("secret-{number}")),
            address,
            server,
            stream: false,
            listens: false,
            outbound: false,
            inside: None,
            connection: None,
            connections: 0,
            manners: Manners::default(),
            media_at: None,
            streams: String::new(),
            line: None,
            calls: BTreeMap::new(),
            lamps: BTreeMap::new(),
            publication: None,
            registered: false,
            crashed: false,
            complaints: Vec::new(),
            outbox: Vec::new(),
            clients: Vec::new(),
            servers: Vec::new(),
            agenda: Vec::new(),
            now: Time::ZERO,
            ids: 0,
            proved: false,
            leaving: false,
            dice: Dice::new(u64::from(address.port()) << 32 | u64::from(number.len() as u32) ^ hash_of(&address)),
            forgetful: false,
            due: None,
        }
    }

    /// When it next does something by itself.
    pub(super) const fn due(&self) -> Option<Time> {
        self.due
    }

    /// Looks at its own clock anew.
    pub(super) fn settle(&mut self) {
        if self.crashed {
            self.due = None;
            return;
        }
        let clients = self.clients.iter().map(Client::next);
        let servers = self.servers.iter().map(Server::next);
        self.due = clients.chain(servers).chain(self.agenda.iter().map(|(at, _)| *at)).min();
    }

    /// It loses power: nothing of what it knew is left.
    pub(super) fn crash(&mut self) {
        self.crashed = true;
        self.registered = false;
        self.clients.clear();
        self.servers.clear();
        self.agenda.clear();
        self.lamps.clear();
        for call in self.calls.values_mut().filter(|call| call.stage != Stage::Over) {
            call.ended = if call.stage == Stage::Up { "crash" } else { "crash before the answer" }.into();
            call.stage = Stage::Over;
        }
    }

    /// It comes back, and knows nothing of its calls.
    pub(super) fn boot(&mut self) {
        self.crashed = false;
    }

    /// After the story: it says good-bye to the calls that it lost. (Nobody asks whether they are still there.)
    pub(super) fn confess(&mut self) {
        self.crashed = false;
        let lost: Vec<u32> = self.calls.iter().filter(|(_, call)| call.ended == "crash").map(|(no, _)| *no).collect();
        for no in lost {
            if let Some(call) = self.calls.get_mut(&no) {
                call.stage = Stage::Up;
            }
            self.hang_up(no);
        }
    }

    /// Its clock struck.
    pub(super) fn tick(&mut self) {
        let now = self.now;
        let mut timed_out = Vec::new();
        for client in &mut self.clients {
            match client.strike(now) {
                Struck::Again(text) => self.outbox.push(text),
                Struck::TimedOut => timed_out.push(client.wish),
                Struck::Nothing => {}
            }
        }
        let mut unheard = Vec::new();
        for server in &mut self.servers {
            match server.strike(now) {
                Struck::Again(text) => self.outbox.push(text),
                Struck::TimedOut => unheard.push(server.call),
                Struck::Nothing => {}
            }
        }
        self.clients.retain(|client| client.until > now);
        self.servers.retain(|server| server.until > now);
        for wish in timed_out {
            self.unanswered(wish);
        }
        for call in unheard {
            self.hang_up(call);
        }
        let due: Vec<_> = self.agenda.extract_if(.., |(at, _)| *at <= now).map(|(_, plan)| plan).collect();
        for plan in due {
            match plan {
                Plan::Answer(call) => self.answer(call),
                Plan::Register => self.register(),
                Plan::ChangeAgain(call) => self.change(call, "INVITE"),
            }
        }
        if self.forgetful {
            let old = |call: &Call| call.is_over() && call.ended != "crash" && call.since + layer::LONG * 4 < now;
            self.calls.retain(|_, call| !old(call));
            self.lamps.retain(|_, lamp| lamp.over.is_none());
        }
    }

    /// A datagram.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        if self.crashed {
            return;
        }
        match Sip::read(bytes) {
            Ok(message) if message.status().is_some() => self.response(&message),
            Ok(message) => self.request(&message),
            Err(what) => self.complain(&what),
        }
        if !self.complaints.is_empty() {
            self.complaints.push(String::from_utf8_lossy(bytes).into_owned());
        }
    }

    pub(super) fn complain(&mut self, what: &str) {
        self.complaints.push(format!("{} ({}): {what}", self.name, self.number));
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("{}-{}x{}", self.number, self.address.to_string().replace(['.', ':', '[', ']'], "-"), self.ids)
    }

    /// Sends a request of ours.
    fn send(&mut self, wish: Wish, method: &str, cseq: u32, branch: &str, text: String) {
        let bytes = text.into_bytes();
        self.clients.push(Client::new(self.now, branch, method, cseq, wish, &bytes, self.stream));
        self.outbox.push(bytes);
    }

    /// Writes a request: start line, Via, and what every request says.
    fn write(&self, method: &str, uri: &str, branch: &str, lines: &str, body: &str) -> String {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let kind =
            if method == "PUBLISH" && !body.is_empty() { "Content-Type: application/pidf+xml\r\n" } else { kind };
        let kind = if method == "INFO" { "Content-Type: application/dtmf-relay\r\n" } else { kind };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{} {};rport;branch={branch}\r\nMax-Forwards: 70\r\n{lines}\
             {kind}Content-Length: {}\r\n\r\n{body}",
            if self.stream { "TCP" } else { "UDP" },
            self.address,
            body.len()
        )
    }

    fn contact(&self) -> String {
        let update = if self.manners.update { ", UPDATE" } else { "" };
        let mut supported = Vec::new();
        supported.extend(self.manners.from_change.then_some("from-change"));
        supported.extend(self.manners.session.map(|_| "timer"));
        supported.extend(self.manners.reliable.map(|_| "100rel"));
        let supported =
            if supported.is_empty() { String::new() } else { format!("Supported: {}\r\n", supported.join(", ")) };
        format!(
            "Contact: <sip:{}@{}{}>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, INFO, REFER{update}\r\n{supported}",
            self.number,
            self.inside.unwrap_or(self.address),
            self.transport()
        )
    }

    /// What its Contact says of the transport.
    fn transport(&self) -> &'static str {
        if self.stream { ";transport=tcp" } else { "" }
    }

    /// The answer to a challenge.
    fn credentials(&self, challenge: &Sip, method: &str, uri: &str) -> Option<String> {
        let asked = challenge.field("WWW-Authenticate");
        let (realm, nonce) = (quoted(asked, "realm")?, quoted(asked, "nonce")?);
        let password = self.password.as_ref()?;
        let hash = |text: String| -> String {
            md5::Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
        };
        let secret = hash(format!("{}:{realm}:{password}", self.number));
        let response = hash(format!("{secret}:{nonce}:00000001:c:auth:{}", hash(format!("{method}:{uri}"))));
        Some(format!(
            "Authorization: Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm=MD5, cnonce=\"c\", qop=auth, nc=00000001\r\n",
            self.number
        ))
    }

    /// From, To, Call-ID and CSeq of a request in a call, with its Request-URI.
    fn in_call(&mut self, no: u32, method: &str) -> Option<(String, String, u32)> {
        let call = self.calls.get_mut(&no)?;
        if method != "ACK" && method != "CANCEL" {
            call.cseq += 1;
        }
        let to_tag = if call.remote_tag.is_empty() { String::new() } else { format!(";tag={}", call.remote_tag) };
        let lines = format!(
            "From: {};tag={}\r\nTo: {}{to_tag}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\n",
            call.local, call.local_tag, call.remote, call.call_id, call.cseq
        );
        Some((call.target.clone(), lines, call.cseq))
    }

    fn over(&mut self, no: u32, how: &str) {
        if let Some(call) = self.calls.get_mut(&no).filter(|call| call.stage != Stage::Over) {
            call.stage = Stage::Over;
            call.since = self.now;
            how.clone_into(&mut call.ended);
        }
        self.agenda.retain(|(_, plan)| !matches!(plan, Plan::Answer(c) | Plan::ChangeAgain(c) if *c == no));
    }
}

fn hash_of(address: &SocketAddr) -> u64 {
    address.to_string().bytes().fold(7, |sum, byte| sum.wrapping_mul(31) ^ u64::from(byte))
}
