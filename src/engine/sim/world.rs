//! The world: one virtual clock over the engine, the phones and the network. After every step of the engine the
//! invariants are checked, so a test fails where something goes wrong and not where it shows.
use super::invariants;
use super::ladder::{Ladder, Rung};
use super::network::{Datagram, Network, Weather};
use super::phone::{Call, Dial, HoldStyle, Lamp, Phone, Stage, Subscribe};
use super::sip::Sip;
use super::studio::{Heard, Studio};
use crate::base::{Room, Time};
use crate::corridor::Moment;
use crate::counters::Snapshot;
use crate::keep::{Kept, Key, Record, Restored};
use crate::session::News;
use crate::settings::{MediaWay, Settings, Transport};
use crate::wire::media::{Far, MediaEvent, MediaOrder};
use crate::{Command, Engine, Flow, Input, Output};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

/// Where the engine listens.
pub(super) const SERVER: &str = "10.0.0.1:5060";

/// Where it listens for IPv6, in stories of that.
pub(super) const SERVER_V6: &str = "[2001:db8::1]:5060";

/// The listener for connections, where there is one: at the same address.
pub(super) const TCP: Flow = Flow(1);

/// A phone of the world's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Who(pub(super) usize);

/// One end of a call: a phone, and which of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) who: Who,
    pub(super) no: u32,
}

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) now: Time,
    pub(super) phones: Vec<Phone>,
    pub(super) network: Network,
    pub(super) ladder: Ladder,
    /// What is on disk.
    pub(super) kept: BTreeMap<Key, (Record, Time)>,
    /// All news, until a test takes it.
    pub(super) news: Vec<News>,
    /// RTP ports that media has open.
    pub(super) ports: BTreeSet<u16>,
    /// Those through which media goes, and where their parties receive it.
    pub(super) relayed: BTreeMap<u16, Option<Far>>,
    /// All media goes through the server.
    relays: bool,
    /// Where what comes to a relayed port goes out.
    pub(super) links: BTreeMap<u16, u16>,
    /// What would be heard there.
    pub(super) studio: Studio,
    by_address: HashMap<SocketAddr, Who>,
    /// The server's addresses, by flow.
    listeners: Vec<(SocketAddr, Transport)>,
    /// Connections by the phones' ends.
    connections: HashMap<SocketAddr, Who>,
    /// Everything that comes in is in excess.
    pub(super) overloaded: bool,
    out: Output,
    pub(super) steps: u64,
}

impl World {
    pub(super) fn new(settings: Settings, seed: u64) -> Self {
        let mut ladder = Ladder::new(usize::MAX);
        ladder.name(address(SERVER), "pbx");
        Self {
            listeners: settings.listeners.iter().map(|at| (at.address, at.transport)).collect(),
            relays: settings.media.lines == MediaWay::Relay
                || settings.trunks.iter().any(|t| t.media == MediaWay::Relay)
                || settings.lines.iter().any(|line| line.incall_features),
            engine: Engine::new(settings),
            now: Time::from_micros(1_000_000_000),
            phones: Vec::new(),
            network: Network::new(seed, Weather::CALM),
            ladder,
            kept: BTreeMap::new(),
            news: Vec::new(),
            ports: BTreeSet::new(),
            relayed: BTreeMap::new(),
            links: BTreeMap::new(),
            studio: Studio::default(),
            by_address: HashMap::new(),
            overloaded: false,
            connections: HashMap::new(),
            out: Output::default(),
            steps: 0,
        }
    }

    /// Puts a phone on a desk.
    pub(super) fn add(&mut self, number: &str, name: &str, at: &str) -> Who {
        let who = Who(self.phones.len());
        let at = address(at);
        let server = if at.is_ipv4() { SERVER } else { SERVER_V6 };
        let mut phone = Phone::new(number, name, at, address(server));
        phone.now = self.now;
        self.ladder.name(at, name);
        self.by_address.insert(at, who);
        self.phones.push(phone);
        who
    }

    /// A phone is seen at another address from now on.
    pub(super) fn moves(&mut self, who: Who, to: &str) {
        let phone = &mut self.phones[who.0];
        self.by_address.remove(&phone.address);
        phone.address = address(to);
        self.by_address.insert(phone.address, who);
        self.ladder.name(phone.address, &phone.name);
    }

