//! Digits that come and go as telephone events in an RTP stream (RFC 4733).
//!
//! ```text
//!            first packet                    E, or silence for 150 ms, or another event
//!   Idle ───────► Began(digit) … lasting ─────────► Ended(digit, ticks)
//!                                    ╰─ a segment of 65 535 ticks is full: the next goes on with it (§2.5.1.3)
//! ```
//!
//! Knows: what a packet's header says, and its payload. Never: sockets, source ids, who pressed.
mod detector;
mod generator;

pub use detector::{Detector, Heading, Heard};
pub use generator::{Generator, Packet};

/// An event's octets in a payload (§2.3).
pub const OCTETS: usize = 4;
/// The longest that a report can tell; a longer event goes on in another segment (§2.5.1.3).
pub const SEGMENT: u16 = u16::MAX;
/// The E bit.
const END: u8 = 0x80;
const VOLUME: u8 = 0x3F;
/// The DTMF digits in the order of their event codes (§3.2, Table 3).
const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/// A key of a telephone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Digit(u8);

impl Digit {
    /// The digit of an event code: 0 to 15 are those of DTMF.
    #[must_use]
    pub fn of_event(event: u8) -> Option<Self> {
        (usize::from(event) < DIGITS.len()).then_some(Self(event))
    }

    /// The digit that is written so.
    #[must_use]
    pub fn of_char(written: char) -> Option<Self> {
        let upper = written.to_ascii_uppercase();
        DIGITS.iter().position(|&digit| digit == upper).map(|event| Self(event as u8))
    }

    /// Its event code.
    #[must_use]
    pub fn event(self) -> u8 {
        self.0
    }

    /// How it is written.
    #[must_use]
    pub fn as_char(self) -> char {
        DIGITS[usize::from(self.0)]
    }
}

/// What a payload says of one event (§2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    /// The event code.
    pub event: u8,
    /// The event is over.
    pub end: bool,
    /// How loud, in decibels below a milliwatt: 0 to 63.
    pub volume: u8,
    /// How long it, or its segment, has lasted so far, in ticks of the RTP clock.
    pub duration: u16,
}

impl Report {
    /// Reads one report; the reserved bit is ignored (§2.3.3).
    #[must_use]
    pub fn read([event, flags, high, low]: [u8; OCTETS]) -> Self {
        Self { event, end: flags & END != 0, volume: flags & VOLUME, duration: u16::from_be_bytes([high, low]) }
    }

    /// All that a payload reports: events that follow each other without a pause may share one (§2.5.1.5).
    pub fn read_all(payload: &[u8]) -> impl Iterator<Item = Self> {
        payload.as_chunks().0.iter().copied().map(Self::read)
    }

    /// Writes it; the reserved bit is 0.
    #[must_use]
    pub fn write(self) -> [u8; OCTETS] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, if self.end { END } else { 0 } | self.volume.min(VOLUME), high, low]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_four_octets() {
        // RFC 4733 §5, the example's last digit: 1 at −10 dBm0, over after 200 ms.
        let report = Report { event: 1, end: true, volume: 10, duration: 1_600 };
        assert_eq!(report.write(), [1, 0x8A, 0x06, 0x40]);
        for (octets, event, end, volume, duration) in [
            ([0, 0, 0, 0], 0, false, 0, 0),
            ([11, 0x0A, 0x00, 0xA0], 11, false, 10, 160),
            // The reserved bit says nothing.
            ([11, 0x4A, 0x00, 0xA0], 11, false, 10, 160),
            ([255, 0xFF, 0xFF, 0xFF], 255, true, 63, 65_535),
        ] {
            let report = Report { event, end, volume, duration };
            assert_eq!(Report::read(octets), report);
            assert_eq!(Report::read(report.write()), report);
        }
        assert_eq!(Report { event: 1, end: false, volume: 200, duration: 0 }.write(), [1, 63, 0, 0]);
    }

    #[test]
    fn what_is_no_whole_report_is_not_read() {
        for (payload, count) in
            [(&[][..], 0), (&[1, 2, 3], 0), (&[1, 2, 3, 4], 1), (&[1, 2, 3, 4, 5], 1), (&[0; 12], 3)]
        {
            assert_eq!(Report::read_all(payload).count(), count);
        }
    }

    #[test]
    fn the_sixteen_digits_are_the_first_sixteen_events() {
        let written: String = (0..=255).filter_map(Digit::of_event).map(Digit::as_char).collect();
        assert_eq!(written, "0123456789*#ABCD");
        for digit in (0..16).filter_map(Digit::of_event) {
            assert_eq!(Digit::of_char(digit.as_char()), Some(digit));
            assert_eq!(Digit::of_event(digit.event()), Some(digit));
        }
        assert_eq!(Digit::of_char('d'), Digit::of_event(15));
        assert_eq!((Digit::of_char('E'), Digit::of_char('+'), Digit::of_char('１')), (None, None, None));
    }
}
