//! G.711: eight bits a sample, in A-law (ITU-T G.711 Table 1) and μ-law (Table 2).
//!
//! Samples have 16 bits, of which A-law hears 13 and μ-law 14; the rest is cut off downwards, as the ITU's own software
//! does (G.191). So a sample that lies on a decision value belongs to the interval above it, on both sides of zero.
//!
//! Knows: samples and octets. Never: frames, RTP.

/// One of the two laws.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Law {
    /// Europe's, and of all international calls.
    A,
    /// North America's and Japan's.
    Mu,
}

/// A-law's smallest positive value, with its even bits inverted (§3, Table 1a).
const A_SILENCE: u8 = 0xD5;
/// μ-law's positive zero, with all bits inverted (§3, Table 2a).
const MU_SILENCE: u8 = 0xFF;
const SIGN: u8 = 0x80;
/// A-law inverts every second bit, so that a line is never long without a change.
const EVEN_BITS: u8 = 0x55;
/// μ-law's segments double in size if they are counted from here: −33 is where its curve would begin.
const BIAS: u16 = 33;

impl Law {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::Mu];

    /// The octet of silence.
    #[must_use]
    pub const fn silence(self) -> u8 {
        match self {
            Self::A => A_SILENCE,
            Self::Mu => MU_SILENCE,
        }
    }

    /// Encodes as many samples as there is room for.
    pub fn encode(self, samples: &[i16], octets: &mut [u8]) {
        let pairs = octets.iter_mut().zip(samples);
        match self {
            Self::A => pairs.for_each(|(octet, &sample)| *octet = encode_a(sample)),
            Self::Mu => pairs.for_each(|(octet, &sample)| *octet = encode_mu(sample)),
        }
    }

    /// Decodes as many octets as there is room for.
    pub fn decode(self, octets: &[u8], samples: &mut [i16]) {
        let values = match self {
            Self::A => &A_VALUES,
            Self::Mu => &MU_VALUES,
        };
        for (sample, &octet) in samples.iter_mut().zip(octets) {
            *sample = values[usize::from(octet)];
        }
    }
}

/// How far from zero, counted so that −1 is as far as 0: one's complement, as the ITU's software has it.
fn magnitude(sample: i16) -> u16 {
    (sample ^ (sample >> 15)) as u16
}

fn encode_a(sample: i16) -> u8 {
    let magnitude = magnitude(sample) >> 4;
    // The first two segments are one straight line; from there on each is twice as steep.
    let segment = (magnitude | 16).ilog2() - 4;
    let code = (segment as u16 * 16 + (magnitude >> segment)) as u8;
    // In A-law the sign bit is set for what is positive.
    (if sample < 0 { code } else { code | SIGN }) ^ EVEN_BITS
}

fn encode_mu(sample: i16) -> u8 {
    // What is beyond the virtual decision value 8159 is as loud as can be.
    let biased = ((magnitude(sample) >> 2) + BIAS).min(0x1FFF);
    let segment = biased.ilog2() - 5;
    let code = (segment as u16 * 16 + (biased >> (segment + 1) & 15)) as u8;
    !(if sample < 0 { code | SIGN } else { code })
}

static A_VALUES: [i16; 256] = {
    let mut values = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        values[octet] = decode_a(octet as u8);
        octet += 1;
    }
    values
};

static MU_VALUES: [i16; 256] = {
    let mut values = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        values[octet] = decode_mu(octet as u8);
        octet += 1;
    }
    values
};

const fn decode_a(octet: u8) -> i16 {
    let code = octet ^ EVEN_BITS;
    let (segment, step) = (code >> 4 & 7, (code & 15) as i16);
    // The middle of the interval: hence the odd half step.
    let value = if segment == 0 { step * 16 + 8 } else { (step * 16 + 8 + 256) << (segment - 1) };
    if code & SIGN == 0 { -value } else { value }
}