    /// Lets a phone do something.
    pub(super) fn with<R>(&mut self, who: Who, act: impl FnOnce(&mut Phone) -> R) -> R {
        let phone = &mut self.phones[who.0];
        phone.now = self.now;
        let done = act(phone);
        phone.settle();
        let (from, to) = (phone.address, phone.server);
        assert!(phone.complaints.is_empty(), "{:?}", phone.complaints);
        for bytes in std::mem::take(&mut phone.outbox) {
            if says_tcp(&bytes) {
                let from = self.connection(who);
                self.send_over(from, to, bytes);
            } else {
                self.send(from, to, bytes);
            }
        }
        done
    }

    /// The phone's end of its connection; it makes one if it has none.
    pub(super) fn connection(&mut self, who: Who) -> SocketAddr {
        let phone = &mut self.phones[who.0];
        let open = phone.connection.filter(|at| self.connections.contains_key(at));
        open.unwrap_or_else(|| {
            phone.connections += 1;
            let at = SocketAddr::new(phone.address.ip(), 40_000 + phone.connections);
            phone.connection = Some(at);
            self.connections.insert(at, who);
            self.ladder.name(at, &phone.name);
            at
        })
    }

    /// A phone's connection is gone, and what was on its way with it. The server learns of it, the phone has.
    pub(super) fn loses_connection(&mut self, who: Who) {
        if let Some(at) = self.phones[who.0].connection.take() {
            self.hangs_up_on(at);
        }
    }

    fn hangs_up_on(&mut self, at: SocketAddr) {
        self.connections.remove(&at);
        let end = Datagram { stream: true, from: at, to: address(SERVER), bytes: Vec::new() };
        self.network.send(self.now, end);
    }

    /// Time passes.
    pub(super) fn passes(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    fn next(&self) -> Option<Time> {
        let phones = self.phones.iter().filter_map(Phone::due);
        phones.chain(self.network.next()).chain(self.engine.deadline()).chain(self.studio.next()).min()
    }

    fn step(&mut self) {
        if let Some(datagram) = self.network.arrived(self.now) {
            self.deliver(datagram);
        } else if self.engine.deadline().is_some_and(|due| due <= self.now) {
            self.input(Input::Expired);
        } else if let Some(event) = self.studio.ended(self.now) {
            self.input(Input::Media(event));
        } else {
            let due = |phone: &Phone| phone.due().is_some_and(|due| due <= self.now);
            if let Some(place) = self.phones.iter().position(due) {
                self.with(Who(place), Phone::tick);
            }
        }
    }

    fn deliver(&mut self, datagram: Datagram) {
        let Datagram { stream, from, to, bytes } = datagram;
        if to == address(SERVER) && stream && bytes.is_empty() {
            self.input(Input::Closed { flow: TCP, peer: from });
        } else if let Some(flow) = self.flow_at(to, stream) {
            if !stream || self.connections.contains_key(&from) {
                let (source, bytes) = (from, &bytes);
                self.input(match self.overloaded {
                    true => Input::Excess { flow, source, bytes },
                    false => Input::Datagram { flow, source, bytes },
                });
            }
        } else if stream {
            if let Some(&who) = self.connections.get(&to) {
                self.with(who, |phone| phone.receive(&bytes));
            }
        } else if let Some(&who) = self.by_address.get(&to) {
            self.with(who, |phone| phone.receive(&bytes));
        }
    }

    fn flow_at(&self, address: SocketAddr, stream: bool) -> Option<Flow> {
        let transport = if stream { Transport::Tcp } else { Transport::Udp };
        self.listeners.iter().position(|at| *at == (address, transport)).map(|place| Flow(place as u16))
    }

    /// The engine is told something.
    pub(super) fn input(&mut self, input: Input<'_>) {
        let mut out = std::mem::take(&mut self.out);
        self.engine.handle(self.now, input, &mut out);
        self.collect(&mut out);
        self.out = out;
    }

    /// What came of it goes on its way.
    fn collect(&mut self, out: &mut Output) {
        for outgoing in &out.datagrams {
            let bytes = out.message(outgoing).to_vec();
            let (from, transport) = self.listeners[usize::from(outgoing.flow.0)];
            if transport == Transport::Tcp {
                self.send_by_connection(outgoing.to, bytes);
            } else {
                self.send(from, outgoing.to, bytes);
            }
        }
        for order in &out.media {
            self.studio.obey(self.now, order);
            match *order {
                MediaOrder::Open { port, .. } => assert!(self.ports.insert(port), "port {port} is open already"),
                MediaOrder::Redirect { port, .. }
                | MediaOrder::Reports { port, .. }
                | MediaOrder::Play { port, .. }
                | MediaOrder::Watch { port, .. }
                | MediaOrder::Say { port, .. } => {
                    assert!(self.ports.contains(&port), "port {port} is closed");
                }
                MediaOrder::Close { port } => assert!(self.ports.remove(&port), "port {port} is closed already"),
                MediaOrder::Relay { port, peer, .. } => {
                    let again = self.relayed.insert(port, peer).is_some();
                    assert_eq!(self.ports.insert(port), !again, "port {port} is open already, for something else");
                }
                MediaOrder::Link { one, other } => {
                    for port in [one, other] {
                        assert!(self.relayed.contains_key(&port), "port {port} is closed");
                        self.unlink(port);
                    }
                    self.links.extend([(one, other), (other, one)]);
                }
                MediaOrder::Keys { port, .. } | MediaOrder::Press { port, .. } => {
                    assert!(self.relayed.contains_key(&port), "port {port} is closed");
                }
                MediaOrder::EndRelay { port } => {
                    self.unlink(port);
                    let open = self.relayed.remove(&port).is_some() && self.ports.remove(&port);
                    assert!(open, "port {port} is closed already");
                }
            }
        }
        for Kept { key, record } in out.kept.drain(..) {
            match record {
                Some(record) => drop(self.kept.insert(key, (record, self.now))),
                None => drop(self.kept.remove(&key)),
            }
        }
        self.news.append(&mut out.news);
        out.clear();
        self.steps += 1;
        invariants::check(self);
    }

    fn unlink(&mut self, port: u16) {
        if let Some(other) = self.links.remove(&port) {
            self.links.remove(&other);
        }
    }

    /// Sends raw bytes, from wherever.
    pub(super) fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        let now = self.now;
        let safe = self.network.weather.loss == 0 && self.network.fault.is_none();
        let datagram = Datagram { stream: false, from, to, bytes: bytes.clone() };
        let arrives = self.network.send(now, datagram);
        debug_assert!(arrives || !safe);
        self.ladder.add(now, from, to, &bytes, !arrives);
    }

