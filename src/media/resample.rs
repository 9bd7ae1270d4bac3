//! From a recording's rate to G.711's, once, when it is loaded.
//!
//! Each sample that comes out is a weighted sum of those that went in around it: a low-pass, sinc under a Blackman
//! window. The rates' ratio is a fraction, so the weights repeat: they are computed once for each phase.
use std::f64::consts::PI;

/// What comes out, samples a second.
pub(super) const RATE: u32 = 8_000;
/// Where the low-pass is 6 dB down. G.711's band ends at 3.4 kHz, and 4 kHz and all above must not fold back into it.
const CUTOFF: f64 = 3_600.0;
/// Zero crossings of the sinc on either side: so steep that 3.3 kHz stays and 4 kHz is gone.
const CROSSINGS: f64 = 32.0;

/// The same sound at 8 kHz. It is taken to be repeated for ever: its end is heard before its beginning.
pub(super) fn resample(sound: &[f32], rate: u32) -> Vec<f32> {
    if rate == RATE || sound.is_empty() {
        return sound.to_vec();
    }
    let reach = (CROSSINGS * f64::from(rate) / (2.0 * CUTOFF)).ceil() as usize;
    // Continued on either side by what a repetition would have there.
    let at = |index: isize| sound[index.rem_euclid(sound.len() as isize) as usize];
    let around: Vec<f32> = (-(reach as isize)..(sound.len() + reach + 1) as isize).map(at).collect();
    let count = sound.len() as u64 * u64::from(RATE) / u64::from(rate);
    let mut phases: Vec<Option<Vec<f32>>> = vec![None; RATE as usize];
    let one = |n: u64| {
        let place = n * u64::from(rate);
        let (whole, phase) = ((place / u64::from(RATE)) as usize, (place % u64::from(RATE)) as usize);
        let weights = phases[phase].get_or_insert_with(|| weights(phase as f64 / f64::from(RATE), reach, rate));
        around[whole..].iter().zip(weights).map(|(sample, weight)| sample * *weight).sum()
    };
    (0..count).map(one).collect()
}

/// The weights of the samples from `reach` before to `reach` after a place that lies `fraction` past a sample.
fn weights(fraction: f64, reach: usize, rate: u32) -> Vec<f32> {
    let weigh = |index: usize| {
        let distance = index as f64 - reach as f64 - fraction;
        let angle = 2.0 * PI * CUTOFF / f64::from(rate) * distance;
        let sinc = if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
        let turn = PI * distance / (reach + 1) as f64;
        sinc * (0.42 + 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos())
    };
    let weights: Vec<f64> = (0..=2 * reach + 1).map(weigh).collect();
    // Together they are one: what does not change stays as loud as it was.
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / sum) as f32).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// How loud one frequency is in a sound of 8 kHz: the amplitude, by Goertzel's algorithm.
    pub(in crate::media) fn loudness(sound: &[f32], frequency: f64) -> f64 {
        let turn = 2.0 * (2.0 * PI * frequency / f64::from(RATE)).cos();
        let (mut one, mut two) = (0.0, 0.0);
        for &sample in sound {
            (one, two) = (f64::from(sample) + turn * one - two, one);
        }
        (one * one + two * two - turn * one * two).max(0.0).sqrt() * 2.0 / sound.len() as f64
    }

    /// A second of a sine.
    pub(in crate::media) fn sine(frequency: f64, rate: u32) -> Vec<f32> {
        (0..rate).map(|n| (0.5 * (2.0 * PI * frequency * f64::from(n) / f64::from(rate)).sin()) as f32).collect()
    }

    #[test]
    fn what_a_telephone_carries_stays_and_the_rest_does_not_fold_back() {
        for rate in [11_025, 12_345, 16_000, 44_100, 48_000] {
            for frequency in [300.0, 1_000.0, 3_300.0] {
                let heard = resample(&sine(frequency, rate)[..rate as usize / 5], rate);
                assert_eq!(heard.len(), RATE as usize / 5);
                let loudness = loudness(&heard, frequency);
                assert!((loudness - 0.5).abs() < 0.05, "{frequency} Hz at {rate}: {loudness}");
            }
            // 6 kHz would be heard as 2, 5 as 3, 4.2 as 3.8.
            for frequency in [4_200.0, 5_000.0, 6_000.0].into_iter().filter(|f| 2.0 * f < f64::from(rate)) {
                let heard = resample(&sine(frequency, rate)[..rate as usize / 5], rate);
                let loudest = heard.iter().fold(0.0, |loudest: f32, sample| loudest.max(sample.abs()));
                assert!(loudest < 0.5 / 1_000.0, "{frequency} Hz at {rate}: {loudest}");
            }
        }
    }

    #[test]
    fn telephone_sound_is_left_alone() {
        let sound = sine(1_000.0, RATE);
        assert_eq!(resample(&sound, RATE), sound);
        assert_eq!(resample(&[], 48_000), Vec::<f32>::new());
        assert_eq!(resample(&[0.25; 3], 48_000), Vec::<f32>::new());
        let steady = resample(&[0.25; 30], 48_000);
        assert!(steady.len() == 5 && steady.iter().all(|sample| (sample - 0.25).abs() < 1e-6), "{steady:?}");
    }
}
