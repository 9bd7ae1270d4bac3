//! A band's quantizer, adapted to how loud the band is (ITU-T G.722 §3, §6.2).
//!
//! The lower band, 0 to 4 kHz, has 6 bits a sample, of which 4 steer the predictor, so that a receiver that is given only
//! those stays in step; the higher, 4 to 8 kHz, has 2. The names in capitals are the recommendation's blocks.
//!
//! Knows: one band. Never: how sound is cut into bands.
use super::predictor::{Predictor, saturate};

/// Q6: the decision levels of the lower band, for a scale of one.
const LOWER_DECISIONS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
    1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
/// QM6: the values of the codes. The first four are never sent at 64 kbit/s.
const LOWER_VALUES: [i16; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576,
    -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040,
    -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
    4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];
/// QM4: the values that steer.
const LOWER_STEPS: [i16; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];
/// How a code of 4 bits changes the lower band's scale (W_L, by RL42).
const LOWER_GROWTH: [i16; 16] = [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];
/// QM2: the values of the higher band's codes.
const HIGHER_VALUES: [i16; 4] = [-7408, -1616, 7408, 1616];
/// How a code changes the higher band's scale (W_H, by RH2).
const HIGHER_GROWTH: [i16; 4] = [798, -214, 798, -214];
/// The decision level of the higher band, for a scale of one (QUANTH).
const HIGHER_DECISION: i32 = 564;
/// ILB: 2 048 times the 32 roots of two.
const ROOTS: [i16; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
    3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

/// How loud a band is: the quantizer's scale, and its logarithm.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Scale {
    logarithm: i16,
    factor: i16,
}

impl Scale {
    /// Grows or shrinks, and leaks by 1/128 (LOGSCL, LOGSCH); the factor is two to its power (SCALEL, SCALEH).
    fn adapt(&mut self, growth: i16, ceiling: i16, octave: i16) {
        let leaked = ((i32::from(self.logarithm) * 127) >> 7) as i16;
        self.logarithm = (leaked + growth).clamp(0, ceiling);
        let root = ROOTS[usize::from((self.logarithm >> 6) as u16 & 31)];
        let shift = octave - (self.logarithm >> 11);
        let factor = if shift < 0 { root << -shift } else { root >> shift };
        self.factor = factor << 2;
    }

    fn of(&self, value: i16) -> i16 {
        ((i32::from(self.factor) * i32::from(value)) >> 15) as i16
    }

    fn decision(&self, level: i32) -> i32 {
        (level * i32::from(self.factor)) >> 12
    }
}

/// Full scale is 15 bits within the bands (LIMIT).
fn limit(value: i32) -> i16 {
    value.clamp(-16_384, 16_383) as i16
}

/// How far a difference is from zero: one's complement.
fn magnitude(difference: i16) -> i32 {
    i32::from(difference ^ (difference >> 15))
}

/// The lower band, of an encoder or a decoder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lower {
    scale: Scale,
    predictor: Predictor,
}

impl Default for Lower {
    fn default() -> Self {
        Self::with_scale(32)
    }
}

impl Lower {
    pub(super) fn with_scale(factor: i16) -> Self {
        Self { scale: Scale { logarithm: 0, factor }, predictor: Predictor::default() }
    }

    /// The next sample's six bits.
    pub(super) fn encode(&mut self, sample: i16) -> u8 {
        // SUBTRA, QUANTL.
        let difference = saturate(i32::from(sample) - i32::from(self.predictor.signal));
        let distance = magnitude(difference);
        let level = LOWER_DECISIONS.partition_point(|&level| self.scale.decision(level) <= distance) as u8;
        // ILP, ILN: positive codes fall from 61; negative from 31, but for the two next to zero.
        let code = match level {
            level if difference >= 0 => 61 - level,
            level @ 0..2 => 63 - level,
            level => 33 - level,
        };
        self.adapt(code);
        code
    }

    /// The sample of six bits.
    pub(super) fn decode(&mut self, code: u8) -> i16 {
        // INVQBL, RECONS, LIMIT.
        let difference = self.scale.of(LOWER_VALUES[usize::from(code & 63)]);
        let sample = limit(i32::from(self.predictor.signal) + i32::from(difference));
        self.adapt(code);
        sample
    }

    fn adapt(&mut self, code: u8) {
        let steering = usize::from(code >> 2 & 15);
        // INVQAL.
        let difference = self.scale.of(LOWER_STEPS[steering]);
        self.scale.adapt(LOWER_GROWTH[steering], 18_432, 8);
        self.predictor.learn(difference);
    }
}

/// The higher band, of an encoder or a decoder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Higher {
    scale: Scale,
    predictor: Predictor,
}

impl Default for Higher {
    fn default() -> Self {
        Self::with_scale(8)
    }
}

impl Higher {
    pub(super) fn with_scale(factor: i16) -> Self {
        Self { scale: Scale { logarithm: 0, factor }, predictor: Predictor::default() }
    }

    /// The next sample's two bits.
    pub(super) fn encode(&mut self, sample: i16) -> u8 {
        // SUBTRA, QUANTH.
        let difference = saturate(i32::from(sample) - i32::from(self.predictor.signal));
        let far = magnitude(difference) >= self.scale.decision(HIGHER_DECISION);
        let code = match (difference < 0, far) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        self.adapt(code);
        code
    }

    /// The sample of two bits.
    pub(super) fn decode(&mut self, code: u8) -> i16 {
        let before = i32::from(self.predictor.signal);
        limit(before + i32::from(self.adapt(code)))
    }

    fn adapt(&mut self, code: u8) -> i16 {
        let steering = usize::from(code & 3);
        // INVQAH.
        let difference = self.scale.of(HIGHER_VALUES[steering]);
        self.scale.adapt(HIGHER_GROWTH[steering], 22_528, 10);
        self.predictor.learn(difference);
        difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_stays_within_its_limits() {
        for (growth, ceiling, octave, loudest) in [(3_042, 18_432, 8, 16_384), (798, 22_528, 10, 16_384)] {
            let mut scale = Scale { logarithm: 0, factor: 8 };
            for _ in 0..10_000 {
                scale.adapt(growth, ceiling, octave);
            }
            assert_eq!((scale.logarithm, scale.factor), (ceiling, loudest));
            for _ in 0..10_000 {
                scale.adapt(-214, ceiling, octave);
            }
            assert_eq!(scale.logarithm, 0);
        }
    }

    #[test]
    fn each_code_of_the_lower_band_is_the_one_nearest_to_its_value() {
        let scale = Scale { logarithm: 0, factor: 4_096 };
        for code in 4..64_u8 {
            let value = scale.of(LOWER_VALUES[usize::from(code)]);
            assert_eq!(Lower::with_scale(scale.factor).encode(value), code);
        }
    }

    #[test]
    fn encoder_and_decoder_stay_in_step() {
        let (mut lower, mut higher) = (Lower::default(), Higher::default());
        let (mut far_lower, mut far_higher) = (Lower::default(), Higher::default());
        for n in 0..10_000_i32 {
            let sample = ((n * n) % 20_011 - 10_005) as i16;
            far_lower.decode(lower.encode(sample));
            far_higher.decode(higher.encode(sample / 4));
            assert_eq!((&lower, &higher), (&far_lower, &far_higher));
        }
    }
}
