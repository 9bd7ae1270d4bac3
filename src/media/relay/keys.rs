//! Keys in a stream that goes through us (RFC 4733): taken out of it, and played into it.
//!
//! ```text
//!   party ─► its packets ─► numbered anew ─► the other party
//!                │ keys                ▲ keys
//!                ▼                     │
//!            pressed              to be played, one every beat, in the place of the sound
//! ```
//! What is taken out leaves no gap: the numbers of what follows are moved up, or the other party would take it for lost. What
//! is put in takes the next numbers, and the time that the stream would have now. So both are one stream to whoever receives
//! it, with one source and one clock; only streams like that are touched, all others pass byte for byte.
//!
//! Knows: RTP headers. Never: sockets, what a key means.
use crate::media::arrival::payload;
use crate::media::rate::{KEYS, Rate};
use crate::media::telephone_event::{Detector, Digit, Generator, Heading, Heard, OCTETS};
use arrayvec::ArrayVec;
use std::time::{Duration, Instant};

/// A packet of a key: the fixed header (RFC 3550 §5.1), and one report.
pub(super) const KEY: usize = 12 + OCTETS;
/// One packet of a key is due so often, as one of sound would be.
pub(super) const BEAT: Duration = Duration::from_millis(20);
/// After each key the party is heard for so long: what makes tones of events needs a pause between two.
const PAUSE: Duration = Duration::from_millis(40);
/// Keys that wait to be played at most.
const QUEUE: usize = 32;
/// Ticks in a millisecond of the clock of telephone events, and of nearly all speech.
const TICKS: u32 = 8;
/// The shortest key played, in milliseconds: what is shorter is often not heard (Q.24).
const SHORTEST: u16 = 50;
/// And no longer: while it lasts nothing else of the party is heard.
const LONGEST: u16 = 2_000;
/// Packets after which nothing from before a change of numbers is still on its way.
const LATE: u16 = 0x4000;
/// In decibels below a milliwatt.
const VOLUME: u8 = 10;

/// The keys of one direction.
#[derive(Debug)]
pub(super) struct Keys {
    /// Their payload type; none if there are none any more, and only the numbers must go on as they are.
    events: Option<u8>,
    /// The party's own are told, and do not pass.
    kept: bool,
    begin: Instant,
    detector: Detector,
    /// How many there were.
    rate: Rate,
    stream: Option<Stream>,
    queue: ArrayVec<(Digit, u32), QUEUE>,
    playing: Option<Generator>,
    /// When the next may begin.
    rested: Duration,
}

/// What the other party receives, as far as it has come.
#[derive(Clone, Copy, Debug)]
struct Stream {
    source: u32,
    /// The highest number that came in, and when.
    highest: u16,
    at: Duration,
    timestamp: u32,
    /// What went out is numbered so much lower; before the number that it was changed at last, by the other amount.
    shift: u16,
    before: (u16, u16),
}

