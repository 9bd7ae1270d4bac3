//! G.722 at 64 kbit/s: 7 kHz of sound in 8 000 octets a second (ITU-T G.722).
//!
//! ```text
//! 16 kHz ─► two bands of 8 kHz each ─► 6 bits of the lower, 2 of the higher ─► an octet, higher bits first
//! ```
//!
//! Nothing is allocated, and neither direction delays by more than its band filter: 22 samples in all.
//!
//! Knows: samples and octets. Never: frames, RTP.
mod band;
mod predictor;

use band::{Higher, Lower};
use predictor::saturate;

/// The quadrature mirror filter's 24 coefficients are a palindrome; these are every second one (§3, transmit QMF).
const MIRROR: [i16; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// The other half of the palindrome.
const MIRROR_BACK: [i16; 12] = {
    let mut back = MIRROR;
    let mut n = 0;
    while n < 12 {
        back[n] = MIRROR[11 - n];
        n += 1;
    }
    back
};

/// The last twelve samples of either phase of a band filter, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Phases {
    first: [i16; 12],
    second: [i16; 12],
}

impl Phases {
    fn push(&mut self, first: i16, second: i16) {
        self.first.rotate_left(1);
        self.second.rotate_left(1);
        (self.first[11], self.second[11]) = (first, second);
    }
}

fn weigh(samples: &[i16; 12], weights: &[i16; 12]) -> i32 {
    samples.iter().zip(weights).map(|(&sample, &weight)| i32::from(sample) * i32::from(weight)).sum()
}

/// An encoder: one direction of one call.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Encoder {
    heard: Phases,
    lower: Lower,
    higher: Higher,
}

impl Encoder {
    /// Encodes each pair of samples into an octet, as many as there is room for.
    pub fn encode(&mut self, samples: &[i16], octets: &mut [u8]) {
        let (pairs, _) = samples.as_chunks();
        for (octet, &[first, second]) in octets.iter_mut().zip(pairs) {
            self.heard.push(first, second);
            let (odd, even) = (weigh(&self.heard.first, &MIRROR), weigh(&self.heard.second, &MIRROR_BACK));
            // At most 25 928 of a full-scale input: the filter itself saturates nothing.
            let lower = self.lower.encode(((even + odd) >> 14) as i16);
            let higher = self.higher.encode(((even - odd) >> 14) as i16);
            *octet = higher << 6 | lower;
        }
    }
}

/// A decoder: one direction of one call.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decoder {
    bands: Phases,
    lower: Lower,
    higher: Higher,
}