const fn decode_mu(octet: u8) -> i16 {
    let code = !octet;
    let (segment, step) = (code >> 4 & 7, (code & 15) as i16);
    let bias = 4 * BIAS as i16;
    let value = ((step * 8 + bias) << segment) - bias;
    if code & SIGN == 0 { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(law: Law, sample: i16) -> u8 {
        let mut octet = [0];
        law.encode(&[sample], &mut octet);
        octet[0]
    }

    fn decode(law: Law, octet: u8) -> i16 {
        let mut sample = [0];
        law.decode(&[octet], &mut sample);
        sample[0]
    }

    /// Column 1 of Tables 1a and 2a: segments of so many intervals of such a size. From them the decision values, in the
    /// recommendation's own units.
    fn decision_values(law: Law) -> Vec<i32> {
        let segments: &[(usize, i32)] = match law {
            Law::A => &[(32, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128)],
            Law::Mu => &[(1, 1), (15, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128), (16, 256)],
        };
        let mut values = vec![0];
        for &(intervals, size) in segments {
            for _ in 0..intervals {
                values.push(values[values.len() - 1] + size);
            }
        }
        values
    }

    /// What 16 bits are to the recommendation's units: 4096 is full scale in A-law, 8192 in μ-law.
    fn unit(law: Law) -> i32 {
        match law {
            Law::A => 8,
            Law::Mu => 4,
        }
    }

    /// Column 6: the character signal, before any bits are inverted for the line.
    fn character_signal(law: Law, positive: bool, interval: usize) -> u8 {
        let octet = interval as u8 | if positive { 0x80 } else { 0 };
        match law {
            Law::A => octet ^ 0x55,
            Law::Mu => octet ^ 0x7F,
        }
    }

    #[test]
    fn the_tables_end_where_the_recommendation_says() {
        // The last decision value, 4096 and 8159, is virtual; there are 128 intervals on either side.
        assert_eq!((decision_values(Law::A).len(), decision_values(Law::A)[128]), (129, 4096));
        assert_eq!((decision_values(Law::Mu).len(), decision_values(Law::Mu)[128]), (129, 8159));
    }

    #[test]
    fn every_sample_is_encoded_as_the_interval_it_lies_in() {
        for law in Law::ALL {
            let (values, unit) = (decision_values(law), unit(law));
            for sample in i16::MIN..=i16::MAX {
                let value = i32::from(sample);
                // The line of numbers is cut at every decision value and its mirror; each cut belongs to what is above it.
                let interval = if sample >= 0 {
                    values.iter().rposition(|&decision| decision * unit <= value)
                } else {
                    values.iter().position(|&decision| -decision * unit <= value).map(|above| above.saturating_sub(1))
                };
                let interval = interval.unwrap_or(127).min(127);
                let expected = character_signal(law, sample >= 0, interval);
                assert_eq!(encode(law, sample), expected, "{law:?} {sample}");
            }
        }
    }

    #[test]
    fn every_octet_is_decoded_as_the_middle_of_its_interval() {
        for law in Law::ALL {
            let (values, unit) = (decision_values(law), unit(law));
            for interval in 0..128 {
                // Column 7; μ-law's first output value is 0 itself.
                let middle = match (law, interval) {
                    (Law::Mu, 0) => 0,
                    (Law::A | Law::Mu, _) => (values[interval] + values[interval + 1]) * unit / 2,
                };
                assert_eq!(i32::from(decode(law, character_signal(law, true, interval))), middle, "{law:?} {interval}");
                assert_eq!(i32::from(decode(law, character_signal(law, false, interval))), -middle);
            }
        }
    }

    #[test]
    fn what_has_been_coded_once_stays_as_it_is() {
        for law in Law::ALL {
            for octet in 0..=255 {
                let value = decode(law, octet);
                let again = encode(law, value);
                assert_eq!(decode(law, again), value);
                // μ-law has two zeros, and sends the positive one.
                let expected = if law == Law::Mu && octet == 0x7F { 0xFF } else { octet };
                assert_eq!(again, expected, "{law:?}");
            }
        }
    }

    #[test]
    fn silence_is_what_zero_is_coded_as() {
        assert_eq!((Law::A.silence(), encode(Law::A, 0)), (0xD5, 0xD5));
        assert_eq!((Law::Mu.silence(), encode(Law::Mu, 0)), (0xFF, 0xFF));
        assert_eq!((decode(Law::A, 0xD5), decode(Law::Mu, 0xFF)), (8, 0));
    }

    #[test]
    fn the_loudest_is_louder_than_all_else_and_nothing_overflows() {
        assert_eq!(
            (decode(Law::A, encode(Law::A, i16::MAX)), decode(Law::A, encode(Law::A, i16::MIN))),
            (32256, -32256)
        );
        assert_eq!(
            (decode(Law::Mu, encode(Law::Mu, i16::MAX)), decode(Law::Mu, encode(Law::Mu, i16::MIN))),
            (32124, -32124)
        );
    }

    #[test]
    fn the_recommendations_own_tone_is_a_milliwatt() {
        // Tables 5 and 6: a kilohertz at 0 dBm0. T_max, the loudest undistorted sine, is 3.14 dB above it in A-law, 3.17
        // in μ-law.
        let signals = [
            (Law::A, [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4], 4096.0, 314.0),
            (Law::Mu, [0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E], 8159.0, 317.0),
        ];
        for (law, octets, full_scale, hundredths) in signals {
            let mut samples = [0; 8];
            law.decode(&octets, &mut samples);
            let power =
                samples.iter().map(|&sample| (f64::from(sample) / f64::from(unit(law))).powi(2)).sum::<f64>() / 8.0;
            let loudest = full_scale * full_scale / 2.0;
            assert!((1_000.0 * (loudest / power).log10() - hundredths).abs() < 2.0, "{law:?}");
        }
    }
}
