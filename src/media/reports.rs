//! What a port tells its peer of itself, and learns from it (RTCP: RFC 3550 §6).
//!
//! Two take part, and a report is some hundred bytes: the interval is always the least one that is allowed, five seconds,
//! halved before the first report, and never twice the same (§6.2, §6.3.1).
use super::arrival::is_rtcp;
use super::reception::{Heard, Reception};
use rtcp::goodbye::Goodbye;
use rtcp::packet::Packet;
use rtcp::receiver_report::ReceiverReport;
use rtcp::reception_report::ReceptionReport;
use rtcp::sender_report::SenderReport;
use rtcp::source_description::{SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem};
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(5);
/// What the reconsideration of §6.3.1 would be made up for with, if there were more than two.
const COMPENSATION: f64 = 1.218_28;
/// With it a description of the source ends just where a word does, and with the reason a good-bye: the crate pads them with
/// what is no padding where others follow (§6.4.1).
const NAME: usize = 17;
const REASON: &[u8] = b"bye";
/// From 1900, where NTP begins, to 1970.
const NTP: u64 = 2_208_988_800;

/// What one report tells of the way between two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Of 256 of the peer's packets, how many did not come here.
    pub loss: Option<u8>,
    /// Of 256 of ours, how many did not come there.
    pub remote_loss: Option<u8>,
    /// How unevenly the peer's packets come here.
    pub jitter: Option<Duration>,
    /// How unevenly ours come there, as the peer says.
    pub remote_jitter: Option<Duration>,
    /// Packets of ours that did not come there, since the report before.
    pub remote_lost: u64,
    /// There and back.
    pub round_trip: Option<Duration>,
}

/// The reports of one port.
#[derive(Debug)]
pub(super) struct Reports {
    ssrc: u32,
    /// Ticks of its time a second.
    clock: u32,
    name: [u8; NAME],
    /// When the next is due.
    next: Option<Duration>,
    dice: u64,
    /// What was sent.
    packets: u32,
    octets: u32,
    /// The last report of the peer's: the middle of its NTP time, and when it came.
    last: Option<(u32, Duration)>,
    /// What the peer has said of our losses.
    remote_lost: i32,
}

/// The moment at which a report is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Since 1970.
    pub(super) wall: Duration,
    /// Our stream's time now.
    pub(super) timestamp: u32,
}

impl Reports {
    /// Of a stream with this source; its name is made of random bytes (RFC 7022 §4.2).
    pub(super) fn new(ssrc: u32, clock: u32, random: [u8; 8]) -> Self {
        let mut name = [b's'; NAME];
        for (digits, byte) in name[1..].chunks_mut(2).zip(random) {
            let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
            digits.copy_from_slice(&[digit(byte >> 4), digit(byte & 0x0F)]);
        }
        let dice = u64::from_le_bytes(random) | 1;
        Self { ssrc, clock, name, next: None, dice, packets: 0, octets: 0, last: None, remote_lost: 0 }
    }

    /// Another stream takes the place of this one: the same party (its name stays), and nothing of it was sent yet.
    pub(super) const fn begin_anew(&mut self, ssrc: u32, clock: u32) {
        (self.ssrc, self.clock) = (ssrc, clock);
        (self.packets, self.octets, self.remote_lost) = (0, 0, 0);
    }

    /// So many packets of ours went out, with so many bytes of sound in all.
    pub(super) fn sent(&mut self, packets: u32, octets: u32) {
        // Both wrap around (§6.4.1).
        self.packets = self.packets.wrapping_add(packets);
        self.octets = self.octets.wrapping_add(octets);
    }

    /// When the next is due, if that is known.
    pub(super) const fn next(&self) -> Option<Duration> {
        self.next
    }

    /// Whether it is time; the first is due half an interval after this was asked for the first time.
    pub(super) fn is_due(&mut self, now: Duration) -> bool {
        let Some(next) = self.next else {
            self.next = Some(now + self.pause() / 2);
            return false;
        };
        let due = now >= next;
        if due {
            self.next = Some(now + self.pause());
        }
        due
    }

