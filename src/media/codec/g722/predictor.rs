//! The adaptive predictor that both bands and both directions share: two poles, six zeros (ITU-T G.722 §3, §6.2).
//!
//! The names in capitals are the recommendation's blocks. All arithmetic is that of §6: 16 bits, saturated.
//!
//! Knows: the quantized difference of its band. Never: which band that is.

/// Guesses a band's next sample from what both sides know.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Predictor {
    /// The guess.
    pub(super) signal: i16,
    /// The zeros' part of it.
    from_zeros: i16,
    poles: [i16; 2],
    zeros: [i16; 6],
    /// The last six quantized differences, latest first, already doubled.
    differences: [i16; 6],
    /// The last two reconstructed samples, latest first, already doubled.
    reconstructed: [i16; 2],
    /// The last two partially reconstructed samples (without the poles): only their signs matter.
    partial: [i16; 2],
}

/// 16 bits, saturated.
pub(super) fn saturate(value: i32) -> i16 {
    value.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// The upper half of a product of fractions.
fn times(a: i16, b: i16) -> i32 {
    (i32::from(a) * i32::from(b)) >> 15
}

/// `by`, negated if the signs differ; zero counts as positive.
fn along(by: i16, a: i16, b: i16) -> i32 {
    i32::from(if (a ^ b) < 0 { -by } else { by })
}

impl Predictor {
    /// Learns how far the last guess was off, and makes the next.
    pub(super) fn learn(&mut self, difference: i16) {
        // RECONS, PARREC.
        let reconstructed = saturate(i32::from(self.signal) + i32::from(difference));
        let partial = saturate(i32::from(self.from_zeros) + i32::from(difference));
        self.move_poles(partial);
        self.move_zeros(difference);
        // DELAYA.
        self.differences.rotate_right(1);
        self.differences[0] = saturate(2 * i32::from(difference));
        self.reconstructed = [saturate(2 * i32::from(reconstructed)), self.reconstructed[0]];
        self.partial = [partial, self.partial[0]];
        // FILTEP, FILTEZ, PREDIC.
        let poles = times(self.poles[0], self.reconstructed[0]) + times(self.poles[1], self.reconstructed[1]);
        let zeros = self.zeros.iter().zip(&self.differences).map(|(&zero, &difference)| times(zero, difference));
        self.from_zeros = saturate(zeros.sum());
        self.signal = saturate(i32::from(saturate(poles)) + i32::from(self.from_zeros));
    }

    fn move_poles(&mut self, partial: i16) {
        let [first, second] = self.poles;
        // UPPOL2: the second pole leaks by 1/128 and stays within ±0.75.
        let quadruple = i32::from(saturate(4 * i32::from(first)));
        let opposed = if (partial ^ self.partial[0]) < 0 { quadruple } else { i32::from(saturate(-quadruple)) };
        let moved = (opposed >> 7) + along(128, partial, self.partial[1]) + times(second, 32_512);
        let second = moved.clamp(-12_288, 12_288);
        // UPPOL1: the first leaks by 1/256 and stays where the filter is stable.
        let moved = along(192, partial, self.partial[0]) + times(first, 32_640);
        let bound = 15_360 - second;
        self.poles = [moved.clamp(-bound, bound) as i16, second as i16];
    }

    fn move_zeros(&mut self, difference: i16) {
        // UPZERO: they leak by 1/256, and are drawn to where this difference is like the former.
        let step = if difference == 0 { 0 } else { 128 };
        for (zero, &former) in self.zeros.iter_mut().zip(&self.differences) {
            *zero = saturate(along(step, difference, former) + times(*zero, 32_640));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poles_stay_within_their_bounds_whatever_they_are_told() {
        // The worst that differences can do: all of one sign, alternating, and pairs.
        for period in [1_usize, 2, 4, 7] {
            let mut predictor = Predictor::default();
            for n in 0..20_000 {
                predictor.learn(if n % (2 * period) < period { i16::MAX } else { i16::MIN });
                let [first, second] = predictor.poles.map(i32::from);
                assert!(second.abs() <= 12_288 && first.abs() <= 15_360 - second);
            }
        }
    }

    #[test]
    fn what_was_learnt_is_forgotten_in_silence() {
        let mut predictor = Predictor::default();
        for n in 0..4_000_i32 {
            predictor.learn(((n * 7_919) % 2_000 - 1_000) as i16);
        }
        for _ in 0..8_000 {
            predictor.learn(0);
        }
        // Up to what the poles do with their own roundings.
        assert_eq!(predictor.from_zeros, 0);
        assert!(predictor.signal.abs() < 32, "{}", predictor.signal);
        assert!(predictor.zeros.iter().all(|zero| zero.abs() < 256), "{:?}", predictor.zeros);
    }
}