/// What is to be done with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passes,
    Kept,
    /// It tells of more keys than anybody presses.
    Flood,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self {
            events: None,
            kept: false,
            begin: Instant::now(),
            detector: Detector::default(),
            rate: Rate::default(),
            stream: None,
            queue: ArrayVec::new(),
            playing: None,
            rested: Duration::ZERO,
        }
    }

    /// From now on they have this payload type.
    pub(super) fn are(&mut self, events: Option<u8>, kept: bool) {
        (self.events, self.kept) = (events, kept);
        if events.is_none() {
            self.forget();
        }
    }

    /// Nobody hears what was to be heard by somebody else.
    pub(super) fn forget(&mut self) {
        self.queue.clear();
        self.playing = None;
    }

    /// A packet came from the party, RTP and no RTCP: numbers it anew, and tells of the keys that are over by now.
    pub(super) fn hears(&mut self, packet: &mut [u8], now: Duration, mut pressed: impl FnMut(Digit, u16)) -> Verdict {
        let Some(&[_, kind, n0, n1, t0, t1, t2, t3, s0, s1, s2, s3]) = packet.first_chunk::<12>() else {
            return Verdict::Passes;
        };
        let (number, timestamp) = (u16::from_be_bytes([n0, n1]), u32::from_be_bytes([t0, t1, t2, t3]));
        let source = u32::from_be_bytes([s0, s1, s2, s3]);
        // In the middle of a key nothing else is begun.
        if self.playing.is_none() && self.stream.is_none_or(|stream| stream.source != source) {
            // Its first packet is as new as one that follows another.
            let highest = number.wrapping_sub(1);
            self.stream = Some(Stream { source, highest, at: now, timestamp, shift: 0, before: (number, 0) });
            self.detector = Detector::default();
        }
        let is_key = self.events == Some(kind & 0x7F);
        let (rate, begin, mut floods) = (&mut self.rate, self.begin, false);
        let mut over = |heard: Heard| {
            if let Some((digit, millis)) = ended(heard) {
                match rate.take(now, KEYS) {
                    Ok(()) => pressed(digit, millis),
                    Err(_) => floods = true,
                }
            }
        };
        if self.kept && is_key {
            let heading = Heading { marker: kind & 0x80 != 0, timestamp };
            self.detector.hear(heading, payload(packet), begin + now, &mut over);
        } else if self.kept {
            self.detector.beat(begin + now, &mut over);
        }
        let Some(stream) = &mut self.stream else { return Verdict::Passes };
        let is_newest = stream.source == source && stream.comes(number, timestamp, now);
        if (self.kept && is_key) || self.playing.is_some() {
            if is_newest {
                stream.loses(number);
            }
            return if floods { Verdict::Flood } else { Verdict::Kept };
        }
        if let Some(place) = packet.get_mut(2..4) {
            place.copy_from_slice(&stream.renumbered(number).to_be_bytes());
        }
        Verdict::Passes
    }

    /// Nothing may come any more from a key that lasts: tells that it is over.
    pub(super) fn look(&mut self, now: Duration, mut pressed: impl FnMut(Digit, u16)) {
        self.detector.beat(self.begin + now, &mut |heard| {
            if let Some((digit, millis)) = ended(heard) {
                pressed(digit, millis);
            }
        });
    }

    /// A key is to be played. False if too many wait.
    pub(super) fn play(&mut self, digit: Digit, millis: u16) -> bool {
        self.queue.try_push((digit, u32::from(millis.clamp(SHORTEST, LONGEST)) * TICKS)).is_ok()
    }

    /// Whether a beat is awaited.
    pub(super) fn is_playing(&self) -> bool {
        self.playing.is_some() || !self.queue.is_empty()
    }

    /// The packet of this beat, if there is one. A party that was never heard gets a source of its own.
    pub(super) fn beat(&mut self, now: Duration) -> Option<[u8; KEY]> {
        let Some(kind) = self.events else {
            // By no number they could be told.
            self.forget();
            return None;
        };
        if self.playing.is_none() {
            if now < self.rested || self.queue.is_empty() {
                return None;
            }
            let (digit, ticks) = self.queue.remove(0);
            let stream = self.stream.get_or_insert_with(|| Stream::invented(now));
            self.playing = Some(Generator::new(digit, stream.time(now), ticks, VOLUME));
        }
        let Some(key) = self.playing.as_mut().and_then(Iterator::next) else {
            (self.playing, self.rested) = (None, now + PAUSE);
            return None;
        };
        let stream = self.stream.as_mut()?;
        let mut packet = [0; KEY];
        packet[0] = 0x80;
        packet[1] = if key.marker { 0x80 | kind } else { kind };
        packet[2..4].copy_from_slice(&stream.gains().to_be_bytes());
        packet[4..8].copy_from_slice(&key.timestamp.to_be_bytes());
        packet[8..12].copy_from_slice(&stream.source.to_be_bytes());
        packet[12..].copy_from_slice(&key.payload);
        Some(packet)
    }
}

/// A key that is over, and how long it lasted, in milliseconds.
fn ended(heard: Heard) -> Option<(Digit, u16)> {
    let Heard::Ended(digit, ticks) = heard else { return None };
    Some((digit, u16::try_from(ticks / TICKS).unwrap_or(u16::MAX)))
}

impl Stream {
    fn invented(now: Duration) -> Self {
        let mut random = [0; 10];
        // Zeros are as good where the system has no randomness left: nobody else sends there.
        let _ = getrandom::fill(&mut random);
        let [s0, s1, s2, s3, t0, t1, t2, t3, n0, n1] = random;
        let highest = u16::from_be_bytes([n0, n1]);
        Self {
            source: u32::from_be_bytes([s0, s1, s2, s3]),
            highest,
            at: now,
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            shift: 0,
            before: (highest, 0),
        }
    }

    /// Whether the packet is newer than all before it.
    fn comes(&mut self, number: u16, timestamp: u32, now: Duration) -> bool {
        let newer = (1..0x8000).contains(&number.wrapping_sub(self.highest));
        if newer {
            self.highest = number;
            if number.wrapping_sub(self.before.0) >= LATE {
                // Nothing comes as late as that, and soon it would be taken for what is to come.
                self.before = (number, self.shift);
            }
            // Those of a key all have the time at which it began.
            if timestamp != self.timestamp {
                (self.timestamp, self.at) = (timestamp, now);
            }
        }
        newer
    }

    /// The newest packet does not go out.
    fn loses(&mut self, number: u16) {
        self.changes(number, self.shift.wrapping_add(1));
    }

    /// The number of a packet of ours that goes out behind the newest.
    fn gains(&mut self) -> u16 {
        let next = self.highest.wrapping_add(1);
        let number = next.wrapping_sub(self.shift);
        self.changes(next, self.shift.wrapping_sub(1));
        number
    }

    fn changes(&mut self, from: u16, shift: u16) {
        // A row of changes is one: what came late comes from before all of them, as good as always.
        if from.wrapping_sub(self.before.0) > 1 {
            self.before = (from, self.shift);
        } else {
            self.before.0 = from;
        }
        self.shift = shift;
    }

    fn renumbered(&self, number: u16) -> u16 {
        let (from, before) = self.before;
        let is_late = number.wrapping_sub(from) >= 0x8000;
        number.wrapping_sub(if is_late { before } else { self.shift })
    }

    /// The time of the stream now, if its clock is that of telephone events.
    fn time(&self, now: Duration) -> u32 {
        let passed = now.saturating_sub(self.at).as_millis();
        self.timestamp.wrapping_add((passed as u32).wrapping_mul(TICKS))
    }
}
