//! From 8 to 16 kHz and back, by one filter that passes 3.4 kHz and stops 4.6.
//!
//! Half its coefficients are zero and its middle is a half, so a frame costs 24 multiplications for each sample at 8 kHz,
//! in either direction. It delays by 23 samples of 16 kHz: 1.4 ms.
//!
//! Knows: sums of samples. Never: parties, codecs.
use crate::media::codec::{NARROW, WIDE};

/// The outer coefficients, one side of a palindrome of 24: a sinc under a Kaiser window (β = 5.65), brought to a sum of a
/// quarter, so that a constant stays what it is.
const OUTER: [f32; 12] = [
    -0.000_499_782_6,
    0.001_224_82,
    -0.002_428_637,
    0.004_285_465,
    -0.007_015_185,
    0.010_915_806,
    -0.016_440_437,
    0.024_387_855,
    -0.036_431_594,
    0.056_929_43,
    -0.101_975_44,
    0.317_047_7,
];
/// Samples of 8 kHz that the filter remembers.
const PAST: usize = 2 * OUTER.len() - 1;
/// How far its middle is behind, in samples of 8 kHz.
const MIDDLE: usize = OUTER.len();
/// A frame behind what is remembered.
const LINE: usize = PAST + NARROW;

/// Halves or doubles the rate of one signal.
#[derive(Clone, Debug)]
pub(super) struct Halfband {
    /// What the outer coefficients see, and what the middle one sees: each with its past in front.
    outer: [f32; LINE],
    middle: [f32; LINE],
    clear: bool,
}

impl Default for Halfband {
    fn default() -> Self {
        Self { outer: [0.0; LINE], middle: [0.0; LINE], clear: true }
    }
}

impl Halfband {
    /// Forgets what it heard.
    pub(super) fn clear(&mut self) {
        if !self.clear {
            *self = Self::default();
        }
    }

    /// Adds the signal of 8 kHz to one of 16.
    pub(super) fn add_doubled(&mut self, narrow: &[i32; NARROW], wide: &mut [i32; WIDE]) {
        if self.rests(narrow) {
            return;
        }
        self.advance();
        for (place, &sample) in self.outer[PAST..].iter_mut().zip(narrow) {
            *place = sample as f32;
        }
        let filtered = self.filtered();
        let (pairs, _) = wide.as_chunks_mut();
        // Twice everything, since every second sample that goes in is missing.
        for (n, [even, odd]) in pairs.iter_mut().enumerate() {
            *even += nearest(2.0 * filtered[n]);
            *odd += self.outer[PAST + 1 + n - MIDDLE] as i32;
        }
    }

    /// Adds the signal of 16 kHz, without what is above 4, to one of 8.
    pub(super) fn add_halved(&mut self, wide: &[i32; WIDE], narrow: &mut [i32; NARROW]) {
        if self.rests(wide) {
            return;
        }
        self.advance();
        let (pairs, _) = wide.as_chunks();
        for (n, &[even, odd]) in pairs.iter().enumerate() {
            self.outer[PAST + n] = even as f32;
            self.middle[PAST + n] = odd as f32;
        }
        let filtered = self.filtered();
        for (n, sample) in narrow.iter_mut().enumerate() {
            *sample += nearest(filtered[n] + 0.5 * self.middle[PAST + n - MIDDLE]);
        }
    }

    /// Whether nothing comes in and nothing is left inside: then nothing comes out.
    fn rests(&mut self, coming: &[i32]) -> bool {
        let silent = coming.iter().all(|&sample| sample == 0);
        if silent && !self.clear && self.outer[NARROW..].iter().chain(&self.middle[NARROW..]).all(|&past| past == 0.0) {
            self.clear();
        }
        let rests = silent && self.clear;
        self.clear = rests;
        rests
    }

    fn advance(&mut self) {
        self.outer.copy_within(NARROW.., 0);
        self.middle.copy_within(NARROW.., 0);
    }

    /// The outer coefficients' part. Coefficient by coefficient, so that it runs over many samples at once.
    fn filtered(&self) -> [f32; NARROW] {
        let mut sum = [0.0; NARROW];
        for (n, coefficient) in OUTER.iter().enumerate() {
            let (late, early) = (&self.outer[PAST - n..], &self.outer[n..]);
            for ((sum, late), early) in sum.iter_mut().zip(late).zip(early) {
                *sum += coefficient * (late + early);
            }
        }
        sum
    }
}

