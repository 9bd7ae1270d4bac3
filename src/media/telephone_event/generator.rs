//! A digit to packets: one on every beat of 20 ms, in the place of the audio that would have been sent.
use super::{Digit, OCTETS, Report, SEGMENT};
use crate::media::codec::TICKS;

/// How often the last packet of an event or a segment is sent (§2.5.1.4).
const FINALS: u8 = 3;

/// A packet without what belongs to the stream: its source, its payload type and its sequence number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet {
    /// The RTP marker: the first of its event.
    pub marker: bool,
    /// When the event, or its segment, began.
    pub timestamp: u32,
    /// The report.
    pub payload: [u8; OCTETS],
}

/// The packets of one digit; one is due on every beat until there are no more.
#[derive(Clone, Debug)]
pub struct Generator {
    digit: Digit,
    volume: u8,
    /// When the present segment began.
    timestamp: u32,
    /// What is left of the event as the present segment begins.
    left: u32,
    /// How long it has lasted since.
    lasted: u32,
    /// The last packet of the segment has been sent so often.
    finals: u8,
    marker: bool,
}

impl Generator {
    /// A digit that begins at `timestamp`, the time of the audio frame in whose place its first packet goes, and lasts for
    /// `ticks`, but a beat at least. `volume` is in decibels below a milliwatt.
    #[must_use]
    pub fn new(digit: Digit, timestamp: u32, ticks: u32, volume: u8) -> Self {
        Self { digit, volume, timestamp, left: ticks.max(TICKS), lasted: 0, finals: 0, marker: true }
    }
}

impl Iterator for Generator {
    type Item = Packet;

    fn next(&mut self) -> Option<Packet> {
        let full = u32::from(SEGMENT);
        if self.finals == FINALS {
            if self.left <= full {
                return None;
            }
            // The next segment begins where this one ended, which is some beats ago by now (§2.5.1.3).
            self.timestamp = self.timestamp.wrapping_add(full);
            self.left -= full;
            self.lasted -= full;
            self.finals = 0;
        }
        self.lasted += TICKS;
        let duration = self.lasted.min(self.left).min(full);
        // A segment that is full is not an end, unless nothing is left.
        let end = duration == self.left;
        if end || (self.lasted >= full && duration == full) {
            self.finals += 1;
        }
        let report = Report { event: self.digit.event(), end, volume: self.volume, duration: duration as u16 };
        let marker = std::mem::take(&mut self.marker);
        Some(Packet { marker, timestamp: self.timestamp, payload: report.write() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: Digit = Digit(5);

    fn rows(generator: Generator) -> Vec<(bool, u32, u16, bool)> {
        let row = |packet: Packet| {
            let report = Report::read(packet.payload);
            assert_eq!((report.event, report.volume), (5, 10));
            (packet.marker, packet.timestamp, report.duration, report.end)
        };
        generator.map(row).collect()
    }

    #[test]
    fn a_digit_grows_by_the_beat_and_its_end_is_sent_three_times() {
        assert_eq!(
            rows(Generator::new(FIVE, 7_040, 480, 10)),
            [
                (true, 7_040, 160, false),
                (false, 7_040, 320, false),
                (false, 7_040, 480, true),
                (false, 7_040, 480, true),
                (false, 7_040, 480, true),
            ]
        );
        // Not a whole number of beats.
        assert_eq!(rows(Generator::new(FIVE, 0, 200, 10))[1], (false, 0, 200, true));
    }

    #[test]
    fn the_shortest_digit_begins_and_ends_in_one_packet() {
        for ticks in [0, 1, 160] {
            let rows = rows(Generator::new(FIVE, 0, ticks, 10));
            assert_eq!(rows, [(true, 0, 160, true), (false, 0, 160, true), (false, 0, 160, true)]);
        }
    }

    #[test]
    fn a_long_digit_goes_on_in_segments_without_a_mark() {
        // 20 seconds, begun where the clock is about to wrap.
        let begin = u32::MAX - 1_000;
        let rows = rows(Generator::new(FIVE, begin, 160_000, 10));
        assert_eq!(rows.iter().filter(|row| row.0).count(), 1);
        let (second, third) = (begin.wrapping_add(65_535), begin.wrapping_add(131_070));
        let full = |timestamp| rows.iter().filter(|row| row.1 == timestamp && row.2 == 65_535).count();
        assert_eq!((full(begin), full(second), full(third)), (3, 3, 0));
        // Only the event's end has the E bit, and time has gone on while the full segments were told three times.
        let ends: Vec<_> = rows.iter().filter(|row| row.3).collect();
        assert_eq!(ends, [&(false, third, 28_930, true); 3]);
        assert_eq!(rows.len(), 1_000 + 2);
        let first_of_second = rows.iter().find(|row| row.1 == second).map(|row| row.2);
        assert_eq!(first_of_second, Some(413 * 160 - 65_535_u32).map(|ticks| ticks as u16));
    }

    #[test]
    fn a_digit_that_fills_its_segment_exactly_ends_there() {
        let rows = rows(Generator::new(FIVE, 0, 65_535, 10));
        assert_eq!(rows[rows.len() - 3..], [(false, 0, 65_535, true); 3]);
        assert!(!rows[rows.len() - 4].3);
    }
}
