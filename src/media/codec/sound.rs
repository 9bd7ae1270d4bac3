//! Test only: things to say, and how well they were understood.
use std::f64::consts::TAU;

/// A sine.
pub(crate) fn tone(rate: u32, hertz: f64, amplitude: f64, samples: usize) -> Vec<i16> {
    (0..samples).map(|n| (amplitude * (TAU * hertz * n as f64 / f64::from(rate)).sin()) as i16).collect()
}

/// A voice that says «wa wa wa»: the harmonics of 130 Hz under two formants, four syllables a second.
pub(crate) fn speech(rate: u32, amplitude: f64, samples: usize) -> Vec<i16> {
    let voice = |seconds: f64| -> f64 {
        let harmonics = (1..25).map(f64::from).map(|n| {
            let hertz = 130.0 * n;
            let formant = |at: f64, width: f64| (-((hertz - at) / width).powi(2)).exp();
            (formant(500.0, 200.0) + 0.4 * formant(1_500.0, 300.0) + 0.1 * formant(2_600.0, 400.0))
                * (TAU * hertz * seconds + n * n).sin()
        });
        harmonics.sum::<f64>() / 3.0 * (0.55 - 0.45 * (TAU * 4.0 * seconds).cos())
    };
    (0..samples).map(|n| (amplitude * voice(n as f64 / f64::from(rate))) as i16).collect()
}

/// The steps of a generator good enough for noise (Knuth's MMIX).
fn steps(seed: u64) -> impl Iterator<Item = u64> {
    let first = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    std::iter::successors(Some(first), |&x| {
        Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
    .skip(1)
    .map(|x| x >> 33)
}

/// White noise.
pub(crate) fn noise(seed: u64, amplitude: f64, samples: usize) -> Vec<i16> {
    let uniform = |x: u64| x as f64 / f64::from(1_u32 << 30) - 1.0;
    steps(seed).take(samples).map(|x| (amplitude * uniform(x)) as i16).collect()
}

/// Any octets.
pub(crate) fn octets(seed: u64, count: usize) -> Vec<u8> {
    steps(seed).take(count).map(|x| (x >> 20) as u8).collect()
}

/// The power of a signal.
pub(crate) fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len().max(1) as f64
}

/// How far the difference is below what was said, in decibels.
pub(crate) fn snr(said: &[i16], heard: &[i16]) -> f64 {
    assert_eq!(said.len(), heard.len());
    let difference = said.iter().zip(heard).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>();
    10.0 * (power(said) * said.len() as f64 / difference.max(f64::MIN_POSITIVE)).log10()
}
