//! Echo: what a party says comes back to it, in the server's own row of packets.
//!
//! Knows: RTP packets as they arrive. Never: sockets, who it is, when the next beat is.
use super::arrival::payload;
use super::codec::{OCTETS, law, opus, silence};
use std::collections::VecDeque;
use switchyard_engine::settings::Codec;

/// What is gathered before the first of it goes back, in frames: two, so that a late one leaves no hole.
const AHEAD: usize = 2;
/// More than this is never kept: what came in a burst is heard from its end.
const MOST: usize = 10;
/// The longest frame that Opus has (RFC 6716 §3.2.1).
pub(super) const LONGEST: usize = 1_275;

/// What was said and has not gone back yet.
#[derive(Clone, Debug)]
pub(super) struct Echo {
    /// As it came.
    octets: VecDeque<u8>,
    /// In which codec.
    codec: Codec,
    /// How long each of its frames is, where that differs.
    lengths: VecDeque<usize>,
    /// Enough was gathered: it goes back until there is nothing left.
    flows: bool,
    /// The source and the sequence number of the last packet.
    last: Option<(u32, u16)>,
}

impl Default for Echo {
    fn default() -> Self {
        // As large as it ever is, for any but the fattest Opus: nothing is allocated when a packet comes.
        let (octets, lengths) = (VecDeque::with_capacity((MOST + 1) * OCTETS), VecDeque::with_capacity(MOST + 1));
        Self { octets, codec: Codec::Pcmu, lengths, flows: false, last: None }
    }
}

impl Echo {
    /// A packet of the party's. One that is older than what came before, or of another length than it can go back in, is not
    /// echoed.
    pub(super) fn hear(&mut self, codec: Codec, packet: &[u8]) {
        let payload = payload(packet);
        if payload.is_empty() || payload.len() > LONGEST || codec == Codec::Opus && !opus::is_one_beat(payload) {
            return;
        }
        let Some(&[_, _, q0, q1, _, _, _, _, s0, s1, s2, s3]) = packet.first_chunk() else { return };
        let (source, sequence) = (u32::from_be_bytes([s0, s1, s2, s3]), u16::from_be_bytes([q0, q1]));
        // RFC 3550 §5.1: sequence numbers wrap around.
        let is_old = |(of, last): (u32, u16)| of == source && (sequence.wrapping_sub(last) as i16) <= 0;
        if self.last.is_some_and(is_old) {
            return;
        }
        self.last = Some((source, sequence));
        if std::mem::replace(&mut self.codec, codec) != codec {
            self.octets.clear();
            self.lengths.clear();
        }
        self.octets.extend(payload);
        let mut excess = self.octets.len().saturating_sub(MOST * OCTETS);
        if codec == Codec::Opus {
            self.lengths.push_back(payload.len());
            let many = self.lengths.len().saturating_sub(MOST);
            excess = self.lengths.drain(..many).sum();
        }
        self.octets.drain(..excess);
    }

    /// Writes what goes back now, as it came: silence until there is enough again, once there was not, and where it cannot be
    /// had in this codec. How long that is.
    pub(super) fn write(&mut self, codec: Codec, room: &mut [u8]) -> usize {
        let frames = if self.codec == Codec::Opus { self.lengths.len() } else { self.octets.len() / OCTETS };
        self.flows = frames >= if self.flows { 1 } else { AHEAD };
        // Both laws can be turned into each other; an encoder for one who tries out his phone would be too much.
        let laws = law(self.codec).zip(law(codec));
        if !self.flows || self.codec != codec && laws.is_none() {
            let silence = silence(codec);
            room[..silence.len()].copy_from_slice(silence);
            return silence.len();
        }
        let length = if codec == Codec::Opus { self.lengths.pop_front().unwrap_or_default() } else { OCTETS };
        for (place, octet) in room.iter_mut().zip(self.octets.drain(..length)) {
            *place = octet;
        }
        if let Some((came, goes)) = laws.filter(|(came, goes)| came != goes) {
            let mut samples = [0; OCTETS];
            came.decode(&room[..length], &mut samples);
            goes.encode(&samples, &mut room[..length]);
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use super::super::codec::sound;
    use super::super::rtp::HEAD;
    use super::*;

    /// A packet of this.
    fn packet(source: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; HEAD];
        packet[0] = 0x80;
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet[8..12].copy_from_slice(&source.to_be_bytes());
        [&packet, payload].concat()
    }

    /// Samples that are all this loud.
    fn level(codec: Codec, samples: usize, loudness: i16) -> Vec<u8> {
        let mut octets = vec![0; samples];
        law(codec).unwrap().encode(&vec![loudness; samples], &mut octets);
        octets
    }

    /// What comes back on a beat, in hundreds.
    fn beat(echo: &mut Echo, codec: Codec) -> i32 {
        let (mut room, mut samples) = ([0; LONGEST], [0; OCTETS]);
        let length = echo.write(codec, &mut room);
        assert_eq!(length, OCTETS);
        law(codec).unwrap().decode(&room[..length], &mut samples);
        assert!(samples.iter().all(|sample| *sample == samples[0]), "one sound a beat");
        (f64::from(samples[0]) / 100.0).round() as i32
    }

    const LAWS: [Codec; 2] = [Codec::Pcmu, Codec::Pcma];

    #[test]
    fn what_is_said_comes_back_in_order_in_either_law() {
        for (came, goes) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let (came, goes) = (LAWS[came], LAWS[goes]);
            let mut echo = Echo::default();
            // Its sequence wraps around meanwhile.
            let heard: Vec<i32> = (0..8u16)
                .map(|n| {
                    let said = level(came, OCTETS, 1_000 + 500 * n as i16);
                    echo.hear(came, &packet(1, 0xFFFD_u16.wrapping_add(n), &said));
                    beat(&mut echo, goes)
                })
                .collect();
            // Both laws are coarse up there.
            let near = |(heard, said): (&i32, i32)| (heard - said).abs() <= 1;
            let expected = [0, 10, 15, 20, 25, 30, 35, 40];
            assert!(heard.iter().zip(expected).all(near), "once two packets are there: {heard:?}");
        }
    }

