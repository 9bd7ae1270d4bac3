//! Why nobody is called back: the words people read and hear, the cause their phone is told, and the label that is counted.
use crate::counters::CompletionAsked;
use crate::leg::Cause;
use crate::session::Phrase;

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// No call of the line's has failed lately.
    NothingFailed,
    /// The party may not ask.
    NotAllowed,
    /// Not for that number: it is no line of ours, or does not wish it.
    NotPossible,
    /// There are too many requests already.
    TooMany,
    /// There is nothing to take back.
    NothingAsked,
}

impl Refused {
    /// What the phone is told (RFC 6910 §9.7: 403 where it will never be, 480 where it cannot be now).
    pub(super) const fn cause(self) -> Cause {
        match self {
            Self::NotAllowed | Self::NotPossible => Cause::Forbidden,
            Self::NothingFailed | Self::TooMany | Self::NothingAsked => Cause::Unavailable,
        }
    }

    /// What people read.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::NothingFailed => "There is no call to be called back for",
            Self::NotAllowed => "You may not ask for callbacks",
            Self::NotPossible => "There are no callbacks for that number",
            Self::TooMany => "There are too many callbacks",
            Self::NothingAsked => "There is no callback to cancel",
        }
    }

    /// What they hear.
    pub(super) const fn phrase(self) -> Phrase {
        match self {
            Self::NothingFailed => Phrase::NoCallToReturn,
            Self::NotAllowed => Phrase::NotAllowed,
            Self::NotPossible => Phrase::NoCallbackPossible,
            Self::TooMany => Phrase::TooManyCallbacks,
            Self::NothingAsked => Phrase::NoCallback,
        }
    }

    /// How it is counted.
    pub(super) const fn counted(self) -> CompletionAsked {
        match self {
            Self::TooMany => CompletionAsked::Limit,
            Self::NothingFailed | Self::NotAllowed | Self::NotPossible | Self::NothingAsked => {
                CompletionAsked::NotAllowed
            }
        }
    }
}
