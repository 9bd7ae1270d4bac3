//! How good a call sounds, estimated from what reports tell (the E-model, ITU-T G.107, with the parameters of G.113 for
//! G.711 and packets lost at random where nothing conceals it).
use std::time::Duration;

/// What a call without any impairment has: the default of all parameters but those below.
const BEST: f64 = 93.2;
/// How well G.711 stands losses (Bpl), nothing being done about them.
const ROBUSTNESS: f64 = 4.3;
/// The codec, a packet of 20 ms, and the least of a jitter buffer.
const TERMINAL: f64 = 40.0;
/// Talking over each other begins here, in milliseconds one way.
const NOTICED: f64 = 177.3;

/// The mean opinion score, 1 to 4.4, of a way on which so many of 256 packets are lost, as uneven as this.
pub fn score(lost: u8, jitter: Duration, round_trip: Duration) -> f64 {
    let millis = |span: Duration| span.as_secs_f64() * 1e3;
    // A jitter buffer holds twice of it.
    let delay = millis(round_trip) / 2.0 + 2.0 * millis(jitter) + TERMINAL;
    let by_delay = 0.024 * delay + 0.11 * (delay - NOTICED).max(0.0);
    let percent = f64::from(lost) / 2.56;
    let by_loss = 95.0 * percent / (percent + ROBUSTNESS);
    let rating = (BEST - by_delay - by_loss).clamp(0.0, 100.0);
    let score = 1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6;
    score.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_and_delay_make_a_call_worse() {
        let millis = Duration::from_millis;
        let table = [
            (0, 0, 0, 4.38..4.42),
            // A way round the world is noticed, but no more.
            (0, 5, 150, 4.30..4.38),
            (0, 5, 600, 3.2..3.8),
            // One in a hundred, one in twenty, one in two.
            (3, 0, 0, 3.5..3.9),
            (13, 0, 0, 1.9..2.4),
            (128, 0, 0, 1.0..1.1),
            (255, 2_000, 8_000, 1.0..1.001),
        ];
        for (lost, jitter, round_trip, expected) in table {
            let score = score(lost, millis(jitter), millis(round_trip));
            assert!(expected.contains(&score), "{lost} {jitter} {round_trip}: {score}");
        }
    }
}