impl Decoder {
    /// Decodes each octet into a pair of samples, as many as there is room for.
    pub fn decode(&mut self, octets: &[u8], samples: &mut [i16]) {
        let (pairs, _) = samples.as_chunks_mut();
        for ([first, second], &octet) in pairs.iter_mut().zip(octets) {
            let (lower, higher) = (self.lower.decode(octet & 63), self.higher.decode(octet >> 6));
            // Both are limited to 15 bits: neither overflows.
            self.bands.push(lower + higher, lower - higher);
            *first = saturate(weigh(&self.bands.second, &MIRROR_BACK) >> 11);
            *second = saturate(weigh(&self.bands.first, &MIRROR) >> 11);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::sound::{self, noise, snr, speech, tone};
    use ezk_g722::libg722;

    /// What both band filters together delay, in samples of 16 kHz.
    const DELAY: usize = 22;

    fn encode(samples: &[i16]) -> Vec<u8> {
        encode_from(Encoder::default(), samples)
    }

    fn encode_from(mut encoder: Encoder, samples: &[i16]) -> Vec<u8> {
        let mut octets = vec![0; samples.len() / 2];
        // By the frame, as it comes.
        for (octets, samples) in octets.chunks_mut(160).zip(samples.chunks(320)) {
            encoder.encode(samples, octets);
        }
        octets
    }

    fn decode(octets: &[u8]) -> Vec<i16> {
        decode_from(Decoder::default(), octets)
    }

    fn decode_from(mut decoder: Decoder, octets: &[u8]) -> Vec<i16> {
        let mut samples = vec![0; octets.len() * 2];
        for (samples, octets) in samples.chunks_mut(320).zip(octets.chunks(160)) {
            decoder.decode(octets, samples);
        }
        samples
    }

    fn oracle_encode(samples: &[i16]) -> Vec<u8> {
        libg722::encoder::Encoder::new(libg722::Bitrate::Mode1_64000, false, false).encode(samples)
    }

    fn oracle_decode(octets: &[u8]) -> Vec<i16> {
        libg722::decoder::Decoder::new(libg722::Bitrate::Mode1_64000, false, false).decode(octets)
    }

    /// The other begins with scales of zero; the recommendation says 32 and 8 at reset (DETL, DETH). This is so for the
    /// first octet only, but the rest follows from it: so ours begins likewise where the two are compared.
    fn oracle_like() -> (Encoder, Decoder) {
        let (lower, higher) = (Lower::with_scale(0), Higher::with_scale(0));
        let encoder = Encoder { lower: lower.clone(), higher: higher.clone(), heard: Phases::default() };
        (encoder, Decoder { lower, higher, bands: Phases::default() })
    }

    fn assert_agreement_on(octets: &[u8], what: &str) {
        assert!(decode_from(oracle_like().1, octets) == oracle_decode(octets), "decoding {what}");
    }

    /// Everything that could be said: silence, tones in both bands, speech, noise, from a whisper to beyond full scale.
    fn repertoire() -> Vec<(String, Vec<i16>)> {
        let mut all = vec![("silence".to_owned(), vec![0; 16_000])];
        for amplitude in [3.0, 300.0, 8_000.0, 32_767.0] {
            for hertz in [50.0, 440.0, 1_000.0, 3_400.0, 4_000.0, 5_000.0, 6_800.0] {
                all.push((format!("{hertz} Hz at {amplitude}"), tone(16_000, hertz, amplitude, 16_000)));
            }
            all.push((format!("speech at {amplitude}"), speech(16_000, amplitude, 32_000)));
            all.push((format!("noise at {amplitude}"), noise(7, amplitude, 32_000)));
        }
        let clicks = (0..16_000).map(|n| if n % 97 == 0 { i16::MIN } else { i16::MAX * i16::from(n % 31 == 0) });
        all.push(("clicks".to_owned(), clicks.collect()));
        let square = (0..16_000).map(|n| if n / 40 % 2 == 0 { i16::MAX } else { i16::MIN });
        all.push(("a square of full scale".to_owned(), square.collect()));
        all
    }

    #[test]
    fn it_agrees_bit_for_bit_with_another_hands_encoder_and_decoder() {
        for (what, samples) in repertoire() {
            let octets = encode_from(oracle_like().0, &samples);
            assert!(octets == oracle_encode(&samples), "encoding {what}");
            assert_agreement_on(&octets, &what);
        }
    }

    #[test]
    fn garbage_is_decoded_as_by_the_other_and_forgotten_soon() {
        for seed in 0..20 {
            assert_agreement_on(&sound::octets(seed, 8_000), &format!("seed {seed}"));
        }
        // Octets of one kind drive the scales to their ends.
        for octet in 0..=255 {
            assert_agreement_on(&vec![octet; 500], &format!("all {octet:#04x}"));
        }
        // A decoder that was fed with garbage understands speech again within a few frames.
        let samples = speech(16_000, 8_000.0, 32_000);
        let octets = encode(&samples);
        let mut decoder = Decoder::default();
        let mut scratch = vec![0; 16_000];
        decoder.decode(&sound::octets(1, 8_000), &mut scratch);
        let mut after = vec![0; 32_000];
        decoder.decode(&octets, &mut after);
        let settled = 6_400;
        let ratio = snr(&samples[settled..32_000 - DELAY], &after[settled + DELAY..]);
        assert!(ratio > 33.0, "{ratio} dB after 0.4 s");
    }

    #[test]
    fn what_arrives_is_what_was_said() {
        let cases = [
            ("a kilohertz", tone(16_000, 1_000.0, 10_000.0, 32_000), 45.0),
            ("3.4 kHz", tone(16_000, 3_400.0, 10_000.0, 32_000), 33.0),
            ("6 kHz, of 2 bits a sample", tone(16_000, 6_000.0, 6_000.0, 32_000), 24.0),
            ("speech", speech(16_000, 10_000.0, 32_000), 33.0),
            ("speech, 30 dB softer", speech(16_000, 316.0, 32_000), 25.0),
        ];
        for (what, samples, least) in cases {
            let heard = decode(&encode(&samples));
            let ratio = snr(&samples[1_600..32_000 - DELAY], &heard[1_600 + DELAY..]);
            assert!(ratio > least, "{what}: {ratio} dB");
        }
    }

    #[test]
    fn silence_stays_silent() {
        let heard = decode(&encode(&[0; 16_000]));
        assert!(heard.iter().all(|sample| sample.abs() <= 8), "{:?}", heard.iter().max());
    }

    #[test]
    fn it_takes_what_there_is_room_for_and_no_more() {
        let (mut octets, mut samples) = ([0xAA; 4], [77; 6]);
        Encoder::default().encode(&[1, 2, 3], &mut octets);
        assert_eq!(octets[1..], [0xAA; 3]);
        Decoder::default().decode(&[0xFF; 9], &mut samples[..5]);
        assert_eq!(samples[4..], [77; 2]);
        Encoder::default().encode(&[], &mut []);
    }
}
