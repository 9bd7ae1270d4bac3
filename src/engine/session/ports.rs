//! RTP ports: chosen here, bound on floor 8. One after the other, so that a closed one rests longest.
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// The even ports of a range.
#[derive(Debug)]
pub(crate) struct Ports {
    free: VecDeque<u16>,
    /// Somebody else's, when they were to be opened.
    lost: VecDeque<u16>,
    /// Ports that have come back since one of those was tried again.
    returned: usize,
    total: usize,
}

/// After so many that came back, one that was somebody else's is tried again: most have them for a moment only.
const AGAIN: usize = 64;

impl Ports {
    pub(crate) fn new(range: RangeInclusive<u16>) -> Self {
        let end = *range.end();
        let free: VecDeque<_> = range.filter(|port| port % 2 == 0 && *port < end).collect();
        Self { total: free.len(), free, lost: VecDeque::new(), returned: 0 }
    }

    pub(crate) fn take(&mut self) -> Option<u16> {
        self.free.pop_front()
    }

    pub(crate) fn put_back(&mut self, port: u16) {
        self.free.push_back(port);
        self.returned += 1;
        if self.returned >= AGAIN {
            self.returned = 0;
            let again = self.lost.pop_front();
            self.total += usize::from(again.is_some());
            self.free.extend(again);
        }
    }

    /// One that was taken turned out to be somebody else's: it is not put back, for a while.
    pub(crate) fn lose(&mut self, port: u16) {
        self.lost.push_back(port);
        self.total -= 1;
    }

    pub(crate) fn used(&self) -> usize {
        self.total - self.free.len()
    }

    pub(crate) fn free(&self) -> usize {
        self.free.len()
    }

    pub(crate) const fn total(&self) -> usize {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_even_with_room_for_rtcp_and_rest_after_use() {
        let mut ports = Ports::new(10_001..=10_006);
        assert_eq!(ports.total(), 2, "10006 has no place for its RTCP");
        let first = ports.take();
        assert_eq!(first, Some(10_002));
        ports.put_back(10_002);
        assert_eq!((ports.take(), ports.take(), ports.take()), (Some(10_004), Some(10_002), None));
        assert_eq!(ports.used(), 2);
    }
    #[test]
    fn what_was_somebody_elses_is_tried_again_much_later() {
        let mut ports = Ports::new(10_000..=10_003);
        let port = ports.take().unwrap();
        ports.lose(port);
        assert_eq!((ports.total(), ports.used()), (1, 0));
        for _ in 0..AGAIN {
            assert_eq!(ports.free(), 1);
            let other = ports.take().unwrap();
            assert_ne!(other, port);
            ports.put_back(other);
        }
        assert_eq!((ports.total(), ports.free(), ports.used()), (2, 2, 0));
    }
}
