//! Parties: who is at the far end of a session's leg.
use crate::leg::Identity;
use crate::settings::LineNo;

/// Where a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// At a line of ours.
    Line(LineNo),
    /// Behind a trunk, by its place in the settings.
    Trunk(usize),
}

impl Place {
    /// The line, if it is one.
    pub const fn line(self) -> Option<LineNo> {
        match self {
            Self::Line(line) => Some(line),
            Self::Trunk(_) => None,
        }
    }

    /// The trunk, if it is one.
    pub const fn trunk(self) -> Option<usize> {
        match self {
            Self::Line(_) => None,
            Self::Trunk(trunk) => Some(trunk),
        }
    }
}

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// As others see them.
    pub identity: Identity,
    /// Where they are.
    pub place: Place,
}
