//! The states of a session, after TAPI: what this party's telephone shows.

/// A session's state. A client follows the states it is told, never the operations it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// A call is shown to the party; it does not ring yet.
    Offering,
    /// It rings.
    Accepted,
    /// The party called somebody; nothing is reached yet.
    Proceeding,
    /// What the party called rings.
    Ringback,
    /// In conversation, or listening to us.
    Connected,
    /// In conversation, but the other party holds.
    Held,
    /// The party holds.
    OnHold,
    /// The other side ended it.
    Disconnected,
}

impl State {
    /// Whether the party's call was answered, and is not over.
    pub const fn is_up(self) -> bool {
        match self {
            Self::Connected | Self::Held | Self::OnHold => true,
            Self::Offering | Self::Accepted | Self::Proceeding | Self::Ringback | Self::Disconnected => false,
        }
    }
}

/// Why a session exists, after TAPI's call reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// An ordinary call.
    Direct,
    /// It rings the party about a call left parked.
    Reminder,
    /// It rings the party because whom it was for has all calls forwarded.
    ForwardAll,
    /// Because it was forwarded from a busy line.
    ForwardBusy,
    /// Because it was forwarded when nobody answered, or nobody could be reached.
    ForwardNoAnswer,
    /// Because a phone sent it on.
    Redirect,
    /// The call was transferred to the party.
    Transfer,
    /// The party fetched a parked call.
    Unpark,
    /// The party asked for a callback, or is who was asked for.
    CallCompletion,
    /// A feature of the server itself was called.
    Feature,
}
