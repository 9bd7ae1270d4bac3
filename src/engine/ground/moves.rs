//! Who was at one place and is at another now: phones that lost their connection, or whose NAT gave them another address.
use super::Hop;
use crate::base::limits;
use crate::settings::LineNo;
use std::collections::{HashMap, VecDeque};

/// Who was where. Everybody at the end of a connection goes with it; of those behind one NAT each line goes its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stay {
    pub(super) line: Option<LineNo>,
    pub(super) hop: Hop,
}

/// All moves, the oldest forgotten when they are too many.
#[derive(Debug)]
pub(super) struct Moves {
    /// Where to, and which move it was.
    moved: HashMap<Stay, (Hop, u64), ahash::RandomState>,
    /// In the order in which they were made; some are not true any more.
    order: VecDeque<(Stay, u64)>,
    made: u64,
}

impl Moves {
    pub(super) fn new(hasher: &ahash::RandomState) -> Self {
        Self { moved: HashMap::with_hasher(hasher.clone()), order: VecDeque::new(), made: 0 }
    }

    /// Who was there is at `to` now; who is said to have gone from there is back. How many other moves had to be forgotten
    /// for it.
    pub(super) fn moved(&mut self, from: Stay, to: Hop) -> u64 {
        self.back(Stay { hop: to, ..from });
        if from.hop == to {
            return 0;
        }
        self.made += 1;
        self.moved.insert(from, (to, self.made));
        self.order.push_back((from, self.made));
        if self.order.len() > limits::MOVES
            && let Some((oldest, made)) = self.order.pop_front()
            && self.moved.get(&oldest).is_some_and(|(_, last)| *last == made)
        {
            self.moved.remove(&oldest);
            return 1;
        }
        0
    }

    /// Nobody has gone from there: somebody came.
    pub(super) fn back(&mut self, stay: Stay) {
        self.moved.remove(&stay);
    }

    /// Where somebody is now who was there.
    pub(super) fn follow(&self, stay: Stay) -> Hop {
        let mut at = stay.hop;
        // Each move is to another place; more than a few are a circle.
        for _ in 0..8 {
            match self.moved.get(&Stay { hop: at, ..stay }) {
                Some(&(next, _)) => at = next,
                None => break,
            }
        }
        at
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
        let forgotten: u64 = (0..=last).map(|from| moves.moved(stay(1, from), hop(u32::MAX))).sum();
        assert_eq!(forgotten, 1);
        assert_eq!((moves.moved.len(), moves.order.len()), (limits::MOVES, limits::MOVES));
        assert_eq!(moves.follow(stay(1, 0)), hop(0), "the oldest");
        assert_eq!([1, last].map(|from| moves.follow(stay(1, from))), [hop(u32::MAX); 2]);
    }

    #[test]
    fn who_moves_again_and_again_is_not_forgotten_for_it() {
        let mut moves = moves();
        for _ in 0..limits::MOVES {
            assert_eq!(moves.moved(stay(1, 1), hop(2)) + moves.moved(stay(1, 2), hop(1)), 0);
        }
        assert_eq!(moves.follow(stay(1, 2)), hop(1));
        assert_eq!((moves.moved.len(), moves.order.len()), (1, limits::MOVES));
    }

    #[test]
    fn each_line_goes_its_own_way_and_may_come_back() {
        let mut moves = moves();
        moves.moved(stay(1, 10), hop(20));
        moves.moved(stay(2, 10), hop(30));
        assert_eq!([1, 2, 3].map(|line| moves.follow(stay(line, 10))), [20, 30, 10].map(hop));
        moves.moved(stay(1, 20), hop(10));
        assert_eq!([10, 20].map(|at| moves.follow(stay(1, at))), [10, 10].map(hop));
        moves.back(stay(2, 10));
        assert_eq!(moves.follow(stay(2, 10)), hop(10));
        assert_eq!(moves.moved.len(), 1, "what is over is not kept");
    }
}
