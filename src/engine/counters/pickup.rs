//! What is counted of calls that somebody else answers.
use crate::labels;

labels! {
    /// How a ringing call is found.
    pub enum PickupKind {
        /// By the line that it rings.
        Directed = "directed",
        /// It rings a colleague.
        Group = "group",
        /// By its ids, as a lamp shows them.
        Replaces = "replaces",
    }
}

labels! {
    /// What came of it.
    pub enum PickupResult {
        /// It is the party's.
        Ok = "ok",
        /// Nothing rang there.
        Nothing = "nothing",
        /// The party may not.
        Forbidden = "forbidden",
        /// Only the phones that ring can answer it.
        NotAnswerable = "not_answerable",
        /// It is a callback.
        Callback = "callback",
    }
}
