//! One stream of silence: enough to keep address translations and session watchdogs content.
use ::rtp::header::Header;
use ::rtp::packet::Packet;
use std::time::Instant;
use webrtc_util::marshal::Marshal;

/// A packet's length: the fixed header and 20 ms of G.711.
pub(super) const PACKET: usize = 12 + SAMPLES;
const SAMPLES: usize = 160;
/// G.711's clock, ticks a second.
const CLOCK: u128 = 8_000;
/// PCMA's payload type (RFC 3551 §6); PCMU's is 0.
const PCMA: u8 = 8;

/// What one port sends.
#[derive(Debug)]
pub(super) struct Stream {
    begin: Instant,
    packet: Packet,
}

impl Stream {
    /// A new stream with a random source, sequence and time (RFC 3550 §5.1).
    pub(super) fn new(payload_type: u8, random: [u8; 10], now: Instant) -> Self {
        let [s0, s1, s2, s3, t0, t1, t2, t3, q0, q1] = random;
        let header = Header {
            version: 2,
            // Each packet follows a second of nothing, so each begins a talkspurt (RFC 3551 §4.1).
            marker: true,
            sequence_number: u16::from_be_bytes([q0, q1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            ..Header::default()
        };
        let mut stream = Self { begin: now, packet: Packet { header, ..Packet::default() } };
        stream.change(payload_type);
        stream
    }

    /// From now on with this payload type.
    pub(super) fn change(&mut self, payload_type: u8) {
        // Silence is the smallest amplitude: 0xD5 in A-law, 0xFF in μ-law (G.711).
        let silence: &'static [u8] = if payload_type == PCMA { &[0xD5; SAMPLES] } else { &[0xFF; SAMPLES] };
        self.packet.header.payload_type = payload_type;
        self.packet.payload = silence.into();
    }

    /// Writes the next packet; its timestamp is the time that passed.
    pub(super) fn write(&mut self, now: Instant, buffer: &mut [u8; PACKET]) -> bool {
        let ticks = now.duration_since(self.begin).as_micros() * CLOCK / 1_000_000;
        let first = self.packet.header.timestamp;
        self.packet.header.timestamp = first.wrapping_add(ticks as u32);
        let written = self.packet.marshal_to(buffer).is_ok();
        self.packet.header.timestamp = first;
        self.packet.header.sequence_number = self.packet.header.sequence_number.wrapping_add(1);
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use webrtc_util::marshal::Unmarshal;

    fn next(stream: &mut Stream, now: Instant) -> Packet {
        let mut buffer = [0; PACKET];
        assert!(stream.write(now, &mut buffer));
        Packet::unmarshal(&mut &buffer[..]).unwrap()
    }

    #[test]
    fn sequence_and_timestamp_go_on_and_wrap() {
        let begin = Instant::now();
        let mut stream = Stream::new(0, [1, 2, 3, 4, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], begin);
        let first = next(&mut stream, begin);
        let second = next(&mut stream, begin + Duration::from_secs(1));
        assert_eq!((first.header.ssrc, second.header.ssrc), (0x0102_0304, 0x0102_0304));
        assert_eq!((first.header.sequence_number, second.header.sequence_number), (0xFFFF, 0));
        assert_eq!((first.header.timestamp, second.header.timestamp), (u32::MAX, 7_999));
        assert_eq!(first.payload, vec![0xFF; SAMPLES]);
        assert!(first.header.marker);
        stream.change(8);
        let third = next(&mut stream, begin + Duration::from_secs(2));
        assert_eq!((third.header.payload_type, third.header.sequence_number), (8, 1));
        assert_eq!(third.payload, vec![0xD5; SAMPLES]);
    }
}
