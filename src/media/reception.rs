//! How well a stream is received (RFC 3550 §6.4.1, appendix A): what is lost, late or doubled, and how unevenly it comes.
use std::time::Duration;

/// A jump ahead by so much is no loss: the sender has begun anew (appendix A.1).
const DROPOUT: u16 = 3_000;
/// So many numbers back it is remembered what came.
const WINDOW: u16 = 128;

/// One source, as it is received.
#[derive(Clone, Debug, Default)]
pub(super) struct Reception {
    source: Option<Source>,
    /// Of sources before.
    before: Losses,
}

#[derive(Clone, Debug)]
struct Source {
    ssrc: u32,
    /// The first number, and the highest, with its cycles.
    first: u32,
    highest: u32,
    /// Which of the last numbers have come: the lowest bit is the highest number.
    window: u128,
    received: u32,
    losses: Losses,
    /// The highest number and what had been received by the last report.
    reported: (u32, u32),
    /// What was lost has been told up to here.
    told: u64,
    transit: Option<i64>,
    /// In sixteenths of the clock.
    jitter: u64,
    /// Ticks of that a second.
    clock: u32,
}

/// Packets that did not come as they should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Never came, as far as that is known.
    pub lost: u64,
    /// Came after one that was sent later.
    pub late: u64,
    /// Came before.
    pub duplicate: u64,
}

impl Losses {
    /// Both together.
    pub const fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.late += other.late;
        self.duplicate += other.duplicate;
    }
}

/// What a report says of a source (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) ssrc: u32,
    /// Of those expected since the last report, in 256ths.
    pub(super) fraction_lost: u8,
    /// In all; less than nothing if many came twice.
    pub(super) lost: i32,
    pub(super) highest: u32,
    /// In timestamp units.
    pub(super) jitter: u32,
    /// Of those a second.
    pub(super) clock: u32,
}

impl Heard {
    /// The jitter as time.
    pub(super) fn jitter_time(&self) -> Duration {
        Duration::from_micros(u64::from(self.jitter) * 1_000_000 / u64::from(self.clock))
    }
}

impl Reception {
    /// An RTP packet came, at this time, which begins anywhere; its timestamp has so many ticks a second. One of a key tells
    /// no time: it says when the key went down.
    pub(super) fn hears(&mut self, packet: &[u8], at: Duration, clock: Option<u32>) {
        let Some(&[_, _, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3]) = packet.first_chunk::<12>() else { return };
        let (number, ssrc) = (u16::from_be_bytes([s0, s1]), u32::from_be_bytes([i0, i1, i2, i3]));
        match &mut self.source {
            Some(source) if source.ssrc == ssrc && !source.has_begun_anew(number) => {
                source.counts(number);
                if let Some(clock) = clock {
                    source.times(u32::from_be_bytes([t0, t1, t2, t3]), at, clock);
                }
            }
            before => {
                if let Some(before) = before {
                    before.losses.lost = before.untold();
                    self.before.add(before.losses);
                }
                let mut source = Source::new(ssrc, number);
                if let Some(clock) = clock {
                    source.times(u32::from_be_bytes([t0, t1, t2, t3]), at, clock);
                }
                *before = Some(source);
            }
        }
    }

    /// For a report, and with it the next interval begins.
    pub(super) fn report(&mut self) -> Option<Heard> {
        let source = self.source.as_mut()?;
        let (highest, received) = std::mem::replace(&mut source.reported, (source.highest, source.received));
        let expected = source.highest.wrapping_sub(highest);
        let received = source.received.wrapping_sub(received);
        let lost = expected.saturating_sub(received);
        // Appendix A.3.
        let fraction_lost =
            if expected == 0 { 0 } else { (u64::from(lost) * 256 / u64::from(expected)).min(255) as u8 };
        Some(Heard {
            ssrc: source.ssrc,
            fraction_lost,
            lost: source.lost().clamp(-0x80_0000, 0x7F_FFFF) as i32,
            highest: source.highest,
            jitter: (source.jitter >> 4) as u32,
            clock: source.clock,
        })
    }

