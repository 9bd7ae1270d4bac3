//! Echo: what a party says comes back to it, in the server's own row of packets.
//!
//! Knows: RTP packets as they arrive. Never: sockets, who it is, when the next beat is.
use super::codec::g711::Law;
use rtp::packet::Packet;
use std::collections::VecDeque;
use webrtc_util::marshal::Unmarshal;

/// What is gathered before the first of it goes back, in samples: two packets, so that a late one leaves no hole.
const AHEAD: usize = 320;
/// More than this is never kept: what came in a burst is heard from its end.
const MOST: usize = 1_600;

/// What was said and has not gone back yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Echo {
    samples: VecDeque<i16>,
    /// Enough was gathered: it goes back until there is nothing left.
    flows: bool,
    /// The source and the sequence number of the last packet.
    last: Option<(u32, u16)>,
}

impl Echo {
    /// A packet of the party's. What is no G.711, or older than what came before, is not echoed.
    pub(super) fn hear(&mut self, packet: &[u8]) {
        let Ok(Packet { header, payload }) = Packet::unmarshal(&mut &packet[..]) else { return };
        let law = match header.payload_type {
            0 => Law::Mu,
            8 => Law::A,
            _ => return,
        };
        let (source, sequence) = (header.ssrc, header.sequence_number);
        // RFC 3550 §5.1: sequence numbers wrap around.
        let is_old = |(of, last): (u32, u16)| of == source && (sequence.wrapping_sub(last) as i16) <= 0;
        if self.last.is_some_and(is_old) {
            return;
        }
        self.last = Some((source, sequence));
        let mut samples = vec![0; payload.len()];
        law.decode(&payload, &mut samples);
        self.samples.extend(samples);
        let excess = self.samples.len().saturating_sub(MOST);
        self.samples.drain(..excess);
    }

    /// Writes what goes back now: silence until there is enough again, once there was not.
    pub(super) fn write(&mut self, law: Law, frame: &mut [u8]) {
        self.flows = self.samples.len() >= if self.flows { frame.len() } else { AHEAD };
        if !self.flows {
            return frame.fill(law.silence());
        }
        let samples: Vec<i16> = self.samples.drain(..frame.len()).collect();
        law.encode(&samples, frame);
    }
}

#[cfg(test)]
mod tests {
    use super::super::rtp::HEAD;
    use super::super::tune::FRAME;
    use super::*;

    /// A packet whose samples are all this loud.
    fn packet(source: u32, sequence: u16, payload_type: u8, samples: usize, loudness: i16) -> Vec<u8> {
        let law = if payload_type == 8 { Law::A } else { Law::Mu };
        let mut packet = vec![0; HEAD + samples];
        (packet[0], packet[1]) = (0x80, payload_type);
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet[8..12].copy_from_slice(&source.to_be_bytes());
        law.encode(&vec![loudness; samples], &mut packet[HEAD..]);
        packet
    }

    /// What comes back on a beat, in hundreds.
    fn beat(echo: &mut Echo, law: Law) -> i32 {
        let (mut frame, mut samples) = ([0; FRAME], [0; FRAME]);
        echo.write(law, &mut frame);
        law.decode(&frame, &mut samples);
        assert!(samples.iter().all(|sample| *sample == samples[0]), "one sound a beat");
        (f64::from(samples[0]) / 100.0).round() as i32
    }

    #[test]
    fn what_is_said_comes_back_in_order_by_whatever_codec() {
        let mut echo = Echo::default();
        // Its sequence wraps around meanwhile.
        let heard: Vec<i32> = (0..8u16)
            .map(|n| {
                echo.hear(&packet(1, 0xFFFD_u16.wrapping_add(n), 8 * (n % 2) as u8, FRAME, 1_000 + 500 * n as i16));
                beat(&mut echo, Law::ALL[usize::from(n / 4)])
            })
            .collect();
        // Both laws are coarse up there.
        let near = |(heard, said): (&i32, i32)| (heard - said).abs() <= 1;
        let expected = [0, 10, 15, 20, 25, 30, 35, 40];
        assert!(heard.iter().zip(expected).all(near), "once two packets are there: {heard:?}");
    }

    #[test]
    fn a_gap_is_silence_and_then_it_gathers_again() {
        let mut echo = Echo::default();
        let mut heard = Vec::new();
        for come in [1, 1, 0, 0, 1, 1, 3, 0] {
            for _ in 0..come {
                let sequence = echo.last.map_or(0, |(_, last)| last + 1);
                echo.hear(&packet(1, sequence, 0, FRAME, 2_000));
            }
            heard.push(beat(&mut echo, Law::Mu));
        }
        assert_eq!(heard, [0, 20, 20, 0, 0, 20, 20, 20]);
    }

    #[test]
    fn the_doubled_the_late_and_the_strange_are_not_echoed() {
        let mut echo = Echo::default();
        for sequence in [5, 5, 4, 6] {
            echo.hear(&packet(1, sequence, 0, FRAME, 2_000));
        }
        echo.hear(&packet(1, 7, 9, FRAME, 2_000));
        echo.hear(&packet(1, 8, 101, 4, 2_000));
        echo.hear(b"");
        echo.hear(&[0x80; 11]);
        // It says that it has extensions and padding, which are not there.
        echo.hear(&[0xBF; 20]);
        assert_eq!(echo.samples.len(), 2 * FRAME);
        // Another source is another row.
        echo.hear(&packet(2, 1, 0, FRAME, 2_000));
        assert_eq!(echo.samples.len(), 3 * FRAME);
    }

    #[test]
    fn packets_of_any_length_are_played_as_frames_and_a_flood_is_cut() {
        let mut echo = Echo::default();
        // 30 ms at a time.
        for n in 0..3 {
            echo.hear(&packet(1, n, 0, 240, 3_000));
        }
        assert_eq!([0; 5].map(|_| beat(&mut echo, Law::Mu)), [30, 30, 30, 30, 0]);
        for n in 3..50 {
            echo.hear(&packet(1, n, 0, FRAME, 100 * n as i16));
        }
        assert_eq!(echo.samples.len(), MOST);
        assert!(beat(&mut echo, Law::Mu) >= 39, "the latest second fifth");
    }
}
