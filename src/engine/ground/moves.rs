//! Who was at one place and is at another now: phones that lost their connection, or whose NAT gave them another address.
use super::Hop;
use crate::base::{Time, limits};
use crate::settings::LineNo;
use smallvec::SmallVec;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Who was where. Everybody at the end of a connection goes with it; of those behind one NAT each line goes its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stay {
    pub(super) line: Option<LineNo>,
    pub(super) hop: Hop,
}

/// All moves, the oldest forgotten when they are too many, or when every call that was up has followed them.
#[derive(Debug)]
pub(super) struct Moves {
    /// Where they are now, however many moves later, and which was the one that led away.
    moved: HashMap<Stay, (Hop, u64), ahash::RandomState>,
    /// Where those were before who are there now; the oldest first.
    came: HashMap<Stay, SmallVec<[Hop; 1]>, ahash::RandomState>,
    /// In the order in which they were made; some are not true any more.
    order: VecDeque<Made>,
    made: u64,
    /// How long they are remembered.
    lasts: Duration,
}

/// A move that was made.
#[derive(Clone, Copy, Debug)]
struct Made {
    from: Stay,
    number: u64,
    at: Time,
}

impl Moves {
    pub(super) fn new(hasher: &ahash::RandomState) -> Self {
        let (moved, came) = (HashMap::with_hasher(hasher.clone()), HashMap::with_hasher(hasher.clone()));
        Self { moved, came, order: VecDeque::new(), made: 0, lasts: Duration::MAX }
    }

    /// From now on they are remembered so long.
    pub(super) const fn last(&mut self, lasts: Duration) {
        self.lasts = lasts;
    }

    /// Who was there is at `to` now; who is said to have gone from there is back. How many other moves had to be forgotten
    /// for it.
    pub(super) fn moved(&mut self, from: Stay, to: Hop, now: Time) -> u64 {
        while self.order.front().is_some_and(|oldest| now.since(oldest.at) > self.lasts) {
            self.forget_oldest();
        }
        self.back(Stay { hop: to, ..from });
        if from.hop == to {
            return 0;
        }
        self.made += 1;
        self.back(from);
        self.moved.insert(from, (to, self.made));
        self.order.push_back(Made { from, number: self.made, at: now });
        self.redirect(from, to);
        if self.order.len() > limits::MOVES { self.forget_oldest() } else { 0 }
    }

    /// How many that was: none if it was not true any more.
    fn forget_oldest(&mut self) -> u64 {
        let Some(Made { from, number, .. }) = self.order.pop_front() else { return 0 };
        let is_last = self.moved.get(&from).is_some_and(|(_, last)| *last == number);
        if is_last {
            self.back(from);
        }
        is_last.into()
    }

    /// Whoever came to `from` goes along: the place may be another's soon, and their way must not lead over it.
    fn redirect(&mut self, from: Stay, to: Hop) {
        let mut goes = self.came.remove(&from).unwrap_or_default();
        for before in &goes {
            if let Some((at, _)) = self.moved.get_mut(&Stay { hop: *before, ..from }) {
                *at = to;
            }
        }
        goes.push(from.hop);
        let here = self.came.entry(Stay { hop: to, ..from }).or_default();
        here.extend(goes);
        // Not counted: a NAT that gives a phone another address every minute gets here in an hour. At the end of a connection
        // there may be many, who had one each.
        let most = if from.line.is_some() { limits::FORMER_PLACES } else { limits::CONNECTIONS_OF_ONE_SOURCE };
        let excess = here.len().saturating_sub(most);
        for before in here.drain(..excess) {
            self.moved.remove(&Stay { hop: before, ..from });
        }
    }

    /// Nobody has gone from there: somebody came.
    pub(super) fn back(&mut self, stay: Stay) {
        let Some((at, _)) = self.moved.remove(&stay) else { return };
        let at = Stay { hop: at, ..stay };
        if let Some(came) = self.came.get_mut(&at) {
            came.retain(|before| *before != stay.hop);
            if came.is_empty() {
                self.came.remove(&at);
            }
        }
    }

