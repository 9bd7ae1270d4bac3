//! Connections as the engine knows them: a name each, [`Hop`], and nothing else.
//!
//! Floor 8 opens, reads and closes them. Here is which of them something was heard on, and where a phone went that left one.
use super::Hop;
use super::moves::{Moves, Stay};
use crate::base::{Time, limits};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

/// How long a peer that takes no streams is not asked again.
const REFUSED_FOR: Duration = Duration::from_secs(600);

/// All connections.
#[derive(Debug)]
pub(super) struct Connections {
    /// Something was heard there, and it has not ended.
    open: HashSet<Hop, ahash::RandomState>,
    /// Whose phones came back on another.
    moves: Moves,
    /// Who takes no streams, and until when that counts.
    refusing: HashMap<SocketAddr, Time, ahash::RandomState>,
}

impl Connections {
    pub(super) fn new(hasher: &ahash::RandomState) -> Self {
        Self {
            open: HashSet::with_hasher(hasher.clone()),
            moves: Moves::new(hasher),
            refusing: HashMap::with_hasher(hasher.clone()),
        }
    }

    /// Something came over it. If it is a new one, nobody has gone from it yet, whoever had its two ends before.
    pub(super) fn heard(&mut self, hop: Hop) {
        if self.open.insert(hop) {
            self.moves.back(Stay { line: None, hop });
        }
    }

    /// It has ended.
    pub(super) fn lost(&mut self, hop: Hop) {
        self.open.remove(&hop);
    }

    /// Whether something was heard there, and it has not ended.
    pub(super) fn is_open(&self, hop: Hop) -> bool {
        self.open.contains(&hop)
    }

    /// A phone that was at `from` is at `to` now. How many other moves had to be forgotten for it.
    pub(super) fn moved(&mut self, from: Hop, to: Hop, now: Time) -> u64 {
        self.moves.moved(Stay { line: None, hop: from }, to, now)
    }

    /// From now on moves are remembered so long.
    pub(super) const fn last(&mut self, lasts: Duration) {
        self.moves.last(lasts);
    }

    /// Where somebody who was at this connection is reached now; nothing if it is closed and they have not come back.
    pub(super) fn follow(&self, hop: Hop) -> Option<Hop> {
        Some(self.moves.follow(Stay { line: None, hop })).filter(|at| self.is_open(*at))
    }

    /// This peer takes no streams. How many others had to be forgotten for it.
    pub(super) fn refused(&mut self, peer: SocketAddr, now: Time) -> u64 {
        let full = self.refusing.len() >= limits::REFUSING_PEERS;
        let forgotten = if full { self.refusing.len() } else { 0 };
        if full {
            self.refusing.clear();
        }
        self.refusing.insert(peer, now + REFUSED_FOR);
        forgotten as u64
    }

    /// Whether it is known that this peer takes no streams.
    pub(super) fn refuses(&self, peer: SocketAddr, now: Time) -> bool {
        self.refusing.get(&peer).is_some_and(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Flow;

    fn hop(number: u32) -> Hop {
        Hop { flow: Flow(1), address: (std::net::Ipv4Addr::from_bits(number), 5060).into() }
    }

    #[test]
    fn who_takes_no_streams_is_asked_again_when_too_many_do_not() {
        let mut connections = Connections::new(&ahash::RandomState::with_seeds(1, 2, 3, 4));
        let (peer, now) = (|number| hop(number).address, Time::ZERO);
        let most = limits::REFUSING_PEERS as u32;
        assert_eq!((0..most).map(|number| connections.refused(peer(number), now)).sum::<u64>(), 0);
        assert!(connections.refuses(peer(0), now) && !connections.refuses(peer(0), now + REFUSED_FOR));
        assert_eq!(connections.refused(peer(u32::MAX), now), u64::from(most));
        assert!(connections.refuses(peer(u32::MAX), now) && !connections.refuses(peer(0), now));
        assert_eq!(connections.refusing.len(), 1);
    }

    #[test]
    fn who_moves_is_followed_and_circles_end() {
        let mut connections = Connections::new(&ahash::RandomState::with_seeds(1, 2, 3, 4));
        let [a, b, c] = [1, 2, 3].map(|port| Hop { flow: Flow(1), address: ([10, 0, 0, 1], port).into() });
        connections.heard(a);
        assert_eq!(connections.follow(a), Some(a));
        connections.heard(b);
        connections.moved(a, b, Time::ZERO);
        assert_eq!(connections.follow(a), Some(b), "even while the old one seems open");
        connections.moved(b, c, Time::ZERO);
        assert_eq!(connections.follow(a), None, "nothing was heard there");
        connections.heard(c);
        assert_eq!(connections.follow(a), Some(c));
        connections.moved(c, a, Time::ZERO);
        assert_eq!(connections.follow(b), Some(a), "and back again");
        connections.lost(a);
        assert_eq!(connections.follow(b), None);
    }
}
