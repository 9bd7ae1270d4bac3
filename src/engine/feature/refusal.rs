//! Why a feature says no: the words people read, the cause their phone is told, and the label that is counted.
use crate::base::text::Number;
use crate::counters::{ParkRefusal, RetrieveResult};
use crate::leg::Cause;
use crate::session::Phrase;
use arrayvec::ArrayString;
use std::fmt::Write as _;

/// Words for a reason phrase.
pub(crate) type Words = ArrayString<160>;

/// A refusal. The call it concerns stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No free orbit in the lot.
    LotFull,
    /// That orbit is taken.
    Occupied(Number),
    /// The orbit was taken out of the configuration, or there never was one.
    UnknownOrbit(Number),
    /// The parker may not park here.
    MayNotPark,
    /// This party may not be parked.
    MayNotBeParked,
    /// There is no call to park.
    NothingToPark,
    /// The call is parked already.
    AlreadyParked,
    /// The call is on its way to somebody else.
    Moving,
    /// The server is going down.
    Draining,
    /// Nothing is parked there; the status is the lot's choice.
    Empty(Number, u16),
    /// Nothing is parked anywhere that this party may see.
    NothingParked,
    /// Somebody was quicker.
    JustRetrieved(Number),
    /// Another call than the one meant is parked there now.
    Stale(Number),
    /// The retriever may not.
    MayNotRetrieve,
}

impl Refusal {
    /// What the phone is told.
    pub(crate) const fn cause(self) -> Cause {
        match self {
            Self::LotFull | Self::Occupied(_) => Cause::Busy,
            Self::UnknownOrbit(_) => Cause::NotFound,
            Self::MayNotPark | Self::MayNotBeParked | Self::MayNotRetrieve => Cause::Forbidden,
            Self::NothingToPark | Self::NothingParked | Self::JustRetrieved(_) | Self::Stale(_) => Cause::Unavailable,
            Self::AlreadyParked | Self::Moving => Cause::Glare,
            Self::Draining => Cause::Overload,
            Self::Empty(_, 404) => Cause::NotFound,
            Self::Empty(_, 486) => Cause::Busy,
            Self::Empty(_, _) => Cause::Unavailable,
        }
    }

    /// What people read.
    pub(crate) fn words(self) -> Words {
        let mut words = Words::new();
        // A number and the longest of these fit.
        let _ = match self {
            Self::LotFull => words.write_str("All park orbits are in use"),
            Self::Occupied(orbit) => write!(words, "Orbit {orbit} is occupied"),
            Self::UnknownOrbit(orbit) => write!(words, "There is no orbit {orbit}"),
            Self::MayNotPark => words.write_str("You may not park here"),
            Self::MayNotBeParked => words.write_str("Colleagues are not parked here"),
            Self::NothingToPark => words.write_str("There is no call to park"),
            Self::AlreadyParked => words.write_str("This call is parked already"),
            Self::Moving => words.write_str("This call is just being moved"),
            Self::Draining => words.write_str("Park is not available"),
            Self::Empty(orbit, _) => write!(words, "Nothing is parked on {orbit}"),
            Self::NothingParked => words.write_str("No parked calls"),
            Self::JustRetrieved(orbit) => write!(words, "Orbit {orbit} was just retrieved"),
            Self::Stale(orbit) => write!(words, "Stale: another call is parked on {orbit} now"),
            Self::MayNotRetrieve => words.write_str("You may not retrieve here"),
        };
        words
    }

    /// What people hear.
    pub(crate) const fn phrase(self) -> Phrase {
        match self {
            Self::LotFull => Phrase::AllOrbitsTaken,
            Self::Occupied(_) => Phrase::OrbitTaken,
            Self::UnknownOrbit(_) => Phrase::NoSuchNumber,
            Self::MayNotPark | Self::MayNotBeParked | Self::MayNotRetrieve => Phrase::NotAllowed,
            Self::NothingToPark => Phrase::NoCallToPark,
            Self::AlreadyParked | Self::Moving => Phrase::NotParked,
            Self::Draining => Phrase::ParkNotAvailable,
            Self::Empty(_, _) | Self::JustRetrieved(_) | Self::Stale(_) => Phrase::NothingParkedThere,
            Self::NothingParked => Phrase::NoParkedCalls,
        }
    }

    /// How a refused park is counted.
    pub(crate) const fn of_park(self) -> ParkRefusal {
        match self {
            Self::LotFull => ParkRefusal::Full,
            Self::Occupied(_) => ParkRefusal::Occupied,
            Self::UnknownOrbit(_) => ParkRefusal::Unknown,
            Self::MayNotPark | Self::MayNotBeParked | Self::MayNotRetrieve => ParkRefusal::Forbidden,
            Self::Draining => ParkRefusal::Draining,
            Self::NothingToPark | Self::AlreadyParked | Self::Moving | Self::NothingParked => {
                ParkRefusal::NothingToPark
            }
            Self::Empty(_, _) | Self::JustRetrieved(_) | Self::Stale(_) => ParkRefusal::NothingToPark,
        }
    }

    /// How a refused retrieval is counted.
    pub(crate) const fn of_retrieve(self) -> RetrieveResult {
        match self {
            Self::JustRetrieved(_) => RetrieveResult::RaceLost,
            Self::Stale(_) => RetrieveResult::Stale,
            Self::MayNotRetrieve | Self::MayNotPark | Self::MayNotBeParked => RetrieveResult::Forbidden,
            Self::Empty(_, _) | Self::NothingParked | Self::UnknownOrbit(_) | Self::LotFull => RetrieveResult::Empty,
            Self::Occupied(_) | Self::NothingToPark | Self::AlreadyParked | Self::Moving | Self::Draining => {
                RetrieveResult::Empty
            }
        }
    }
}
