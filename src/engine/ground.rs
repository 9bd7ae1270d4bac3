//! What every floor above `wire` stands on, in one place and passed down whole: the turn's time, timers,
//! kept bytes, chance, the outbox, the counters, and the addresses we are known by.
use crate::base::limits::Limits;
use crate::base::{Flow, Outbox, Rng, Shelf, Time, Timers};
use crate::counters::{Counters, Shed};
use crate::settings::{Listener, Settings};
use std::net::{IpAddr, SocketAddr};

/// Where a message came from, or goes to: through which listener, and which address at the far side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    /// Our side.
    pub(crate) flow: Flow,
    /// The far side.
    pub(crate) address: SocketAddr,
}

/// An address as text: the longest is IPv6 with a scope and a port.
pub(crate) type Told = arrayvec::ArrayVec<u8, 80>;

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
    /// The address of the server's own media, if it is not that of the listener.
    media: Option<IpAddr>,
}

/// A listener as the peers see it.
#[derive(Debug)]
struct Face {
    bound: IpAddr,
    told: SocketAddr,
    /// `203.0.113.7:5060`, as Via and Contact say it.
    text: String,
}

impl Ground {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut rng = Rng::new(settings.seed);
        let keys = [rng.bits64(), rng.bits64(), rng.bits64(), rng.bits64()];
        Self {
            now: Time::ZERO,
            timers: Timers::default(),
            shelf: Shelf::default(),
            outbox: Outbox::default(),
            limits: Limits::default(),
            counters: Counters::default(),
            hasher: ahash::RandomState::with_seeds(keys[0], keys[1], keys[2], keys[3]),
            media: settings.media.address,
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
        self.faces.get(usize::from(flow.0)).map_or(unknown, |face| face.told)
    }

    /// The same as text: `203.0.113.7:5060`.
    pub(crate) fn told_text(&self, flow: Flow) -> &[u8] {
        self.faces.get(usize::from(flow.0)).map_or(b"0.0.0.0:5060", |face| face.text.as_bytes())
    }

    /// The same, to be kept while the ground is in use.
    pub(crate) fn told_copy(&self, flow: Flow) -> Told {
        self.told_text(flow).iter().copied().collect()
    }

    /// Where the server's own media is received, for a peer on this flow.
    pub(crate) fn media_ip(&self, flow: Flow) -> IpAddr {
        self.media.unwrap_or_else(|| self.told(flow).ip())
    }

    /// Whether this is an address of ours.
    pub(crate) fn is_ours(&self, address: SocketAddr) -> bool {
        self.faces.iter().any(|face| face.told == address)
    }

    /// Whether this is an address that we listen on or are known by; a listener on all addresses has any.
    pub(crate) fn is_our_ip(&self, ip: IpAddr) -> bool {
        let has = |own: IpAddr| own == ip || own.is_unspecified() && own.is_ipv4() == ip.is_ipv4();
        self.faces.iter().any(|face| has(face.bound) || face.told.ip() == ip)
    }

    /// The flow to use towards this address when no request came from there: a listener of its family.
    pub(crate) fn flow_to(&self, address: SocketAddr) -> Flow {
        let fits = |face: &Face| face.told.is_ipv4() == address.is_ipv4();
        Flow(self.faces.iter().position(fits).unwrap_or(0) as u16)
    }
}

impl Face {
    fn new(listener: &Listener) -> Self {
        Self { bound: listener.address.ip(), told: listener.told(), text: listener.told().to_string() }
    }
}
