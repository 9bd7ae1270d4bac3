//! What is counted of calls that are sent on before anybody answers.
use crate::labels;

labels! {
    /// What became of a call that was to be forwarded.
    pub enum ForwardResult {
        /// It went on.
        Ok = "ok",
        /// It went in circles, or too far.
        Loop = "loop",
        /// It may not go there, or nobody is there.
        Refused = "refused",
    }
}

labels! {
    /// When a phone sent its call on.
    pub enum RedirectKind {
        /// At once.
        Immediate = "immediate",
        /// After it rang.
        Ringing = "ringing",
    }
}

labels! {
    /// What came of that.
    pub enum RedirectResult {
        /// The call went there.
        Followed = "followed",
        /// The caller was told.
        Passed = "passed",
        /// The phone has declined.
        Blocked = "blocked",
    }
}
