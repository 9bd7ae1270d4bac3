//! Packets to digits, each exactly once, whatever the network did to the packets.
//!
//! An event is known by its timestamp: the marker and the E bit may be lost, and sequence numbers say nothing that the
//! timestamp does not. So one memory is enough, of the latest event; what is older than that came late and was heard, or
//! is too late to be heard in its place.
use super::{Digit, Report, SEGMENT};
use std::time::{Duration, Instant};

/// Without a report for so long, an event is over: three intervals of 50 ms, the longest that is usual (§2.5.2.2, which
/// does not let a tone get stuck).
const GAP: Duration = Duration::from_millis(150);
/// An event that began up to so long before the latest one is an old acquaintance. Further back is a sender that has set
/// its clock anew.
const RECENT: u32 = 4 * SEGMENT as u32;
/// Reports read of one packet. Contiguous events are rare, and what a peer may make us do has a limit.
const REPORTS: usize = 16;

/// What the detector must know of a packet's RTP header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heading {
    /// The first packet of an event (§2.2.2).
    pub marker: bool,
    /// When the event or its segment began.
    pub timestamp: u32,
}

/// What was heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// A key went down.
    Began(Digit),
    /// It went up, or nothing more is heard of it, after so many ticks of the RTP clock.
    Ended(Digit, u32),
}

/// Listens to the events of one stream: when the source changes, so must the detector.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    latest: Option<Latest>,
}

/// The event that was heard of last.
#[derive(Clone, Copy, Debug)]
struct Latest {
    event: u8,
    /// When its present segment began.
    timestamp: u32,
    /// What its former segments lasted.
    before: u32,
    /// What the present one has lasted so far.
    duration: u16,
    reported: Instant,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Lasting,
    /// Given up; it may in truth go on.
    Lapsed,
    /// Its end was told, or another followed.
    Ended,
}

/// How a report stands to the event that was heard of last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Same,
    /// A segment that begins so much later.
    Continued(u32),
    New,
    Stale,
}

impl Detector {
    /// Takes a packet's payload.
    pub fn hear(&mut self, heading: Heading, payload: &[u8], now: Instant, heard: &mut impl FnMut(Heard)) {
        let mut heading = heading;
        for report in Report::read_all(payload).take(REPORTS) {
            // Zero is reserved for states, which digits are not (§2.3.5).
            if report.duration > 0 {
                self.take(heading, report, now, heard);
            }
            // Where there are more, each begins when the one before it was over (§2.5.2.4).
            heading = Heading { marker: true, timestamp: heading.timestamp.wrapping_add(report.duration.into()) };
        }
    }

    /// Time has passed: ends what has not been heard of for too long. Meant to be called on every beat.
    pub fn beat(&mut self, now: Instant, heard: &mut impl FnMut(Heard)) {
        if let Some(latest) = &mut self.latest
            && now.saturating_duration_since(latest.reported) >= GAP
        {
            latest.end(Phase::Lapsed, heard);
        }
    }

    fn take(&mut self, heading: Heading, report: Report, now: Instant, heard: &mut impl FnMut(Heard)) {
        let place = self.latest.as_ref().map_or(Place::New, |latest| latest.place(heading, report));
        match (place, &mut self.latest) {
            (Place::Same, Some(latest)) => latest.go_on(report, now, heard),
            (Place::Continued(later), Some(latest)) => {
                latest.before = latest.before.saturating_add(later);
                latest.timestamp = heading.timestamp;
                latest.duration = 0;
                latest.go_on(report, now, heard);
            }
            (Place::Stale, _) => {}
            (Place::New | Place::Same | Place::Continued(_), latest) => {
                // The end of the former was lost.
                if let Some(former) = latest {
                    former.end(Phase::Ended, heard);
                }
                let begun = Latest {
                    event: report.event,
                    timestamp: heading.timestamp,
                    before: 0,
                    duration: 0,
                    reported: now,
                    phase: Phase::Lasting,
                };
                if let Some(digit) = Digit::of_event(report.event) {
                    heard(Heard::Began(digit));
                }
                latest.insert(begun).go_on(report, now, heard);
            }
        }
    }
}