    #[test]
    fn what_is_said_comes_back_octet_for_octet_in_every_codec() {
        for codec in Codec::ALL.iter().copied() {
            let (mut echo, mut room) = (Echo::default(), [0; LONGEST]);
            let said: Vec<Vec<u8>> = (0..20)
                .map(|n| {
                    if codec == Codec::Opus {
                        [&[0xF8][..], &sound::octets(n, 10 + 100 * n as usize % 1_200)].concat()
                    } else {
                        sound::octets(n, OCTETS)
                    }
                })
                .collect();
            let mut heard = Vec::new();
            for (n, said) in said.iter().enumerate() {
                echo.hear(codec, &packet(1, n as u16, said));
                let length = echo.write(codec, &mut room);
                heard.push(room[..length].to_vec());
            }
            assert_eq!((&heard[0][..], &heard[1..]), (silence(codec), &said[..19]), "{codec:?}");
        }
    }

    #[test]
    fn what_came_in_another_codec_is_not_turned_into_this_one() {
        for (came, goes) in [(Codec::G722, Codec::Pcma), (Codec::Pcmu, Codec::G722), (Codec::G722, Codec::Opus)] {
            let (mut echo, mut room) = (Echo::default(), [0; LONGEST]);
            for n in 0..5 {
                echo.hear(came, &packet(1, n, &[0x55; OCTETS]));
            }
            let length = echo.write(goes, &mut room);
            assert_eq!(&room[..length], silence(goes));
            // Of what came before, nothing comes back in what comes now.
            for n in 5..7 {
                echo.hear(goes, &packet(1, n, &[&[0xF8][..], &[0x77; OCTETS - 1]].concat()));
            }
            let frames = [(); 3].map(|()| echo.write(goes, &mut room)).len();
            assert!(frames == 3 && echo.octets.is_empty());
        }
    }

    #[test]
    fn a_gap_is_silence_and_then_it_gathers_again() {
        let mut echo = Echo::default();
        let mut heard = Vec::new();
        for come in [1, 1, 0, 0, 1, 1, 3, 0] {
            for _ in 0..come {
                let sequence = echo.last.map_or(0, |(_, last)| last + 1);
                echo.hear(Codec::Pcmu, &packet(1, sequence, &level(Codec::Pcmu, OCTETS, 2_000)));
            }
            heard.push(beat(&mut echo, Codec::Pcmu));
        }
        assert_eq!(heard, [0, 20, 20, 0, 0, 20, 20, 20]);
    }

    #[test]
    fn the_doubled_the_late_and_the_strange_are_not_echoed() {
        let mut echo = Echo::default();
        let said = level(Codec::Pcmu, OCTETS, 2_000);
        for sequence in [5, 5, 4, 6] {
            echo.hear(Codec::Pcmu, &packet(1, sequence, &said));
        }
        echo.hear(Codec::Pcmu, b"");
        echo.hear(Codec::Pcmu, &[0x80; 11]);
        // It says that it has extensions and padding, which are not there.
        echo.hear(Codec::Pcmu, &[0xBF; 20]);
        assert_eq!(echo.octets.len(), 2 * OCTETS);
        // Another source is another row.
        echo.hear(Codec::Pcmu, &packet(2, 1, &said));
        assert_eq!(echo.octets.len(), 3 * OCTETS);
        // Opus in packets of 40 ms, which were not asked for.
        let mut echo = Echo::default();
        echo.hear(Codec::Opus, &packet(1, 1, &[0x10; 60]));
        assert!(echo.octets.is_empty());
    }

    #[test]
    fn packets_of_any_length_are_played_as_frames_and_a_flood_is_cut() {
        let mut echo = Echo::default();
        // 30 ms at a time.
        for n in 0..3 {
            echo.hear(Codec::Pcmu, &packet(1, n, &level(Codec::Pcmu, 240, 3_000)));
        }
        assert_eq!([0; 5].map(|_| beat(&mut echo, Codec::Pcmu)), [30, 30, 30, 30, 0]);
        for n in 3..50 {
            echo.hear(Codec::Pcmu, &packet(1, n, &level(Codec::Pcmu, OCTETS, 100 * n as i16)));
        }
        assert_eq!(echo.octets.len(), MOST * OCTETS);
        assert!(beat(&mut echo, Codec::Pcmu) >= 39, "the latest second fifth");
        for n in 50..99 {
            echo.hear(Codec::Opus, &packet(1, n, &[&[0xF8][..], &[7; 1_200]].concat()));
        }
        assert_eq!((echo.lengths.len(), echo.octets.len()), (MOST, MOST * 1_201));
    }
}
