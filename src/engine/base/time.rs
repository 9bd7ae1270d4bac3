//! The engine's clock reading: given with every input, never asked for.
use std::num::NonZeroU64;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment on the monotonic clock, in microseconds since a beginning that the owner of the engine chose.
///
/// One more is kept than there are, so that "never" (`Option<Time>`) takes no room of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(NonZeroU64);

impl Default for Time {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Time {
    /// The beginning.
    pub const ZERO: Self = Self(NonZeroU64::MIN);

    /// The moment so many microseconds after the beginning.
    pub const fn from_micros(micros: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(micros))
    }

    /// Microseconds since the beginning.
    pub const fn micros(self) -> u64 {
        self.0.get() - 1
    }

    /// Whole milliseconds since the beginning.
    pub const fn millis(self) -> u64 {
        self.micros() / 1000
    }

    /// Whole seconds since the beginning.
    pub const fn secs(self) -> u64 {
        self.micros() / 1_000_000
    }

    /// The moment so long before this one, or the beginning.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        Self::from_micros(self.micros().saturating_sub(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; nothing if it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.get().saturating_sub(earlier.0.get()))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, after: Duration) -> Self {
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl Sub for Time {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}
