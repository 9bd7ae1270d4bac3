//! From a recording's rate to a codec's, once.
//!
//! Each sample that comes out is a weighted sum of those that went in around it: a low-pass, sinc under a Blackman
//! window. The rates' ratio is a fraction, so the weights repeat: they are computed once for each phase.
use std::f64::consts::PI;

/// Where the low-pass is 6 dB down, as a share of the lower rate. At 8 kHz, G.711's band ends at 3.4 kHz, and 4 kHz and all
/// above must not fold back into it; at 16 kHz so do G.722's 7 kHz, and 8.
const CUTOFF: f64 = 0.45;
/// Zero crossings of the sinc on either side: so steep that at 8 kHz 3.3 stay and 4 are gone.
const CROSSINGS: f64 = 32.0;

/// The same sound at another rate. It is taken to be repeated for ever: its end is heard before its beginning.
pub(super) fn resample(sound: &[f32], rate: u32, wanted: u32) -> Vec<f32> {
    if rate == wanted || sound.is_empty() {
        return sound.to_vec();
    }
    // Of the rate that goes in.
    let cutoff = CUTOFF * f64::from(rate.min(wanted)) / f64::from(rate);
    let reach = (CROSSINGS / (2.0 * cutoff)).ceil() as usize;
    // Continued on either side by what a repetition would have there.
    let at = |index: isize| sound[index.rem_euclid(sound.len() as isize) as usize];
    let around: Vec<f32> = (-(reach as isize)..(sound.len() + reach + 1) as isize).map(at).collect();
    let count = sound.len() as u64 * u64::from(wanted) / u64::from(rate);
    let mut phases: Vec<Option<Vec<f32>>> = vec![None; wanted as usize];
    let one = |n: u64| {
        let place = n * u64::from(rate);
        let (whole, phase) = ((place / u64::from(wanted)) as usize, (place % u64::from(wanted)) as usize);
        let weights = phases[phase].get_or_insert_with(|| weights(phase as f64 / f64::from(wanted), reach, cutoff));
        around[whole..].iter().zip(weights).map(|(sample, weight)| sample * *weight).sum()
    };
    (0..count).map(one).collect()
}

/// The weights of the samples from `reach` before to `reach` after a place that lies `fraction` past a sample.
fn weights(fraction: f64, reach: usize, cutoff: f64) -> Vec<f32> {
    let weigh = |index: usize| {
        let distance = index as f64 - reach as f64 - fraction;
        let angle = 2.0 * PI * cutoff * distance;
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

    /// How loud one frequency is in a sound of that rate: the amplitude, by Goertzel's algorithm.
    pub(in crate::media) fn loudness(sound: &[f32], frequency: f64, rate: u32) -> f64 {
        let turn = 2.0 * (2.0 * PI * frequency / f64::from(rate)).cos();
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
    fn what_a_codec_carries_stays_and_the_rest_does_not_fold_back() {
        for (wanted, carried, gone) in [
            (8_000, [300.0, 1_000.0, 3_300.0], [4_200.0, 5_000.0, 6_000.0]),
            (16_000, [300.0, 3_800.0, 6_600.0], [8_400.0, 10_000.0, 12_000.0]),
        ] {
            for rate in [11_025, 12_345, 16_000, 44_100, 48_000].into_iter().filter(|rate| *rate > wanted) {
                for frequency in carried {
                    let heard = resample(&sine(frequency, rate)[..rate as usize / 5], rate, wanted);
                    assert_eq!(heard.len(), wanted as usize / 5);
                    let loudness = loudness(&heard, frequency, wanted);
                    assert!((loudness - 0.5).abs() < 0.05, "{frequency} Hz at {rate}: {loudness}");
                }
                // At 8 kHz 6 would be heard as 2, 5 as 3, 4.2 as 3.8.
                for frequency in gone.into_iter().filter(|f| 2.0 * f < f64::from(rate)) {
                    let heard = resample(&sine(frequency, rate)[..rate as usize / 5], rate, wanted);
                    let loudest = heard.iter().fold(0.0, |loudest: f32, sample| loudest.max(sample.abs()));
                    assert!(loudest < 0.5 / 1_000.0, "{frequency} Hz at {rate}: {loudest}");
                }
            }
        }
    }

    #[test]
    fn what_is_brought_to_a_higher_rate_is_what_it_was_and_nothing_besides() {
        for (rate, wanted) in [(8_000, 16_000), (8_000, 48_000), (11_025, 16_000), (16_000, 48_000), (44_100, 48_000)] {
            let frequency = 0.4 * f64::from(rate);
            let heard = resample(&sine(frequency, rate)[..rate as usize / 5], rate, wanted);
            assert_eq!(heard.len(), wanted as usize / 5);
            let found = loudness(&heard, frequency, wanted);
            assert!((found - 0.5).abs() < 0.05, "{rate} to {wanted}: {found}");
            // Its mirror image about half of the old rate.
            let image = loudness(&heard, f64::from(rate) - frequency, wanted);
            assert!(image < 0.5 / 1_000.0, "{rate} to {wanted}: {image}");
        }
    }

    #[test]
    fn sound_that_has_the_rate_is_left_alone() {
        let sound = sine(1_000.0, 8_000);
        assert_eq!(resample(&sound, 8_000, 8_000), sound);
        assert_eq!(resample(&[], 48_000, 8_000), Vec::<f32>::new());
        assert_eq!(resample(&[0.25; 3], 48_000, 8_000), Vec::<f32>::new());
        for (rate, wanted, count) in [(48_000, 8_000, 5), (8_000, 48_000, 180)] {
            let steady = resample(&[0.25; 30], rate, wanted);
            assert!(steady.len() == count && steady.iter().all(|sample| (sample - 0.25).abs() < 1e-6), "{steady:?}");
        }
    }
}
