//! What is counted of transfers.
use crate::labels;

labels! {
    /// How a call is transferred.
    pub enum TransferKind {
        /// To a number.
        Blind = "blind",
        /// Into the transferor's other call.
        Attended = "attended",
        /// Into a call that rings still.
        Semi = "semi",
    }
}

labels! {
    /// What became of a transfer.
    pub enum TransferResult {
        /// The two talk.
        Ok = "ok",
        /// Not even tried: not allowed, or nothing to transfer.
        Refused = "refused",
        /// The target was busy.
        Busy = "busy",
        /// Nobody answered.
        NoAnswer = "no_answer",
        /// The target declined.
        Rejected = "rejected",
        /// The target could not be reached.
        Unreachable = "unreachable",
        /// The transferee hung up first.
        Cancelled = "cancelled",
        /// Anything else.
        Failed = "failed",
    }
}