    /// The report: of what was sent if anything was, and of what was heard. The last one says good-bye.
    pub(super) fn write(&self, at: Moment, reception: &mut Reception, last: bool) -> (Option<Heard>, Vec<u8>) {
        let heard = reception.report();
        let reports: Vec<_> = heard.iter().map(|heard| self.block(heard, at.wall)).collect();
        let ssrc = self.ssrc;
        let first: Box<dyn Packet + Send + Sync> = if self.packets > 0 {
            Box::new(SenderReport {
                ssrc,
                ntp_time: ntp(at.wall),
                rtp_time: at.timestamp,
                packet_count: self.packets,
                octet_count: self.octets,
                reports,
                ..SenderReport::default()
            })
        } else {
            Box::new(ReceiverReport { ssrc, reports, ..ReceiverReport::default() })
        };
        let name = SourceDescriptionItem { sdes_type: SdesType::SdesCname, text: self.name.to_vec().into() };
        let chunk = SourceDescriptionChunk { source: ssrc, items: vec![name] };
        let mut compound = vec![first, Box::new(SourceDescription { chunks: vec![chunk] })];
        if last {
            compound.push(Box::new(Goodbye { sources: vec![ssrc], reason: bytes::Bytes::from_static(REASON) }));
        }
        // What cannot be written is left out: nothing of this can fail but for its length.
        (heard, compound.iter().filter_map(|packet| packet.marshal().ok()).flatten().collect())
    }

    fn block(&self, heard: &Heard, wall: Duration) -> ReceptionReport {
        let (last_sender_report, delay) = match self.last {
            Some((middle, came)) => (middle, middle_of(wall.saturating_sub(came))),
            None => (0, 0),
        };
        ReceptionReport {
            ssrc: heard.ssrc,
            fraction_lost: heard.fraction_lost,
            // 24 bits, signed.
            total_lost: heard.lost as u32 & 0xFF_FFFF,
            last_sequence_number: heard.highest,
            jitter: heard.jitter,
            last_sender_report,
            delay,
        }
    }

    /// The peer's report came: what it tells of the way. Nothing for what is no report, or ends in the middle.
    pub(super) fn hears(&mut self, mut compound: &[u8], wall: Duration) -> Option<Quality> {
        let mut quality = None;
        while is_rtcp(compound) {
            let length = 4 * (usize::from(u16::from_be_bytes([compound[2], compound[3]])) + 1);
            let Some((packet, rest)) = compound.split_at_checked(length) else { break };
            compound = rest;
            let blocks = match packet[1] {
                200 if length >= 28 => {
                    let words = [packet[10], packet[11], packet[12], packet[13]];
                    self.last = Some((u32::from_be_bytes(words), wall));
                    &packet[28..]
                }
                201 => packet.get(8..).unwrap_or_default(),
                _ => continue,
            };
            let count = usize::from(packet[0] & 0x1F);
            for block in blocks.as_chunks::<24>().0.iter().take(count) {
                if block[..4] == self.ssrc.to_be_bytes() {
                    quality = Some(self.learns(block, wall));
                }
            }
        }
        quality
    }

    /// What the peer says of our stream.
    fn learns(&mut self, block: &[u8; 24], wall: Duration) -> Quality {
        let word = |at: usize| u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
        // 24 bits, signed.
        let lost = (word(4) << 8) as i32 >> 8;
        let more = lost.saturating_sub(self.remote_lost).max(0);
        self.remote_lost = self.remote_lost.max(lost);
        let (last, delay) = (word(16), word(20));
        // §6.4.1: now less its delay less when ours was sent. A clock that was set meanwhile makes it less than nothing.
        let trip = (ntp(wall) >> 16) as u32;
        let trip = trip.wrapping_sub(last).wrapping_sub(delay);
        let round_trip =
            (last != 0 && trip < 1 << 31).then(|| Duration::from_micros((u64::from(trip) * 1_000_000) >> 16));
        let jitter = Duration::from_micros(u64::from(word(12)) * 1_000_000 / u64::from(self.clock));
        Quality {
            loss: None,
            remote_loss: Some(block[4]),
            jitter: None,
            remote_jitter: Some(jitter),
            remote_lost: more as u64,
            round_trip,
        }
    }

