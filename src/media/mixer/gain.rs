//! How loud a party is made.

/// A factor with twelve binary places, up to sixteen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gain(u16);

const PLACES: u32 = 12;

impl Gain {
    /// As loud as it comes.
    pub const UNITY: Self = Self(1 << PLACES);
    /// Not at all.
    pub const MUTE: Self = Self(0);

    /// So many decibels louder, or softer if negative. There is no more than 24.
    #[must_use]
    pub fn of_decibels(decibels: f32) -> Self {
        // The cast saturates.
        Self((10.0_f32.powf(decibels / 20.0) * f32::from(Self::UNITY.0)).round() as u16)
    }

    /// Applies the gain to a frame, at whose beginning it was another: in between it goes in a straight line, since a step
    /// would be a click.
    pub(super) fn glide(self, from: Self, samples: &mut [i16]) {
        if self == Self::UNITY && from == Self::UNITY {
            return;
        }
        let (first, step) = (i32::from(from.0), i32::from(self.0) - i32::from(from.0));
        let length = samples.len() as i32;
        for (n, sample) in (1..).zip(samples) {
            // Neither product overflows: 16 bits by 16, and 17 by a frame's length.
            let factor = first + step * n / length;
            let product = i32::from(*sample) * factor + (1 << (PLACES - 1));
            *sample = super::saturate(product >> PLACES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_are_factors() {
        for (decibels, factor) in
            [(0.0, 4_096), (-6.02, 2_048), (6.02, 8_192), (24.0, 64_917), (100.0, u16::MAX), (-100.0, 0)]
        {
            assert!(Gain::of_decibels(decibels).0.abs_diff(factor) <= 1, "{decibels} dB");
        }
        assert_eq!((Gain::of_decibels(f32::NEG_INFINITY), Gain::of_decibels(f32::NAN)), (Gain::MUTE, Gain::MUTE));
    }

    #[test]
    fn a_gain_that_changes_glides_and_ends_where_it_should() {
        let mut samples = [8_000; 160];
        Gain::MUTE.glide(Gain::UNITY, &mut samples);
        assert!(samples.is_sorted_by(|a, b| a >= b && a - b <= 52), "{samples:?}");
        assert_eq!((samples[0], samples[159]), (7_951, 0));
        let mut samples = [8_000; 320];
        Gain::of_decibels(-6.02).glide(Gain::of_decibels(-6.02), &mut samples);
        assert!(samples.iter().all(|&sample| sample.abs_diff(4_000) < 2));
    }

    #[test]
    fn the_greatest_gain_of_the_loudest_saturates() {
        for (loudest, other) in [(i16::MAX, i16::MIN), (i16::MIN, i16::MAX)] {
            let mut samples = [loudest, 0, other];
            Gain(u16::MAX).glide(Gain(u16::MAX), &mut samples);
            assert_eq!(samples, [loudest, 0, other]);
            Gain(u16::MAX).glide(Gain::MUTE, &mut samples);
            assert_eq!(samples, [loudest, 0, other]);
        }
    }
}