    /// Where somebody is now who was there.
    pub(super) fn follow(&self, stay: Stay) -> Hop {
        self.moved.get(&stay).map_or(stay.hop, |&(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Flow;

    fn hop(number: u32) -> Hop {
        Hop { flow: Flow(1), address: (std::net::Ipv4Addr::from_bits(number), 5060).into() }
    }

    fn stay(line: u32, number: u32) -> Stay {
        Stay { line: Some(LineNo(line)), hop: hop(number) }
    }

    fn moves() -> Moves {
        Moves::new(&ahash::RandomState::with_seeds(1, 2, 3, 4))
    }

    #[test]
    fn the_oldest_moves_are_forgotten() {
        let mut moves = moves();
        let last = limits::MOVES as u32;
        let to = |from: u32| hop(u32::MAX - from);
        let forgotten: u64 = (0..=last).map(|from| moves.moved(stay(1, from), to(from), Time::ZERO)).sum();
        assert_eq!((forgotten, moves.came.len()), (1, limits::MOVES));
        assert_eq!((moves.moved.len(), moves.order.len()), (limits::MOVES, limits::MOVES));
        assert_eq!(moves.follow(stay(1, 0)), hop(0), "the oldest");
        assert_eq!([1, last].map(|from| moves.follow(stay(1, from))), [1, last].map(to));
    }

    #[test]
    fn who_moves_again_and_again_is_not_forgotten_for_it() {
        let mut moves = moves();
        for _ in 0..limits::MOVES {
            assert_eq!(moves.moved(stay(1, 1), hop(2), Time::ZERO) + moves.moved(stay(1, 2), hop(1), Time::ZERO), 0);
        }
        assert_eq!(moves.follow(stay(1, 2)), hop(1));
        assert_eq!((moves.moved.len(), moves.came.len(), moves.order.len()), (1, 1, limits::MOVES));
    }

    #[test]
    fn who_went_on_is_followed_past_who_came_after() {
        let mut moves = moves();
        moves.moved(stay(1, 10), hop(20), Time::ZERO);
        moves.moved(stay(1, 20), hop(30), Time::ZERO);
        moves.back(stay(1, 20));
        assert_eq!([10, 20, 30].map(|at| moves.follow(stay(1, at))), [30, 20, 30].map(hop));
        moves.moved(stay(1, 20), hop(40), Time::ZERO);
        assert_eq!([10, 20, 30].map(|at| moves.follow(stay(1, at))), [30, 40, 30].map(hop), "each on its own way");
        moves.moved(stay(1, 30), hop(10), Time::ZERO);
        assert_eq!([10, 20, 30].map(|at| moves.follow(stay(1, at))), [10, 40, 10].map(hop), "and home again");
        assert_eq!((moves.moved.len(), moves.came.len()), (2, 2));
    }

    #[test]
    fn a_move_that_everybody_has_followed_is_forgotten_with_the_next() {
        let mut moves = moves();
        moves.last(Duration::from_secs(60));
        let at = |secs| Time::ZERO + Duration::from_secs(secs);
        moves.moved(stay(1, 10), hop(20), at(0));
        moves.moved(stay(2, 10), hop(30), at(60));
        assert_eq!(moves.follow(stay(1, 10)), hop(20));
        moves.moved(stay(3, 10), hop(40), at(61));
        assert_eq!([1, 2, 3].map(|line| moves.follow(stay(line, 10))), [10, 30, 40].map(hop));
        assert_eq!((moves.moved.len(), moves.came.len(), moves.order.len()), (2, 2, 2));
    }

    #[test]
    fn a_phone_is_followed_from_so_many_places() {
        let mut moves = moves();
        let last = limits::FORMER_PLACES as u32 + 1;
        (1..=last).for_each(|place| assert_eq!(moves.moved(stay(1, place), hop(place + 1), Time::ZERO), 0));
        assert_eq!([1, 2, last].map(|at| moves.follow(stay(1, at))), [1, last + 1, last + 1].map(hop));
        assert_eq!((moves.moved.len(), moves.came.len()), (limits::FORMER_PLACES, 1));
    }

    #[test]
    fn each_line_goes_its_own_way_and_may_come_back() {
        let mut moves = moves();
        moves.moved(stay(1, 10), hop(20), Time::ZERO);
        moves.moved(stay(2, 10), hop(30), Time::ZERO);
        assert_eq!([1, 2, 3].map(|line| moves.follow(stay(line, 10))), [20, 30, 10].map(hop));
        moves.moved(stay(1, 20), hop(10), Time::ZERO);
        assert_eq!([10, 20].map(|at| moves.follow(stay(1, at))), [10, 10].map(hop));
        moves.back(stay(2, 10));
        assert_eq!(moves.follow(stay(2, 10)), hop(10));
        assert_eq!((moves.moved.len(), moves.came.len()), (1, 1), "what is over is not kept");
    }
}
