//! Why a leg ends: the trade's words, and what SIP says for each.
use crate::wire::Status;

/// Why a leg ended, or is to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Hung up.
    Normal,
    /// The party is on the telephone.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The party declined.
    Rejected,
    /// The caller gave up.
    Cancelled,
    /// Somebody else took the call.
    AnsweredElsewhere,
    /// No such number.
    NotFound,
    /// The party is not there now.
    Unavailable,
    /// Not allowed.
    Forbidden,
    /// The number is not complete.
    Incomplete,
    /// The party moved away for good.
    Gone,
    /// No common media.
    NotAcceptable,
    /// Both sides changed the call at once.
    Glare,
    /// The server does not have this yet.
    NotBuilt,
    /// The server has too much to do.
    Overload,
    /// The call went in circles.
    Loop,
    /// The far end did not answer in time.
    Timeout,
    /// No media arrived.
    MediaTimeout,
    /// Something failed.
    Failure,
}

impl Cause {
    /// The final response that says so to a caller.
    pub(crate) const fn status(self) -> Status {
        match self {
            Self::Busy => Status::BUSY_HERE,
            Self::NoAnswer | Self::Unavailable | Self::Normal | Self::AnsweredElsewhere => {
                Status::TEMPORARILY_UNAVAILABLE
            }
            Self::Rejected => Status::DECLINE,
            Self::Cancelled => Status::REQUEST_TERMINATED,
            Self::NotFound => Status::NOT_FOUND,
            Self::Forbidden => Status::FORBIDDEN,
            Self::Incomplete => Status::ADDRESS_INCOMPLETE,
            Self::Gone => Status::GONE,
            Self::NotAcceptable => Status::NOT_ACCEPTABLE_HERE,
            Self::Glare => Status::REQUEST_PENDING,
            Self::NotBuilt => Status::NOT_IMPLEMENTED,
            Self::Overload => Status::SERVICE_UNAVAILABLE,
            Self::Loop => Status::LOOP_DETECTED,
            Self::Timeout => Status::REQUEST_TIMEOUT,
            Self::MediaTimeout | Self::Failure => Status::SERVER_INTERNAL_ERROR,
        }
    }

    /// What a final response from the called side means.
    pub(crate) const fn of(status: Status) -> Self {
        match status.code() {
            486 | 600 => Self::Busy,
            603 | 607 | 608 => Self::Rejected,
            487 => Self::Cancelled,
            404 | 604 => Self::NotFound,
            410 | 301 => Self::Gone,
            401 | 403 | 407 => Self::Forbidden,
            484 => Self::Incomplete,
            415 | 488 | 606 => Self::NotAcceptable,
            491 => Self::Glare,
            501 => Self::NotBuilt,
            503 => Self::Overload,
            482 | 483 => Self::Loop,
            408 | 504 => Self::Timeout,
            300..=399 | 430 | 480 => Self::Unavailable,
            _ => Self::Failure,
        }
    }

    /// The Reason header (RFC 3326) of the CANCEL or BYE that ends a leg for this cause; most need none.
    pub(crate) const fn reason(self) -> &'static [u8] {
        match self {
            Self::AnsweredElsewhere => b"SIP;cause=200;text=\"Call completed elsewhere\"",
            Self::Busy => b"SIP;cause=486;text=\"Busy Here\"",
            Self::NoAnswer => b"SIP;cause=480;text=\"No answer\"",
            Self::Timeout => b"SIP;cause=408;text=\"Request Timeout\"",
            Self::MediaTimeout => b"Q.850;cause=44;text=\"No media\"",
            Self::Failure => b"SIP;cause=500;text=\"Server Internal Error\"",
            Self::NotAcceptable => b"SIP;cause=488;text=\"Not Acceptable Here\"",
            Self::Overload => b"SIP;cause=503;text=\"Service Unavailable\"",
            Self::Normal | Self::Cancelled | Self::Rejected | Self::NotFound | Self::Unavailable => b"",
            Self::Forbidden | Self::Incomplete | Self::Gone | Self::Glare | Self::NotBuilt | Self::Loop => b"",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_called_side_says_reaches_the_caller() {
        for code in [403, 404, 410, 480, 482, 484, 486, 487, 488, 491, 500, 501, 503, 603] {
            let status = Status::new(code).unwrap();
            assert_eq!(Cause::of(status).status(), status, "{code}");
        }
    }
}