    /// Between half of the interval and one and a half.
    fn pause(&mut self) -> Duration {
        // Marsaglia's xorshift: enough to keep many ports from reporting at once.
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        let share = (self.dice >> 11) as f64 / (1u64 << 53) as f64;
        INTERVAL.mul_f64((0.5 + share) / COMPENSATION)
    }
}

/// NTP's 64 bits of a time since 1970 (RFC 3550 §4).
fn ntp(wall: Duration) -> u64 {
    ((wall.as_secs() + NTP) << 32) | ((u64::from(wall.subsec_nanos()) << 32) / 1_000_000_000)
}

/// A span in 65536ths of a second.
fn middle_of(span: Duration) -> u32 {
    (span.as_nanos() * 65_536 / 1_000_000_000).min(u32::MAX.into()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: Duration = Duration::from_secs(1_800_000_000);

    fn reports() -> Reports {
        Reports::new(0x0A0B_0C0D, 8_000, [1, 2, 3, 4, 5, 6, 7, 0xF8])
    }

    fn at(millis: u64) -> Moment {
        Moment { wall: WALL + Duration::from_millis(millis), timestamp: 4_711 }
    }

    fn rtp(ssrc: u32, number: u8) -> Vec<u8> {
        [&[0x80, 8, 0, number, 0, 0, 0, 0][..], &ssrc.to_be_bytes(), &[0; 160]].concat()
    }

    /// The packets of a compound one: type, count, and what follows the first four bytes.
    fn parts(mut compound: &[u8]) -> Vec<(u8, u8, Vec<u8>)> {
        let mut parts = Vec::new();
        while let [first, kind, high, low, rest @ ..] = compound {
            let length = 4 * usize::from(u16::from_be_bytes([*high, *low]));
            // Version 2, no padding.
            assert_eq!(first >> 5, 4);
            parts.push((*kind, first & 0x1F, rest[..length].to_vec()));
            compound = &rest[length..];
        }
        parts
    }

    #[test]
    fn reports_come_at_uneven_intervals_the_first_one_sooner() {
        let (mut reports, mut now, mut times) = (reports(), Duration::from_secs(100), Vec::new());
        while times.len() < 400 {
            if reports.is_due(now) {
                times.push(now);
            }
            now += Duration::from_millis(20);
        }
        let first = times[0] - Duration::from_secs(100);
        assert!((1.02..=3.1).contains(&first.as_secs_f64()), "{first:?}");
        let pauses: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        assert!(pauses.iter().all(|pause| (2.05..=6.18).contains(pause)), "{pauses:?}");
        let mean = pauses.iter().sum::<f64>() / pauses.len() as f64;
        assert!((3.9..=4.3).contains(&mean), "5 s over 1.21828 is 4.1: {mean}");
    }

    #[test]
    fn who_has_sent_says_so_and_who_has_not_does_not() {
        let (mut reports, mut reception) = (reports(), Reception::default());
        let (heard, bytes) = reports.write(at(0), &mut reception, false);
        let said = parts(&bytes);
        assert_eq!(
            (heard, said.iter().map(|part| (part.0, part.1)).collect::<Vec<_>>()),
            (None, vec![(201, 0), (202, 1)])
        );
        assert_eq!(said[1].2, [&[0x0A, 0x0B, 0x0C, 0x0D, 1, 17][..], b"s01020304050607f8", &[0]].concat());
        reports.sent(3, 480);
        for number in [1, 2, 4] {
            reception.hears(&rtp(99, number), Duration::ZERO, Some(8_000));
        }
        let (_, bytes) = reports.write(at(500), &mut reception, true);
        let said = parts(&bytes);
        assert_eq!(said.iter().map(|part| (part.0, part.1)).collect::<Vec<_>>(), [(200, 1), (202, 1), (203, 1)]);
        let words: Vec<u32> = said[0].2.as_chunks().0.iter().map(|word| u32::from_be_bytes(*word)).collect();
        let seconds = (WALL.as_secs() + NTP) as u32;
        assert_eq!(words[..6], [0x0A0B_0C0D, seconds, 1 << 31, 4_711, 3, 480]);
        assert_eq!(words[6..], [99, (64 << 24) | 1, 4, 0, 0, 0]);
        assert_eq!(said[2].2, [0x0A, 0x0B, 0x0C, 0x0D, 3, b'b', b'y', b'e']);
    }

    /// Two that report to each other, 40 ms apart: each learns the way there and back, and what the other misses.
    #[test]
    fn the_way_there_and_back_is_found() {
        let (mut one, mut other) = (reports(), Reports::new(99, 8_000, [9; 8]));
        let mut heard = Reception::default();
        one.sent(1, 160);
        other.sent(1, 160);
        let (_, bytes) = one.write(at(0), &mut Reception::default(), false);
        assert_eq!(other.hears(&bytes, at(40).wall), None, "nothing of ours yet");
        for number in [1, 2, 5] {
            heard.hears(&rtp(0x0A0B_0C0D, number), Duration::ZERO, Some(8_000));
        }
        let (_, bytes) = other.write(at(2_040), &mut heard, false);
        let quality = one.hears(&bytes, at(2_080).wall).unwrap();
        let trip = quality.round_trip.unwrap();
        assert!(trip.abs_diff(Duration::from_millis(80)) < Duration::from_micros(50), "{trip:?}");
        assert_eq!((quality.remote_lost, quality.remote_jitter), (2, Some(Duration::ZERO)));
        let (_, bytes) = other.write(at(4_000), &mut heard, false);
        assert_eq!(one.hears(&bytes, at(4_040).wall).unwrap().remote_lost, 0, "told already");
    }

    #[test]
    fn what_is_cut_off_or_about_others_teaches_nothing_and_breaks_nothing() {
        let (mut one, mut other, mut heard) = (reports(), Reports::new(99, 8_000, [9; 8]), Reception::default());
        heard.hears(&rtp(0x0A0B_0C0D, 1), Duration::ZERO, Some(8_000));
        other.sent(1, 160);
        let (_, whole) = other.write(at(0), &mut heard, true);
        for end in 0..52 {
            assert_eq!(one.hears(&whole[..end], WALL), None, "{end}");
        }
        assert!(one.hears(&whole, WALL).is_some());
        let mut stranger = Reports::new(1, 8_000, [3; 8]);
        assert_eq!(stranger.hears(&whole, WALL), None);
        for place in 0..whole.len() {
            for byte in [0, 0x7F, 0x80, 0xFF] {
                let mut broken = whole.clone();
                broken[place] = byte;
                one.hears(&broken, WALL);
            }
        }
    }

    /// The peer's estimate is in ticks of our clock; and what it said of a stream before is not about this one.
    #[test]
    fn jitter_is_told_by_the_streams_own_clock() {
        let mut reports = Reports::new(7, 8_000, [3; 8]);
        let said = |ssrc: u32| {
            [
                &[0x81, 201, 0, 7, 0, 0, 0, 9][..],
                &ssrc.to_be_bytes(),
                &[0, 0, 0, 2],
                &[0; 4],
                &480u32.to_be_bytes(),
                &[0; 8],
            ]
            .concat()
        };
        let quality = reports.hears(&said(7), WALL).unwrap();
        assert_eq!((quality.remote_jitter, quality.remote_lost), (Some(Duration::from_millis(60)), 2));
        reports.sent(5, 800);
        reports.begin_anew(8, 48_000);
        assert_eq!(reports.hears(&said(7), WALL), None);
        let quality = reports.hears(&said(8), WALL).unwrap();
        assert_eq!((quality.remote_jitter, quality.remote_lost), (Some(Duration::from_millis(10)), 2));
        let (_, bytes) = reports.write(at(0), &mut Reception::default(), false);
        assert_eq!(parts(&bytes)[0].0, 201, "nothing of it was sent");
    }
}
