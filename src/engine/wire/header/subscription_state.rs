//! Subscription-State: what a NOTIFY says about its subscription (RFC 6665 §8.2.3).

use super::params::params;
use crate::wire::{
    malformed::Malformed,
    text::{cut, is_token, saturating_number, trim},
};

/// The state and its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionState<'a> {
    /// `active`, `pending`, `terminated` or an extension, as written.
    pub state: &'a [u8],
    /// Why it ended.
    pub reason: Option<&'a [u8]>,
    /// Seconds it will still live.
    pub expires: Option<u32>,
    /// Seconds to wait before the next try.
    pub retry_after: Option<u32>,
}

impl<'a> SubscriptionState<'a> {
    /// Reads the value.
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let (state, rest) = cut(trim(value), b';');
        let state = trim(state);
        if !is_token(state) {
            return Err(Malformed::SubscriptionState);
        }
        let mut found = Self { state, reason: None, expires: None, retry_after: None };
        for (name, value) in params(rest.unwrap_or_default()) {
            if name.eq_ignore_ascii_case(b"reason") {
                found.reason = value;
            } else if name.eq_ignore_ascii_case(b"expires") {
                found.expires = value.and_then(saturating_number);
            } else if name.eq_ignore_ascii_case(b"retry-after") {
                found.retry_after = value.and_then(saturating_number);
            }
        }
        Ok(found)
    }

    /// The subscription is over.
    pub const fn is_terminated(&self) -> bool {
        self.state.eq_ignore_ascii_case(b"terminated")
    }

    /// The subscription is accepted and lives.
    pub const fn is_active(&self) -> bool {
        self.state.eq_ignore_ascii_case(b"active")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        let ended = SubscriptionState::parse(b"Terminated; reason=noresource ;retry-after=5").unwrap();
        assert!(ended.is_terminated() && !ended.is_active());
        assert_eq!((ended.reason, ended.retry_after), (Some(&b"noresource"[..]), Some(5)));
        assert_eq!(SubscriptionState::parse(b"active;expires=599").unwrap().expires, Some(599));
        assert_eq!(SubscriptionState::parse(b";expires=1"), Err(Malformed::SubscriptionState));
    }
}