impl Latest {
    fn place(&self, heading: Heading, report: Report) -> Place {
        let later = heading.timestamp.wrapping_sub(self.timestamp);
        let same_event = self.event == report.event;
        if later == 0 && same_event {
            return Place::Same;
        }
        if later.wrapping_neg() <= RECENT {
            return Place::Stale;
        }
        // A new segment has no marker, and begins where a full one ended (§2.5.2.3), or several, had they been lost.
        let adjacent = later.is_multiple_of(SEGMENT.into()) && i32::try_from(later).is_ok();
        match self.phase {
            Phase::Lasting | Phase::Lapsed if same_event && adjacent && !heading.marker => Place::Continued(later),
            Phase::Lasting | Phase::Lapsed | Phase::Ended => Place::New,
        }
    }

    fn go_on(&mut self, report: Report, now: Instant, heard: &mut impl FnMut(Heard)) {
        // Packets overtake each other; time does not run backwards.
        self.duration = self.duration.max(report.duration);
        self.reported = now;
        if report.end {
            self.end(Phase::Ended, heard);
        }
    }

    /// The one place where an event ends. What has lapsed was told already, and is not told again (§2.5.2.2).
    fn end(&mut self, phase: Phase, heard: &mut impl FnMut(Heard)) {
        match self.phase {
            Phase::Lasting => {
                if let Some(digit) = Digit::of_event(self.event) {
                    heard(Heard::Ended(digit, self.before.saturating_add(self.duration.into())));
                }
                self.phase = phase;
            }
            Phase::Lapsed if phase == Phase::Ended => self.phase = phase,
            Phase::Lapsed | Phase::Ended => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Generator, Packet};
    use super::*;
    use switchyard_engine::base::Rng;

    const BEAT: Duration = Duration::from_millis(20);

    /// A stream as a listener has it: what was heard, as `9` for a key that went down and `/1600` for one that went up.
    struct Line {
        detector: Detector,
        now: Instant,
        heard: String,
    }

    impl Line {
        fn new() -> Self {
            Self { detector: Detector::default(), now: Instant::now(), heard: String::new() }
        }

        fn packet(&mut self, marker: bool, timestamp: u32, payload: &[u8]) {
            let heard = &mut self.heard;
            self.detector.hear(Heading { marker, timestamp }, payload, self.now, &mut |what| note(heard, what));
        }

        fn wait(&mut self, time: Duration) {
            let until = self.now + time;
            while self.now < until {
                self.now += BEAT;
                let heard = &mut self.heard;
                self.detector.beat(self.now, &mut |what| note(heard, what));
            }
        }
    }

    fn note(heard: &mut String, what: Heard) {
        match what {
            Heard::Began(digit) => heard.push(digit.as_char()),
            Heard::Ended(_, ticks) => *heard += &format!("/{ticks} "),
        }
    }

    /// Timestamp, event, duration; with marks: `M` and `E` as on the wire.
    type Row = (&'static str, u32, u8, u16);

    fn hear(rows: &[Row]) -> String {
        let mut line = Line::new();
        for &(marks, timestamp, event, duration) in rows {
            let report = Report { event, end: marks.contains('E'), volume: 10, duration };
            line.packet(marks.contains('M'), timestamp, &report.write());
            line.wait(BEAT);
        }
        line.wait(Duration::from_secs(1));
        line.heard
    }

    #[test]
    fn the_rfcs_example_is_911() {
        // RFC 4733 §5, Table 5, with packets of 50 ms.
        let mut line = Line::new();
        for (event, begin, duration) in [(9, 0, 1_600), (1, 7_040, 2_000), (1, 11_200, 1_760)] {
            let mut send = |marker, end, duration| {
                line.packet(marker, begin, &Report { event, end, volume: 0, duration }.write());
                line.wait(Duration::from_millis(50));
            };
            for lasted in (400..=duration).step_by(400) {
                send(lasted == 400, false, lasted);
            }
            send(false, true, duration);
            send(false, true, duration);
            line.wait(Duration::from_millis(400));
        }
        assert_eq!(line.heard, "9/1600 1/2000 1/1760 ");
    }

    #[test]
    fn a_digit_is_heard_once_whatever_is_lost_doubled_or_late() {
        let cases: &[(&str, &[Row], &str)] = &[
            (
                "as it should be",
                &[("M", 0, 5, 160), ("", 0, 5, 320), ("E", 0, 5, 480), ("E", 0, 5, 480), ("E", 0, 5, 480)],
                "5/480 ",
            ),
            ("the first is lost", &[("", 0, 5, 320), ("E", 0, 5, 480)], "5/480 "),
            ("all but one end is lost", &[("E", 0, 5, 480)], "5/480 "),
            ("all ends are lost", &[("M", 0, 5, 160), ("", 0, 5, 320)], "5/320 "),
            (
                "all ends are lost, and another follows",
                &[("M", 0, 5, 160), ("M", 800, 6, 160), ("E", 800, 6, 320)],
                "5/160 6/320 ",
            ),
            (
                "the end is told by the third only",
                &[("M", 0, 5, 160), ("", 0, 5, 480), ("", 0, 5, 480), ("E", 0, 5, 480)],
                "5/480 ",
            ),
            ("the first comes last", &[("", 0, 5, 320), ("E", 0, 5, 480), ("M", 0, 5, 160)], "5/480 "),
            ("the longest is not the last", &[("M", 0, 5, 160), ("", 0, 5, 480), ("", 0, 5, 320)], "5/480 "),
            ("each is doubled", &[("M", 0, 5, 160), ("M", 0, 5, 160), ("E", 0, 5, 320), ("E", 0, 5, 320)], "5/320 "),
            (
                "twice the same key",
                &[("M", 0, 5, 160), ("E", 0, 5, 320), ("M", 900, 5, 160), ("E", 900, 5, 320)],
                "5/320 5/320 ",
            ),
            ("twice, and between them all marks are lost", &[("M", 0, 5, 160), ("", 900, 5, 320)], "5/160 5/320 "),
            (
                "an end after the next has begun",
                &[("M", 0, 5, 160), ("M", 900, 5, 160), ("E", 0, 5, 320), ("E", 900, 5, 320)],
                "5/160 5/320 ",
            ),
            (
                "the timestamp wraps",
                &[
                    ("M", u32::MAX - 99, 5, 160),
                    ("E", u32::MAX - 99, 5, 320),
                    ("M", 700, 6, 160),
                    ("E", u32::MAX - 99, 5, 320),
                ],
                "5/320 6/160 ",
            ),
            (
                "the sender sets its clock back",
                &[("M", 9_000_000, 5, 160), ("E", 9_000_000, 5, 320), ("M", 160, 5, 160)],
                "5/320 5/160 ",
            ),
            ("of no duration", &[("M", 0, 5, 0), ("", 0, 5, 160)], "5/160 "),
            ("never any duration", &[("M", 0, 5, 0), ("E", 0, 5, 0)], ""),
            ("no digit", &[("M", 0, 16, 160), ("E", 0, 16, 320), ("M", 900, 32, 160)], ""),
            ("no digit, and yet it ends the one before", &[("M", 0, 5, 160), ("M", 900, 32, 160)], "5/160 "),
        ];
        for (what, rows, expected) in cases {
            assert_eq!(hear(rows), *expected, "{what}");
        }
    }

    #[test]
    fn a_key_held_longer_than_a_segment_is_one_digit() {
        let second = 65_535;
        let cases: &[(&str, &[Row], &str)] = &[
            (
                "two segments",
                &[("M", 0, 1, 65_440), ("", 0, 1, 65_535), ("", second, 1, 160), ("E", second, 1, 320)],
                "1/65855 ",
            ),
            (
                "the full report is lost",
                &[("M", 0, 1, 65_440), ("", second, 1, 160), ("E", second, 1, 320)],
                "1/65855 ",
            ),
            (
                "the full report comes late",
                &[("", 0, 1, 65_440), ("", second, 1, 160), ("", 0, 1, 65_535), ("E", second, 1, 320)],
                "1/65855 ",
            ),
            ("a whole segment is lost", &[("", 0, 1, 65_440), ("E", 2 * second, 1, 320)], "1/131390 "),
            ("it had ended: the same key again, just then", &[("E", 0, 1, 400), ("", second, 1, 160)], "1/400 1/160 "),
            ("it is marked: the same key again", &[("", 0, 1, 400), ("M", second, 1, 160)], "1/400 1/160 "),
            ("another key", &[("", 0, 1, 65_535), ("", second, 2, 160)], "1/65535 2/160 "),
        ];
        for (what, rows, expected) in cases {
            assert_eq!(hear(rows), *expected, "{what}");
        }
        // Nothing for half a second where the segments meet: given up, and not heard again when it comes back.
        let mut line = Line::new();
        let report = |end, duration| Report { event: 1, end, volume: 10, duration }.write();
        line.packet(true, 0, &report(false, 65_440));
        line.wait(Duration::from_millis(500));
        for (end, duration) in [(false, 4_160), (true, 4_320)] {
            line.packet(false, second, &report(end, duration));
            line.wait(BEAT);
        }
        assert_eq!(line.heard, "1/65440 ");
    }

    #[test]
    fn an_event_that_never_ends_is_ended_by_a_gap_and_stays_so() {
        let mut line = Line::new();
        let report = |duration| Report { event: 7, end: false, volume: 10, duration }.write();
        line.packet(true, 0, &report(160));
        line.wait(Duration::from_millis(140));
        assert_eq!(line.heard, "7");
        line.packet(false, 0, &report(1_280));
        line.wait(Duration::from_millis(140));
        assert_eq!(line.heard, "7");
        line.wait(BEAT);
        assert_eq!(line.heard, "7/1280 ");
        line.packet(false, 0, &report(4_000));
        line.wait(Duration::from_secs(600));
        assert_eq!(line.heard, "7/1280 ");
    }

    #[test]
    fn contiguous_events_may_share_a_packet() {
        let mut line = Line::new();
        let reports = [(3, true, 400), (4, true, 400), (5, false, 80)];
        let payload = reports.map(|(event, end, duration)| Report { event, end, volume: 0, duration }.write()).concat();
        line.packet(true, 1_000, &payload);
        line.packet(true, 1_000, &payload);
        line.packet(false, 1_800, &Report { event: 5, end: true, volume: 0, duration: 400 }.write());
        assert_eq!(line.heard, "3/400 4/400 5/400 ");
    }

    #[test]
    fn garbage_does_no_harm_and_no_packet_says_much() {
        let mut rng = Rng::new([4; 32]);
        let mut line = Line::new();
        let mut payload = [0; 1_400];
        for _ in 0..2_000 {
            payload.fill_with(|| rng.bits() as u8);
            let length = rng.below(1_400) as usize;
            let heard = line.heard.matches('/').count();
            line.packet(rng.bits() & 1 == 0, rng.bits(), &payload[..length]);
            assert!(line.heard.matches('/').count() - heard <= REPORTS + 1);
        }
    }

    /// A number dialled over a network that loses, doubles and disorders: what arrives in its place is heard, once.
    #[test]
    fn a_number_survives_a_network_that_is_not_kind() {
        for seed in 0..200 {
            let mut rng = Rng::new([seed; 32]);
            let loss = rng.below(60);
            // On each beat, the packets that arrive: whose they are, and what they say.
            let mut arrivals: Vec<Vec<(usize, Packet)>> = vec![Vec::new(); 400];
            let dialled: Vec<Digit> = (0..12).filter_map(|_| Digit::of_event(rng.below(3) as u8)).collect();
            let mut beat = 0;
            for (n, &digit) in dialled.iter().enumerate() {
                let begin = u32::MAX.wrapping_sub(20_000).wrapping_add(beat as u32 * 160);
                for packet in Generator::new(digit, begin, 160 * (3 + rng.below(8)), 10) {
                    let copies = usize::from(rng.below(100) >= loss) + usize::from(rng.below(10) == 0);
                    for _ in 0..copies {
                        arrivals[beat + rng.below(3) as usize].push((n, packet));
                    }
                    beat += 1;
                }
                beat += rng.below(5) as usize;
            }
            let (mut line, mut expected) = (Line::new(), String::new());
            let mut latest = None;
            for beat in arrivals {
                for (n, packet) in beat {
                    // Whose packets all come after those of a later one is too late: its place is taken.
                    if latest < Some(n) {
                        latest = Some(n);
                        expected.push(dialled[n].as_char());
                    }
                    line.packet(packet.marker, packet.timestamp, &packet.payload);
                }
                line.wait(BEAT);
            }
            let heard: String = line.heard.split_inclusive(' ').filter_map(|digit| digit.chars().next()).collect();
            assert_eq!(heard, expected, "seed {seed}, {loss} % lost");
            assert_eq!(line.heard.matches('/').count(), expected.len());
        }
    }
}
