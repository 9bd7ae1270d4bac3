//! What is counted of subscriptions.
use crate::labels;

labels! {
    /// An event package (RFC 6665 §4.4.1).
    pub enum Package {
        /// The calls of a line, an orbit or a lot (RFC 4235).
        Dialog = "dialog",
        /// Messages that wait for a line (RFC 3842).
        MessageSummary = "message_summary",
        /// Whether a line can be reached (RFC 3856).
        Presence = "presence",
        /// A request to be told when a line can be called again (RFC 6910).
        CallCompletion = "call_completion",
    }
}

labels! {
    /// What became of a NOTIFY.
    pub enum NotifyResult {
        /// The watcher has it.
        Ok = "ok",
        /// The watcher refused this one, and is told the next.
        Refused = "refused",
        /// The watcher knows nothing of it: the subscription is over.
        Ended = "ended",
        /// The watcher did not answer, and is told the next.
        Timeout = "timeout",
    }
}
