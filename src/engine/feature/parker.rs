//! Who parks what, and how they said so; and hear, the same way, what came of it.
//!
//! Knows: sessions (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::announce;
use super::lot::OrbitNo;
use crate::counters::ParkWay;
use crate::leg::Cause;
use crate::session::{Announcement, Device, Party, Phrase, SessionId, Switch};
use std::time::Duration;

/// How long a parker's phone may take to hang up after it was told where the call is; then we do.
pub(super) const PARKER_LEAVES: Duration = Duration::from_secs(4);

/// What is to be parked, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// The parker's part of the call.
    pub(crate) parker: SessionId,
    /// How the parker said so.
    pub(crate) told: Told,
    /// Any free orbit of a lot, or this one.
    pub(crate) place: Where,
}

/// Where to park.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// Any free orbit.
    Lot(usize),
    /// This one.
    Orbit(OrbitNo),
}

/// Who parked, and from where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parker {
    pub(super) party: Party,
    pub(super) device: Device,
    /// The parker's part of the call that is being parked, until it hangs up.
    pub(super) leg: SessionId,
    pub(super) told: Told,
    /// It was the parker that named the orbit.
    pub(super) named: bool,
}

/// How a parker said what is to be parked, and so how it hears what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// This party transferred the call.
    Transfer(SessionId),
    /// The same, to an orbit that it had been told before.
    AttendedTransfer(SessionId),
    /// This party called a code.
    Code(SessionId),
    /// The parker was told the orbit, and hung up.
    HangUp,
    /// The parker pressed keys in the call.
    Keys,
}

impl Told {
    /// Who said so, if they wait to hear of it.
    pub(super) const fn by(self) -> Option<SessionId> {
        match self {
            Self::Transfer(by) | Self::AttendedTransfer(by) | Self::Code(by) => Some(by),
            Self::HangUp | Self::Keys => None,
        }
    }

    pub(super) const fn way(self) -> ParkWay {
        match self {
            Self::Transfer(_) => ParkWay::ReferBlind,
            Self::AttendedTransfer(_) | Self::HangUp => ParkWay::ReferAttended,
            Self::Code(_) => ParkWay::Code,
            Self::Keys => ParkWay::Dtmf,
        }
    }

    pub(super) fn refuse(self, cause: Cause, words: &str, aloud: bool, pbx: &mut dyn Switch) {
        match self {
            Self::Code(code) if aloud => {
                pbx.dismiss(code, Announcement::of(Phrase::NotParked), announce::WHY, (cause, words));
            }
            Self::Code(code) => pbx.drop(code, cause, words),
            Self::Transfer(by) | Self::AttendedTransfer(by) => pbx.report_transfer(by, Err(cause), words),
            Self::HangUp | Self::Keys => {}
        }
    }
}
