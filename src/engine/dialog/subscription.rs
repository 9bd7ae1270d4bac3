//! The subscription that a REFER makes (RFC 3515 §2.4.4): NOTIFYs that tell what became of it.
use crate::base::Time;

/// The event packages that somebody can subscribe to, as Allow-Events says them (RFC 6665 §8.2.2).
pub(crate) const ALLOW_EVENTS: &[u8] = b"dialog, message-summary, presence, call-completion";

/// One REFER's subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReferSubscription {
    /// The CSeq number of the REFER: the event's `id` from the second REFER of a dialog on (RFC 3515 §2.4.6).
    pub(crate) id: u32,
    /// Whether this dialog had a REFER before.
    pub(crate) names_id: bool,
    /// `Refer-Sub: false` (RFC 4488): no NOTIFY is wanted.
    pub(crate) silent: bool,
    /// When it would end by itself.
    pub(crate) until: Time,
}

/// How long a subscription lasts at the most, in seconds; a park is decided long before.
pub(crate) const SECONDS: u64 = 60;

impl ReferSubscription {
    /// Seconds left.
    pub(crate) const fn left(&self, now: Time) -> u64 {
        self.until.since(now).as_secs()
    }
}