fn nearest(value: f32) -> i32 {
    (value + 0.5_f32.copysign(value)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::sound::{power, snr, tone};
    use std::f64::consts::PI;

    /// Delay of the filter, in samples of 16 kHz.
    const DELAY: usize = 23;

    fn doubled(samples: &[i16]) -> Vec<i16> {
        let mut filter = Halfband::default();
        let frames = samples.as_chunks::<NARROW>().0.iter().map(|frame| {
            let mut wide = [0; WIDE];
            filter.add_doubled(&frame.map(i32::from), &mut wide);
            wide.map(|sample| sample as i16)
        });
        frames.flatten().collect()
    }

    fn halved(samples: &[i16]) -> Vec<i16> {
        let mut filter = Halfband::default();
        let frames = samples.as_chunks::<WIDE>().0.iter().map(|frame| {
            let mut narrow = [0; NARROW];
            filter.add_halved(&frame.map(i32::from), &mut narrow);
            narrow.map(|sample| sample as i16)
        });
        frames.flatten().collect()
    }

    #[test]
    fn the_coefficients_are_those_of_the_window() {
        let bessel = |x: f64| (1..40).rev().fold(1.0, |sum, k| 1.0 + sum * (x / 2.0 / f64::from(k)).powi(2));
        let exact: Vec<f64> = (0..12)
            .map(|n| {
                let distance = f64::from(23 - 2 * n);
                let window = bessel(5.65 * (1.0 - (distance / 24.0).powi(2)).sqrt()) / bessel(5.65);
                (PI * distance / 2.0).sin() / (PI * distance) * window
            })
            .collect();
        let sum: f64 = exact.iter().sum();
        for (coefficient, exact) in OUTER.iter().zip(&exact) {
            assert!((f64::from(*coefficient) - exact * 0.25 / sum).abs() < 1e-8, "{coefficient} {exact}");
        }
    }

    #[test]
    fn telephone_speech_passes_both_ways_and_leaves_no_image() {
        for hertz in [50.0, 300.0, 1_000.0, 3_000.0, 3_400.0] {
            let (slow, fast) = (tone(8_000, hertz, 20_000.0, 8_000), tone(16_000, hertz, 20_000.0, 16_000));
            // What is missing at first is the filter's past.
            let up = snr(&fast[160..16_000 - DELAY], &doubled(&slow)[160 + DELAY..]);
            // On the way down every second sample is kept, the odd ones, since the delay is odd.
            let down =
                snr(&fast[161..15_960].iter().copied().step_by(2).collect::<Vec<_>>(), &halved(&fast)[92..7_992]);
            assert!(up > 55.0 && down > 55.0, "{hertz} Hz: up {up} dB, down {down} dB");
        }
    }

    #[test]
    fn what_8_khz_cannot_carry_is_gone() {
        for hertz in [4_600.0, 5_000.0, 6_000.0, 7_500.0] {
            let left = power(&halved(&tone(16_000, hertz, 20_000.0, 16_000))[160..]);
            let below = 10.0 * (2e8 / left.max(0.001)).log10();
            assert!(below > 58.0, "{hertz} Hz is heard {below} dB below itself");
        }
    }

    #[test]
    fn silence_is_no_work_once_the_tail_is_out() {
        let (mut filter, mut narrow) = (Halfband::default(), [0; NARROW]);
        filter.add_halved(&[0; WIDE], &mut narrow);
        assert!(filter.clear);
        let mut click = [0; WIDE];
        click[WIDE - 1] = 20_000;
        filter.add_halved(&click, &mut narrow);
        assert_eq!((narrow, filter.clear), ([0; NARROW], false));
        filter.add_halved(&[0; WIDE], &mut narrow);
        assert_eq!((narrow[11], filter.clear), (10_000, false));
        filter.add_halved(&[0; WIDE], &mut narrow);
        assert!(filter.clear);
    }

    #[test]
    fn a_crowd_at_full_scale_does_not_overflow() {
        let (mut filter, mut wide) = (Halfband::default(), [0; WIDE]);
        for _ in 0..3 {
            wide = [0; WIDE];
            filter.add_doubled(&[50 * i32::from(i16::MIN); NARROW], &mut wide);
        }
        assert!(wide.iter().all(|sample| (sample + 50 * 32_768).abs() < 4), "{wide:?}");
    }
}
