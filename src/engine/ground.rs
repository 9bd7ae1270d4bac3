//! What every floor above `wire` stands on, in one place and passed down whole: the turn's time, timers,
//! kept bytes, chance, the outbox, the counters, and the addresses we are known by.
mod connections;
mod moves;

use crate::base::limits::Limits;
use crate::base::{Flow, Outbox, Rng, Shelf, Time, Timers};
use crate::counters::{Counters, Direction, Excess, Kind, Shed};
use crate::settings::{Codec, LineNo, Listener, Settings, Transport};
use crate::wire::Malformed;
use connections::Connections;
use moves::{Moves, Stay};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Where a message came from, or goes to: through which listener, and which address at the far side. With a listener
/// for streams this names a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hop {
    /// Our side.
    pub(crate) flow: Flow,
    /// The far side.
    pub(crate) address: SocketAddr,
}

/// An address as text: the longest is IPv6 with a scope, a port and a transport.
pub(crate) type Told = arrayvec::ArrayVec<u8, TOLD>;
const TOLD: usize = 96;

/// The ground.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) now: Time,
    pub(crate) timers: Timers,
    pub(crate) shelf: Shelf,
    pub(crate) rng: Rng,
    pub(crate) outbox: Outbox,
    pub(crate) limits: Limits,
    pub(crate) counters: Counters,
    /// Hashes what peers chose; keyed, so that nobody can aim at one bucket.
    pub(crate) hasher: ahash::RandomState,
    faces: Vec<Face>,
    connections: Connections,
    /// Phones whose NAT gave them another address.
    moves: Moves,
    /// The address of the server's own media, if it is not that of the listener.
    media: Option<IpAddr>,
    /// What that speaks, the best first.
    pub(crate) codecs: Vec<Codec>,
}

/// A listener as the peers see it.
#[derive(Debug)]
struct Face {
    listener: Listener,
    told: SocketAddr,
    transport: Transport,
    /// `203.0.113.7:5060`.
    text: String,
    /// `SIP/2.0/UDP 203.0.113.7:5060;rport;branch=`, as Via says it.
    via: String,
    /// `203.0.113.7:5060;transport=tcp`, as Contact says it.
    contact: String,
}

