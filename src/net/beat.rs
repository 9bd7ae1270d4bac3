//! When to work on a beat.
//!
//! ```text
//!            ≥ 50 wake-ups by datagrams in 100 ms
//!   at once ──────────────────────────────────────► on the beat
//!           ◄──────────────────────────────────────
//!                        < 25 in 100 ms
//! ```
//! Waking up costs several times what a datagram costs. So when datagrams come steadily the loop sleeps nearly a millisecond
//! at a time and takes what has gathered; when they do not, it answers each at once. A call's setup goes through the loop
//! twice: it is never delayed by two milliseconds.
use std::time::Duration;
use switchyard_engine::Time;

/// The beat.
pub(super) const BEAT: Duration = Duration::from_micros(800);
const WINDOW: Duration = Duration::from_millis(100);
const STEADY: u32 = 50;
const CALM: u32 = 25;

/// Measures how often datagrams wake the loop.
#[derive(Debug, Default)]
pub(super) struct Beat {
    window: Time,
    wakeups: u32,
    steady: bool,
    last: Time,
}

impl Beat {
    /// Datagrams were found after waking up.
    pub(super) fn arrived(&mut self, now: Time) {
        self.last = now;
        self.wakeups += 1;
        if now.since(self.window) >= WINDOW {
            // A window that ended long ago says nothing about now.
            let recent = now.since(self.window) < 2 * WINDOW;
            self.steady = recent && self.wakeups >= if self.steady { CALM } else { STEADY };
            (self.window, self.wakeups) = (now, 0);
        }
    }

    /// Until when to let datagrams gather; nothing if the next one is to be answered at once.
    pub(super) fn gather_until(&self) -> Option<Time> {
        self.steady.then(|| self.last + BEAT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Datagrams at even distances for a while; says whether the loop would be on the beat at the end.
    fn after(beat: &mut Beat, begin: Time, gap: Duration, count: u32) -> (bool, Time) {
        let mut now = begin;
        for _ in 0..count {
            now = now + gap;
            beat.arrived(now);
        }
        (beat.gather_until().is_some(), now)
    }

    #[test]
    fn steady_traffic_is_taken_on_the_beat_and_calm_at_once() {
        let millis = Duration::from_millis;
        let mut beat = Beat::default();
        let (steady, now) = after(&mut beat, Time::ZERO + millis(1000), millis(5), 200);
        assert!(!steady, "200 a second wake it by the piece");
        let (steady, now) = after(&mut beat, now, millis(1), 400);
        assert!(steady);
        assert_eq!(beat.gather_until(), Some(now + BEAT));
        let (steady, now) = after(&mut beat, now, millis(3), 100);
        assert!(steady, "333 a second are enough to stay");
        let (steady, now) = after(&mut beat, now, millis(10), 100);
        assert!(!steady);
        let (_, now) = after(&mut beat, now, millis(1), 400);
        let (steady, _) = after(&mut beat, now, Duration::from_secs(60), 1);
        assert!(!steady, "a pause ends it");
    }
}
