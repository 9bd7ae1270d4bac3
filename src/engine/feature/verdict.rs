//! Why a call came to nothing: how that is counted, and which of several reasons tells the caller most.
//!
//! Knows: causes. Never: calls.
use crate::counters::CallEnd;
use crate::leg::Cause;

/// How an unanswered call is counted.
pub(super) const fn ended(cause: Cause) -> CallEnd {
    match cause {
        Cause::Busy => CallEnd::Busy,
        Cause::NoAnswer => CallEnd::NoAnswer,
        Cause::Rejected | Cause::Forbidden => CallEnd::Rejected,
        Cause::NotFound | Cause::Unavailable | Cause::Gone | Cause::Timeout | Cause::Incomplete => CallEnd::Unreachable,
        Cause::Cancelled => CallEnd::Cancelled,
        Cause::Normal | Cause::AnsweredElsewhere | Cause::NotAcceptable | Cause::Glare | Cause::NotBuilt => {
            CallEnd::Failure
        }
        Cause::Overload | Cause::Loop | Cause::MediaTimeout | Cause::Failure => CallEnd::Failure,
    }
}

/// Of several reasons, the one that tells the caller most: a person's before a machine's.
pub(super) const fn weight(cause: Cause) -> u8 {
    match cause {
        Cause::Busy => 9,
        Cause::Rejected => 8,
        Cause::NotAcceptable => 7,
        Cause::Forbidden => 6,
        Cause::Incomplete | Cause::Gone | Cause::NotFound => 5,
        Cause::Unavailable | Cause::NoAnswer => 4,
        Cause::Timeout | Cause::Loop => 3,
        Cause::Overload | Cause::NotBuilt => 2,
        Cause::Normal | Cause::Cancelled | Cause::AnsweredElsewhere | Cause::Glare | Cause::MediaTimeout => 1,
        Cause::Failure => 0,
    }
}