    /// What has not been told yet. What is lost now and comes later is late besides.
    pub(super) fn losses(&mut self) -> Losses {
        let mut losses = std::mem::take(&mut self.before);
        if let Some(source) = &mut self.source {
            let lost = source.untold();
            source.told += lost;
            losses.add(Losses { lost, ..std::mem::take(&mut source.losses) });
        }
        losses
    }
}

impl Source {
    fn new(ssrc: u32, number: u16) -> Self {
        let number = u32::from(number);
        Self {
            ssrc,
            first: number,
            highest: number,
            window: 1,
            received: 1,
            losses: Losses::default(),
            // The first one counts as expected.
            reported: (number.wrapping_sub(1), 0),
            told: 0,
            transit: None,
            jitter: 0,
            clock: 8_000,
        }
    }

    /// Far from what came last, in either direction.
    fn has_begun_anew(&self, number: u16) -> bool {
        let ahead = number.wrapping_sub(self.highest as u16);
        (DROPOUT..=u16::MAX - WINDOW + 1).contains(&ahead)
    }

    fn counts(&mut self, number: u16) {
        let ahead = number.wrapping_sub(self.highest as u16);
        self.received = self.received.wrapping_add(1);
        if (1..DROPOUT).contains(&ahead) {
            self.highest = self.highest.wrapping_add(ahead.into());
            self.window = if ahead < WINDOW { (self.window << ahead) | 1 } else { 1 };
            return;
        }
        let bit = 1 << (ahead.wrapping_neg() % WINDOW);
        if self.window & bit == 0 {
            self.window |= bit;
            self.losses.late += 1;
        } else {
            self.losses.duplicate += 1;
        }
    }

    /// Appendix A.8. What was measured by another clock is told by this one, and begins anew (RFC 7160 §4.2).
    fn times(&mut self, timestamp: u32, at: Duration, clock: u32) {
        if self.clock != clock {
            self.jitter = self.jitter * u64::from(clock) / u64::from(self.clock);
            (self.clock, self.transit) = (clock, None);
        }
        let arrival = at.as_nanos() * u128::from(clock) / 1_000_000_000;
        let transit = i64::from((arrival as u32).wrapping_sub(timestamp) as i32);
        if let Some(before) = self.transit.replace(transit) {
            let difference = i64::from((transit - before) as i32).unsigned_abs();
            self.jitter = self.jitter + difference - ((self.jitter + 8) >> 4);
        }
    }

    /// Expected less received.
    fn lost(&self) -> i64 {
        i64::from(self.highest.wrapping_sub(self.first)) + 1 - i64::from(self.received)
    }