impl Ground {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut rng = Rng::new(settings.seed);
        let keys = [rng.bits64(), rng.bits64(), rng.bits64(), rng.bits64()];
        let hasher = ahash::RandomState::with_seeds(keys[0], keys[1], keys[2], keys[3]);
        Self {
            now: Time::ZERO,
            timers: Timers::default(),
            shelf: Shelf::default(),
            outbox: Outbox::default(),
            limits: Limits::default(),
            counters: Counters::default(),
            connections: Connections::new(&hasher),
            moves: Moves::new(&hasher),
            hasher,
            media: settings.media.address,
            codecs: settings.media.codecs.clone(),
            faces: settings.listeners.iter().map(Face::new).collect(),
            rng,
        }
    }

    /// Why there can be no further transaction, if there are so many.
    pub(crate) fn is_full(&self, transactions: usize) -> Option<Shed> {
        if transactions >= self.limits.transactions {
            return Some(Shed::Transactions);
        }
        (self.timers.armed() >= self.limits.timers).then_some(Shed::Timers)
    }

    /// The address peers are told for this flow.
    pub(crate) fn told(&self, flow: Flow) -> SocketAddr {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 5060));
        self.face(flow).map_or(unknown, |face| face.told)
    }

    /// The same as text: `203.0.113.7:5060`.
    pub(crate) fn told_text(&self, flow: Flow) -> &[u8] {
        self.face(flow).map_or(b"0.0.0.0:5060", |face| face.text.as_bytes())
    }

    /// The same, to be kept while the ground is in use.
    pub(crate) fn told_copy(&self, flow: Flow) -> Told {
        self.told_text(flow).iter().copied().collect()
    }

    /// The same as Contact says it, with the transport where it is not UDP.
    pub(crate) fn contact_copy(&self, flow: Flow) -> Told {
        let text = self.face(flow).map_or("0.0.0.0:5060", |face| &face.contact);
        text.bytes().collect()
    }

    /// The beginning of our Via on this flow: all but the branch.
    pub(crate) fn via(&self, flow: Flow) -> &[u8] {
        self.face(flow).map_or(b"SIP/2.0/UDP 0.0.0.0:5060;rport;branch=", |face| face.via.as_bytes())
    }

    pub(crate) fn transport(&self, flow: Flow) -> Transport {
        self.face(flow).map_or(Transport::Udp, |face| face.transport)
    }

    /// Whether messages on this flow cannot be lost while its connection is there.
    pub(crate) fn is_reliable(&self, flow: Flow) -> bool {
        self.transport(flow).is_reliable()
    }

    /// Where the server's own media is received, for a peer on this flow: of the family that the peer is spoken to in.
    pub(crate) fn media_ip(&self, flow: Flow) -> IpAddr {
        let told = self.told(flow).ip();
        self.media.filter(|media| media.is_ipv4() == told.is_ipv4()).unwrap_or(told)
    }

    /// The address that it is bound to.
    pub(crate) fn media_bound(&self, flow: Flow) -> IpAddr {
        let bound = self.face(flow).map_or(self.told(flow).ip(), |face| face.listener.address.ip());
        self.media.filter(|media| media.is_ipv4() == bound.is_ipv4()).unwrap_or(bound)
    }

    /// Whether this is an address of ours.
    pub(crate) fn is_ours(&self, address: SocketAddr) -> bool {
        self.faces.iter().any(|face| face.told == address)
    }

    /// Whether this is an address that we listen on or are known by; a listener on all addresses has any.
    pub(crate) fn is_our_ip(&self, ip: IpAddr) -> bool {
        let has = |own: IpAddr| own == ip || own.is_unspecified() && own.is_ipv4() == ip.is_ipv4();
        self.faces.iter().any(|face| has(face.listener.address.ip()) || face.told.ip() == ip)
    }

    /// The flow to use towards this address when no request came from there: a listener of its family and of this
    /// transport, in the narrowest network that holds the address; else the first.
    pub(crate) fn flow_to(&self, address: SocketAddr, transport: Transport) -> Option<Flow> {
        let fits = |face: &Face| face.told.is_ipv4() == address.is_ipv4() && face.transport == transport;
        let fitting = self.faces.iter().enumerate().filter(|(_, face)| fits(face));
        // Of equals the last is taken by `max_by_key`, and the first is wanted.
        let best = fitting.rev().max_by_key(|(_, face)| face.listener.holds(address.ip()));
        best.map(|(place, _)| Flow(place as u16))
    }

    /// The way to a configured peer; its transport has a listener, or the configuration would have been refused.
    pub(crate) fn hop_to(&self, address: SocketAddr, transport: Transport) -> Hop {
        Hop { flow: self.flow_to(address, transport).unwrap_or(Flow(0)), address }
    }

    /// The way to an address that a peer named, who was heard at `heard`. A connection that leads to that host is used
    /// again: most phones could not be reached by another. Without a transport of its own the address is meant for the
    /// one that it was said on.
    pub(crate) fn way_to(&self, heard: Hop, address: SocketAddr, transport: Option<Transport>) -> Hop {
        let own = self.transport(heard.flow);
        let wanted = transport.unwrap_or(own);
        let stays = wanted == own && heard.address.is_ipv4() == address.is_ipv4();
        let flow = if stays { Some(heard.flow) } else { self.flow_to(address, wanted) };
        let hop = Hop { flow: flow.unwrap_or(heard.flow), address };
        if !own.is_reliable() || hop.flow != heard.flow {
            return hop;
        }
        self.connections.follow(heard).filter(|open| open.address.ip() == address.ip()).unwrap_or(hop)
    }

    /// The way to a peer that is reached only where it was heard: where it, or that line's phone, is now.
    pub(crate) fn way_back_to(&self, heard: Hop, line: Option<LineNo>) -> Hop {
        match line {
            _ if self.is_reliable(heard.flow) => self.connections.follow(heard).unwrap_or(heard),
            Some(_) => {
                let at = self.moves.follow(Stay { line, hop: heard });
                if self.is_reliable(at.flow) { self.connections.follow(at).unwrap_or(heard) } else { at }
            }
            None => heard,
        }
    }

    /// Something came in that is a message.
    pub(crate) fn heard(&mut self, hop: Hop) {
        if self.is_reliable(hop.flow) {
            self.connections.heard(hop);
        }
    }

    /// This connection has ended.
    pub(crate) fn lost(&mut self, hop: Hop) {
        self.connections.lost(hop);
    }

    /// Whether what is sent there can arrive: a datagram may always, else there must be a connection.
    pub(crate) fn is_up(&self, hop: Hop) -> bool {
        !self.is_reliable(hop.flow) || self.connections.is_open(hop)
    }

    /// A phone that was at one connection is at another now. Nobody follows those who were at none.
    pub(crate) fn moved(&mut self, from: Hop, to: Hop) {
        if self.is_reliable(from.flow) {
            let forgotten = self.connections.moved(from, to, self.now);
            self.counters.excess.add(Excess::Moves, (), forgotten);
        }
    }

    /// That line's phone, reached only where it was heard, is at another address now.
    pub(crate) fn strayed(&mut self, line: LineNo, from: Hop, to: Hop) {
        if !self.is_reliable(from.flow) {
            let forgotten = self.moves.moved(Stay { line: Some(line), hop: from }, to, self.now);
            self.counters.excess.add(Excess::Moves, (), forgotten);
        }
    }

    /// Sessions are refreshed twice in such an interval (RFC 4028 §10), and then know where their peers are now: twice as long
    /// after a move nobody asks for the old place any more.
    pub(crate) fn refreshed_within(&mut self, interval: Duration) {
        self.moves.last(2 * interval);
        self.connections.last(2 * interval);
    }

    /// A phone of that line is heard here for the first time.
    pub(crate) fn appeared(&mut self, line: LineNo, at: Hop) {
        self.moves.back(Stay { line: Some(line), hop: at });
    }

    /// This peer takes no streams.
    pub(crate) fn refused(&mut self, peer: SocketAddr) {
        let forgotten = self.connections.refused(peer, self.now);
        self.counters.excess.add(Excess::RefusingPeers, (), forgotten);
    }

    /// Whether it is known that this peer takes no streams.
    pub(crate) fn refuses(&self, peer: SocketAddr) -> bool {
        self.connections.refuses(peer, self.now)
    }

    /// Counts a message.
    pub(crate) fn count_message(&mut self, flow: Flow, direction: Direction, kind: Kind) {
        let transport = self.transport(flow);
        self.counters.messages[transport as usize].add(direction, kind, 1);
    }

    /// Counts a message that was not understood.
    pub(crate) fn count_mistake(&mut self, flow: Flow, mistake: Malformed) {
        let transport = self.transport(flow);
        self.counters.parse_errors[transport as usize].up(mistake);
    }

    fn face(&self, flow: Flow) -> Option<&Face> {
        self.faces.get(usize::from(flow.0))
    }
}

impl Face {
    fn new(listener: &Listener) -> Self {
        let (told, transport) = (listener.told(), listener.transport);
        let contact = match transport {
            Transport::Udp => told.to_string(),
            Transport::Tcp => format!("{told};transport=tcp"),
        };
        let via = format!("SIP/2.0/{} {told};rport;branch=", transport.in_via());
        Self { listener: listener.clone(), told, transport, text: told.to_string(), via, contact }
    }
}