    /// The server sends over a connection that is there, or that can be made; else it learns that it cannot.
    fn send_by_connection(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        assert!(says_tcp(&bytes), "over a connection: {}", String::from_utf8_lossy(&bytes));
        if !self.connections.contains_key(&to) {
            let listening = |who: &&Who| self.phones[who.0].listens && !self.phones[who.0].crashed;
            let Some(&who) = self.by_address.get(&to).filter(listening) else {
                self.ladder.add(self.now, address(SERVER), to, &bytes, true);
                return self.hangs_up_on(to);
            };
            self.connections.insert(to, who);
            self.phones[who.0].connection.get_or_insert(to);
        }
        self.send_over(address(SERVER), to, bytes);
    }

    fn send_over(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        self.ladder.add(self.now, from, to, &bytes, false);
        self.network.send(self.now, Datagram { stream: true, from, to, bytes });
    }

    /// Media cannot bind this port.
    pub(super) fn media_fails(&mut self, port: u16) {
        self.ports.remove(&port);
        self.relayed.remove(&port);
        self.unlink(port);
        self.studio.lose(port);
        self.input(Input::Media(MediaEvent::Failed { port }));
    }

    pub(super) fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
        self.settles();
    }

    /// The server is killed, and starts anew on these settings after this time: what it kept is all that it knows.
    pub(super) fn restarts(&mut self, settings: Settings, after: Duration) {
        self.engine = Engine::new(settings);
        (self.ports, self.relayed, self.links) = Default::default();
        self.studio = Studio::default();
        self.now = self.now + after;
        let record = |(record, since): &(Record, Time)| Restored { record: record.clone(), age: self.now - *since };
        let restored = self.kept.values().map(record).collect();
        self.input(Input::Restored(restored));
        self.settles();
    }

    /// A panic strikes while the engine sends its `nth` message from now on; the owner catches it, as in production.
    pub(super) fn panics_at(&mut self, nth: u32) {
        self.engine.exchange.legs.ground().outbox.fuse = Some(nth);
        assert!(self.recovers_within(Duration::from_secs(5)), "so many messages were not sent");
    }

    /// A panic strikes at the next deadline of this room, before or after it is handled.
    pub(super) fn panics_in(&mut self, room: Room, moment: Moment) {
        self.engine.trap = Some((room, moment));
        assert!(self.recovers_within(Duration::from_secs(200)), "no deadline of {room:?} came");
    }

    /// Whether a panic came within this time, and was caught.
    fn recovers_within(&mut self, time: Duration) -> bool {
        let end = self.now + time;
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            let survived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.step())).is_ok();
            if !survived {
                self.input(Input::Panicked);
                return true;
            }
        }
        false
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.engine.snapshot(self.now)
    }

    /// What a phone was sent, the oldest first.
    pub(super) fn heard(&self, who: Who, method: &str) -> Vec<Sip> {
        let is = |message: &Sip| message.method() == Some(method);
        self.said_to(who).filter_map(Rung::message).filter(is).collect()
    }

    /// What a phone was sent, wherever.
    fn said_to(&self, who: Who) -> impl Iterator<Item = &Rung> {
        let ip = self.phones[who.0].address.ip();
        self.ladder.all().filter(move |rung| rung.to.ip() == ip)
    }

    /// The responses to a method that a phone was sent, the oldest first.
    pub(super) fn answers_to(&self, who: Who, method: &str) -> Vec<Sip> {
        let is = |message: &Sip| message.status().is_some() && message.cseq().1 == method;
        self.said_to(who).filter_map(Rung::message).filter(is).collect()
    }

    /// The last request of this method that a phone was sent.
    pub(super) fn last(&self, who: Who, method: &str) -> Sip {
        self.heard(who, method).pop().unwrap_or_else(|| panic!("{} was sent no {method}", self.phones[who.0].name))
    }

    /// A phone's call.
    pub(super) fn call(&self, end: End) -> &Call {
        &self.phones[end.who.0].calls[&end.no]
    }

    /// A phone watches a number.
    pub(super) fn watches(&mut self, who: Who, number: &str) -> End {
        self.watches_so(who, number, Subscribe::default())
    }

    pub(super) fn watches_so(&mut self, who: Who, number: &str, ask: Subscribe) -> End {
        let no = self.with(who, |phone| phone.watch(number, ask));
        self.settles();
        End { who, no }
    }

    /// It goes on watching, or with 0 seconds no more.
    pub(super) fn watches_on(&mut self, end: End, expires: u32) {
        self.with(end.who, |phone| phone.watch_on(end.no, expires));
        self.settles();
    }

    /// A phone's lamp.
    pub(super) fn lamp(&self, end: End) -> &Lamp {
        &self.phones[end.who.0].lamps[&end.no]
    }

    /// The latest call of a phone at this stage.
    pub(super) fn latest(&self, who: Who, stage: Stage) -> Option<End> {
        let found = self.phones[who.0].calls.iter().rev().find(|(_, call)| call.stage == stage);
        found.map(|(&no, _)| End { who, no })
    }

    /// Whatever is under way arrives; nobody has to wait for anything.
    pub(super) fn settles(&mut self) {
        self.passes(Duration::from_millis(200));
    }

    // What people do; each waits until it has had its effect.

    pub(super) fn dials(&mut self, who: Who, number: &str) -> End {
        self.dials_so(who, number, &Dial::default())
    }

    pub(super) fn dials_so(&mut self, who: Who, number: &str, dial: &Dial) -> End {
        let no = self.with(who, |phone| phone.dial(number, dial));
        self.settles();
        End { who, no }
    }

    pub(super) fn answers(&mut self, who: Who) -> End {
        let ringing = self.latest(who, Stage::Ringing);
        let end = ringing.unwrap_or_else(|| panic!("{} does not ring", self.phones[who.0].name));
        self.with(who, |phone| phone.answer(end.no));
        self.settles();
        end
    }

    pub(super) fn hangs_up(&mut self, end: End) {
        self.with(end.who, |phone| phone.hang_up(end.no));
        self.settles();
    }

    pub(super) fn holds(&mut self, end: End) {
        self.holds_so(end, Some(HoldStyle::SendOnly), "INVITE");
    }

    pub(super) fn resumes(&mut self, end: End) {
        self.holds_so(end, None, "INVITE");
    }

    pub(super) fn holds_so(&mut self, end: End, style: Option<HoldStyle>, method: &str) {
        self.with(end.who, |phone| phone.hold(end.no, style, method));
        self.settles();
    }

    /// Asks for a transfer. What was answered: status and reason phrase.
    pub(super) fn refers(&mut self, end: End, to: &str) -> (u16, String) {
        self.with(end.who, |phone| phone.refer(end.no, to));
        self.settles();
        self.call(end).answered.clone().expect("an answer to REFER")
    }

    /// A calls B, B answers; both ends.
    pub(super) fn connects(&mut self, from: Who, to: Who) -> (End, End) {
        let number = self.phones[to.0].number.clone();
        let caller = self.dials(from, &number);
        (caller, self.answers(to))
    }

    /// Whether the two ends hear each other, and nobody else; without the server between them, unless all media goes there.
    pub(super) fn talk(&self, one: End, other: End) {
        let (a, b) = (self.call(one), self.call(other));
        assert_eq!((a.stage, b.stage), (Stage::Up, Stage::Up), "both are up ({}, {})", a.ended, b.ended);
        let ways = (self.sends_to(one), self.sends_to(other));
        assert_eq!(ways, (Some(b.media.at), Some(a.media.at)), "each sends to the other");
        assert!(self.relays || (a.media.to, b.media.to) == ways, "not through us: {:?} {:?}", a.media.to, b.media.to);
        assert!(a.media.is_open() && b.media.is_open(), "both ways: {:?} {:?}", a.media, b.media);
    }

    /// Whether they do so through the server.
    pub(super) fn talk_through_us(&self, one: End, other: End) {
        let sent = [one, other].map(|end| self.call(end).media.to.map(|to| self.relayed.contains_key(&to.port())));
        assert_eq!(sent, [Some(true); 2], "each sends to a relayed port");
        let ways = (self.sends_to(one), self.sends_to(other));
        let (a, b) = (&self.call(one).media, &self.call(other).media);
        assert_eq!(ways, (Some(b.at), Some(a.at)), "each is heard by the other");
        assert!(a.is_open() && b.is_open(), "both ways: {a:?} {b:?}");
    }

    /// Where what a phone sends arrives in the end, if it does.
    pub(super) fn sends_to(&self, end: End) -> Option<SocketAddr> {
        let to = self.call(end).media.to?;
        if to.ip() != self.phones[end.who.0].server.ip() || !self.relayed.contains_key(&to.port()) {
            return Some(to);
        }
        let far = self.relayed[self.links.get(&to.port())?]?;
        assert_eq!(far.rtcp, SocketAddr::new(far.rtp.ip(), far.rtp.port() + 1));
        Some(far.rtp)
    }

    /// Whether the end hears the server.
    pub(super) fn hears_music(&self, end: End) {
        let call = self.call(end);
        assert_eq!(call.stage, Stage::Up, "{}", call.ended);
        let to = call.media.to.expect("a description");
        assert_eq!(to.ip(), self.phones[end.who.0].server.ip(), "its media goes to the server");
        let own = self.ports.contains(&to.port()) && !self.relayed.contains_key(&to.port());
        assert!(own, "at a port of its own that is open");
    }

    /// What an end is sent by the server, if it is sent anything.
    pub(super) fn hears_from_us(&self, end: End) -> Option<Heard> {
        let media = &self.call(end).media;
        self.studio.at(media.to?.port(), media.at)
    }

    /// How a call ended.
    pub(super) fn ended(&self, end: End) -> &str {
        &self.call(end).ended
    }

    /// The story is over: whatever is still up is hung up; then nothing may be left but registrations.
    pub(super) fn ends(&mut self) {
        for place in 0..self.phones.len() {
            self.with(Who(place), Phone::confess);
            self.phones[place].manners.answers_lamps = 200;
            self.with(Who(place), Phone::looks_away);
            let open: Vec<_> =
                self.phones[place].calls.iter().filter(|(_, c)| !c.is_over()).map(|(no, _)| *no).collect();
            for no in open {
                self.with(Who(place), |phone| phone.hang_up(no));
            }
        }
        // 64 × T1 for whoever does not answer, and again for the BYE; then 32 s for the tombstones.
        self.passes(Duration::from_secs(140));
        // Who lost power while it talked to the server alone is missed when its session is refreshed.
        for _ in 0..60 {
            if invariants::leftovers(self).is_empty() {
                break;
            }
            self.passes(Duration::from_secs(35));
        }
        let left = invariants::leftovers(self);
        assert!(left.is_empty(), "left over: {left:#?}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("after {} steps:\n{}", self.steps, self.ladder);
        }
    }
}

/// Whether a message's first Via says that it goes over a connection.
fn says_tcp(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.split_once("\r\nVia: ").is_some_and(|(_, via)| via.starts_with("SIP/2.0/TCP"))
}

/// An address, from text.
pub(super) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}