    fn untold(&self) -> u64 {
        u64::try_from(self.lost()).unwrap_or(0).saturating_sub(self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(ssrc: u32, number: u16, timestamp: u32) -> Vec<u8> {
        [&[0x80, 8][..], &number.to_be_bytes(), &timestamp.to_be_bytes(), &ssrc.to_be_bytes(), &[0; 160]].concat()
    }

    /// Packets with these numbers from one source, each 20 ms after the one before.
    fn heard(numbers: impl IntoIterator<Item = u16>) -> Reception {
        let mut reception = Reception::default();
        for (number, n) in numbers.into_iter().zip(0u32..) {
            reception.hears(&packet(7, number, n * 160), Duration::from_millis(20) * n, Some(8_000));
        }
        reception
    }

    #[test]
    fn nothing_is_missed_where_all_came_not_even_round_the_end() {
        let mut reception = heard((65_500..=65_535).chain(0..=99));
        let expected = Heard { ssrc: 7, fraction_lost: 0, lost: 0, highest: 65_536 + 99, jitter: 0, clock: 8_000 };
        assert_eq!((reception.report(), reception.losses()), (Some(expected), Losses::default()));
        assert_eq!(Reception::default().report(), None);
    }

    #[test]
    fn lost_late_and_doubled_are_told_apart() {
        for (numbers, lost, late, duplicate) in [
            (vec![1, 2, 4, 5], 1, 0, 0),
            (vec![1, 2, 4, 3, 5], 0, 1, 0),
            (vec![1, 2, 2, 3, 1], 0, 0, 2),
            (vec![1, 4, 3, 3, 5], 1, 1, 1),
            (vec![65_534, 1, 65_535, 0], 0, 2, 0),
            (vec![1, 201, 200], 198, 1, 0),
            // Before the first: it was expected to begin later.
            (vec![10, 9], 0, 1, 0),
        ] {
            let mut reception = heard(numbers.clone());
            let losses = reception.losses();
            // What comes twice hides what is lost, as RFC 3550 would have it.
            let hidden = u64::min(duplicate + u64::from(numbers[0] == 10), lost);
            assert_eq!(losses, Losses { lost: lost - hidden, late, duplicate }, "{numbers:?}");
            assert_eq!(reception.losses(), Losses::default(), "told once");
        }
    }

    #[test]
    fn what_is_lost_is_told_as_it_happens_and_never_taken_back() {
        let mut reception = heard([1, 5]);
        assert_eq!(reception.losses().lost, 3);
        for (number, told) in
            [(4, Losses { late: 1, ..Losses::default() }), (9, Losses { lost: 2, ..Losses::default() })]
        {
            reception.hears(&packet(7, number, 0), Duration::ZERO, Some(8_000));
            assert_eq!(reception.losses(), told, "{number}");
        }
    }

    #[test]
    fn each_report_tells_of_its_own_interval() {
        let mut reception = heard([1, 2, 3, 5]);
        let first = reception.report().unwrap();
        assert_eq!((first.fraction_lost, first.lost, first.highest), (51, 1, 5), "a fifth of 256");
        assert_eq!(reception.report().unwrap().fraction_lost, 0, "nothing was expected since");
        for number in [6, 8] {
            reception.hears(&packet(7, number, 0), Duration::ZERO, Some(8_000));
        }
        let second = reception.report().unwrap();
        assert_eq!((second.fraction_lost, second.lost), (85, 2), "one of three");
    }

    #[test]
    fn another_source_and_one_that_begins_anew_are_counted_afresh() {
        let mut reception = heard([1, 2, 4]);
        reception.hears(&packet(8, 30_000, 0), Duration::ZERO, Some(8_000));
        assert_eq!(reception.report().map(|heard| (heard.ssrc, heard.lost)), Some((8, 0)));
        reception.hears(&packet(8, 10_000, 0), Duration::ZERO, Some(8_000));
        reception.hears(&packet(8, 10_001, 0), Duration::ZERO, Some(8_000));
        assert_eq!(reception.report().map(|heard| (heard.lost, heard.highest)), Some((0, 10_001)));
        assert_eq!(reception.losses(), Losses { lost: 1, ..Losses::default() }, "of the first");
    }

    /// Every other packet comes 10 ms late: the estimate nears those 10 ms, which are 80 units.
    #[test]
    fn jitter_nears_what_it_is() {
        let mut reception = Reception::default();
        for n in 0..400u32 {
            let late = Duration::from_millis(10) * (n % 2);
            reception.hears(
                &packet(7, n as u16, n.wrapping_mul(160)),
                Duration::from_millis(20) * n + late,
                Some(8_000),
            );
        }
        let heard = reception.report().unwrap();
        assert!((78..=80).contains(&heard.jitter), "{}", heard.jitter);
        assert_eq!(heard.jitter_time().as_millis(), 9);
    }

    /// The same unevenness by another clock, from one packet to the next; keys in between say nothing of it.
    #[test]
    fn another_clock_changes_the_unit_and_not_the_estimate() {
        let mut reception = Reception::default();
        let (mut jitters, ticks) = (Vec::new(), |n: u32| if n < 400 { n * 160 } else { n * 960 + 77 });
        for n in 0..800u32 {
            let at = Duration::from_millis(20) * n + Duration::from_millis(10) * (n % 2);
            let clock = if n < 400 { 8_000 } else { 48_000 };
            reception.hears(&packet(7, (2 * n) as u16, ticks(n)), at, Some(clock));
            reception.hears(&packet(7, (2 * n + 1) as u16, 5), at, None);
            if n % 100 == 99 {
                let heard = reception.report().unwrap();
                jitters.push((heard.clock, heard.jitter_time().as_micros()));
            }
        }
        assert!(jitters.iter().all(|(_, jitter)| (9_500..=10_100).contains(jitter)), "{jitters:?}");
        assert_eq!((jitters[3].0, jitters[4].0), (8_000, 48_000));
    }
}
