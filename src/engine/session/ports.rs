//! RTP ports: chosen here, bound on floor 8. One after the other, so that a closed one rests longest.
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// The even ports of a range.
#[derive(Debug)]
pub(crate) struct Ports {
    free: VecDeque<u16>,
    total: usize,
}

impl Ports {
    pub(crate) fn new(range: RangeInclusive<u16>) -> Self {
        let end = *range.end();
        let free: VecDeque<_> = range.filter(|port| port % 2 == 0 && *port < end).collect();
        Self { total: free.len(), free }
    }

    pub(crate) fn take(&mut self) -> Option<u16> {
        self.free.pop_front()
    }

    pub(crate) fn put_back(&mut self, port: u16) {
        self.free.push_back(port);
    }

    /// One that was taken turned out to be somebody else's: it is not put back.
    pub(crate) const fn lose(&mut self) {
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
}
