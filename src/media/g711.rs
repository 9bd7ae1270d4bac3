//! G.711: eight bits a sample, by segments that grow with loudness.
//!
//! Knows: samples, codes. Never: packets.

/// The two laws, which the engine negotiates by their static payload types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Law {
    /// μ-law, PCMU.
    Mu,
    /// A-law, PCMA.
    A,
}

impl Law {
    pub(super) const ALL: [Self; 2] = [Self::Mu, Self::A];

    /// The law of a payload type (RFC 3551 §6): 8 is PCMA. The engine orders 0 or 8, nothing else.
    pub(super) fn of(payload_type: u8) -> Self {
        if payload_type == 8 { Self::A } else { Self::Mu }
    }

    /// The code of a sample.
    pub(super) fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => mu_law(sample),
            Self::A => a_law(sample),
        }
    }
}

/// What makes the segments of μ-law begin at powers of two: 33 in units of G.711's 14 bits.
const BIAS: u32 = 33 << 2;
/// The loudest that has a code: 8 158 in those units.
const CLIP: u32 = 32_635;

/// G.711 table 2: sign, segment and step, all bits inverted.
fn mu_law(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let biased = u32::from(sample.unsigned_abs()).min(CLIP) + BIAS;
    let segment = biased.ilog2() - 7;
    let step = biased >> (segment + 3) & 0xF;
    !(sign | (segment << 4) as u8 | step as u8)
}

/// G.711 table 1: sign, segment and step, even bits inverted. The first two segments have steps of one size.
fn a_law(sample: i16) -> u8 {
    let (sign, magnitude) = if sample < 0 { (0, !sample as u32) } else { (0x80, sample as u32) };
    let code = if magnitude < 256 {
        magnitude >> 4
    } else {
        let segment = magnitude.ilog2() - 7;
        segment << 4 | magnitude >> (segment + 3) & 0xF
    };
    (sign | code as u8) ^ 0x55
}

#[cfg(test)]
impl Law {
    /// The sample in the middle of a code's step.
    pub(super) fn decode(self, code: u8) -> i16 {
        let plain = match self {
            Self::Mu => !code,
            Self::A => code ^ 0x55,
        };
        let (segment, step) = (i32::from(plain >> 4 & 7), i32::from(plain & 0xF));
        let (magnitude, negative) = match (self, segment) {
            (Self::Mu, _) => (((2 * step + 33) << (segment + 2)) - BIAS as i32, plain & 0x80 != 0),
            (Self::A, 0) => ((2 * step + 1) << 3, plain & 0x80 == 0),
            (Self::A, _) => ((2 * step + 33) << (segment + 2), plain & 0x80 == 0),
        };
        (if negative { -magnitude } else { magnitude }) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decision_values_are_those_of_the_tables() {
        // Table 1a: where a step begins, in units of a full scale of 4 096, and its code before the inversion.
        let table = [(0, 0x80), (2, 0x81), (32, 0x90), (64, 0xA0), (128, 0xB0), (256, 0xC0), (512, 0xD0), (1024, 0xE0)];
        for (value, code) in table.into_iter().chain([(2048, 0xF0), (3968, 0xFF), (4095, 0xFF)]) {
            assert_eq!(Law::A.encode((value * 8) as i16), code ^ 0x55, "A {value}");
            assert_eq!(Law::A.encode((-value * 8 - 1) as i16), code ^ 0x55 ^ 0x80, "A -{value}");
        }
        // Table 2a, in units of a full scale of 8 159; the codes as they are sent.
        let table = [(0, 0xFF), (1, 0xFE), (3, 0xFD), (31, 0xEF), (95, 0xDF), (223, 0xCF), (479, 0xBF), (991, 0xAF)];
        for (value, code) in table.into_iter().chain([(2015, 0x9F), (4063, 0x8F), (7903, 0x80), (8158, 0x80)]) {
            assert_eq!(Law::Mu.encode((value * 4) as i16), code, "μ {value}");
            assert_eq!(Law::Mu.encode((-value * 4 - 1) as i16), code & 0x7F, "μ -{value}");
        }
        assert_eq!([i16::MAX, i16::MIN].map(mu_law), [0x80, 0x00]);
        assert_eq!([i16::MAX, i16::MIN].map(a_law), [0xAA, 0x2A]);
    }

    #[test]
    fn every_code_comes_back() {
        for law in Law::ALL {
            for code in 0..=u8::MAX {
                // μ-law has two codes for nothing, and the positive one is sent.
                let expected = if law == Law::Mu && code == 0x7F { 0xFF } else { code };
                assert_eq!(law.encode(law.decode(code)), expected, "{law:?} {code:#x}");
            }
        }
    }

    #[test]
    fn the_milliwatt_is_as_loud_as_it_should_be() {
        // Tables 5 and 6: a sine of 1 kHz at 0 dBm0, this many hundredths of a dB under the loudest.
        let table = [
            (Law::A, [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4], 32_768.0, 314.0),
            (Law::Mu, [0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E], 8_159.0 * 4.0, 317.0),
        ];
        for (law, codes, full, below) in table {
            let power: f64 = codes.iter().map(|&code| f64::from(law.decode(code)).powi(2)).sum::<f64>() / 8.0;
            let level = 1_000.0 * (power / (full * full / 2.0)).log10();
            assert!((level + below).abs() < 5.0, "{law:?}: {level}");
        }
    }
}
