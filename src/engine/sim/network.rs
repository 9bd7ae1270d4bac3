//! The network between the phones and the engine: datagrams take their time, get lost, doubled, and overtake each other;
//! what goes over a connection only takes its time.
use crate::base::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::Duration;

/// Chance, the same for every run of a seed. (SplitMix64; it shares nothing with the engine's own.)
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.bits() % end.max(1)
    }

    /// True so many times in a thousand.
    pub(super) fn hits(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    /// One of these.
    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    /// Datagrams lost, in a thousand.
    pub(super) loss: u64,
    /// Datagrams that arrive twice, in a thousand.
    pub(super) doubled: u64,
    /// The shortest way.
    pub(super) delay: Duration,
    /// How much longer it may take: later ones overtake earlier ones.
    pub(super) jitter: Duration,
}

impl Weather {
    /// Everything arrives, in order, after 5 ms.
    pub(super) const CALM: Self = Self { loss: 0, doubled: 0, delay: Duration::from_millis(5), jitter: Duration::ZERO };
    /// One in twenty is lost, one in twenty doubled, and they overtake each other.
    pub(super) const ROUGH: Self =
        Self { loss: 50, doubled: 50, delay: Duration::from_millis(5), jitter: Duration::from_millis(60) };
}

/// A message under way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Datagram {
    /// It goes over a connection: it neither gets lost nor overtakes. Without a byte it is the connection's end.
    pub(super) stream: bool,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

/// What happens to one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Lost,
    Doubled,
    /// So late that it was said again meanwhile.
    Late,
}

/// The network.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) weather: Weather,
    /// What happens to the datagram after so many others.
    pub(super) fault: Option<(u8, Fault)>,
    dice: Dice,
    under_way: BinaryHeap<Reverse<(Time, u64, Datagram)>>,
    sent: u64,
}

impl Network {
    pub(super) const fn new(seed: u64, weather: Weather) -> Self {
        Self { weather, fault: None, dice: Dice::new(seed), under_way: BinaryHeap::new(), sent: 0 }
    }

    /// Takes a message; whether it will arrive.
    pub(super) fn send(&mut self, now: Time, datagram: Datagram) -> bool {
        if datagram.stream {
            self.sent += 1;
            self.under_way.push(Reverse((now + self.weather.delay, self.sent, datagram)));
            return true;
        }
        match self.strikes() {
            Some(Fault::Lost) => return false,
            Some(Fault::Doubled) => self.put(now, datagram.clone()),
            Some(Fault::Late) => {
                self.put(now + Duration::from_millis(700), datagram);
                return true;
            }
            None => {}
        }
        if self.dice.hits(self.weather.loss) {
            return false;
        }
        if self.dice.hits(self.weather.doubled) {
            self.put(now, datagram.clone());
        }
        self.put(now, datagram);
        true
    }

    fn strikes(&mut self) -> Option<Fault> {
        match &mut self.fault {
            Some((0, fault)) => {
                let fault = *fault;
                self.fault = None;
                Some(fault)
            }
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        }
    }

    fn put(&mut self, now: Time, datagram: Datagram) {
        let jitter = self.weather.jitter.as_micros() as u64;
        let late = if jitter == 0 { 0 } else { self.dice.below(jitter) };
        self.sent += 1;
        let at = now + self.weather.delay + Duration::from_micros(late);
        self.under_way.push(Reverse((at, self.sent, datagram)));
    }

    /// When the next one arrives.
    pub(super) fn next(&self) -> Option<Time> {
        self.under_way.peek().map(|Reverse((at, ..))| *at)
    }

    /// The one that arrives now.
    pub(super) fn arrived(&mut self, now: Time) -> Option<Datagram> {
        if self.next()? > now {
            return None;
        }
        self.under_way.pop().map(|Reverse((.., datagram))| datagram)
    }
}
