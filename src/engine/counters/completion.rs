//! What is counted of call completion.
use crate::base::Table;
use crate::labels;

labels! {
    /// Why a call that is to be completed failed.
    pub enum CompletionKind {
        /// The line was busy.
        Busy = "busy",
        /// Nobody answered.
        NoReply = "no_reply",
        /// No phone was registered.
        NotRegistered = "not_registered",
    }
}

labels! {
    /// How a callback was asked for.
    pub enum CompletionVia {
        /// By a key, while the caller was told why its call failed.
        Digit = "digit",
        /// By a code.
        Code = "code",
        /// By a key of the phone's, with a lamp.
        Key = "key",
        /// By an application.
        Api = "api",
        /// By another exchange (RFC 6910).
        Rfc6910 = "rfc6910",
    }
}

labels! {
    /// What came of asking.
    pub enum CompletionAsked {
        /// The request is in the queue.
        Accepted = "accepted",
        /// There are too many.
        Limit = "limit",
        /// Not by that party, or not for that number.
        NotAllowed = "not_allowed",
        /// It was in the queue already.
        Duplicate = "duplicate",
    }
}

labels! {
    /// What a request is doing now.
    pub enum CompletionState {
        /// It waits for the line that is to be called.
        Queued = "queued",
        /// That line is free, but perhaps only for a moment.
        Ready = "ready",
        /// It waits for who asked.
        Suspended = "suspended",
        /// Who asked is rung.
        Recalling = "recalling",
        /// The line is rung.
        Connecting = "connecting",
    }
}

labels! {
    /// What became of one attempt to complete a call.
    pub enum CompletionRecall {
        /// The two talk.
        Connected = "connected",
        /// Who asked did not answer.
        CallerNoAnswer = "caller_no_answer",
        /// Who asked is on the telephone.
        CallerBusy = "caller_busy",
        /// The line is busy again.
        TargetBusy = "target_busy",
        /// Nobody answers there.
        TargetNoAnswer = "target_no_answer",
        /// Anything else.
        Failed = "failed",
    }
}

labels! {
    /// How a request ended.
    pub enum CompletionEnd {
        /// The two talk.
        Done = "done",
        /// Its time was up.
        Expired = "expired",
        /// Who asked took it back.
        Cancelled = "cancelled",
        /// The two talk to each other, by another way.
        Superseded = "superseded",
        /// It came to nothing.
        Failed = "failed",
    }
}

/// Call completion since the start.
#[derive(Clone, Debug, Default)]
pub struct CompletionCounters {
    /// Requests, by way.
    pub asked: [Table<CompletionKind, CompletionAsked>; CompletionVia::ALL.len()],
    /// Attempts.
    pub recalls: Table<CompletionKind, CompletionRecall>,
    /// Requests that ended.
    pub ended: Table<CompletionKind, CompletionEnd>,
}

impl CompletionCounters {
    /// Somebody asked.
    pub(crate) fn asked(&mut self, via: CompletionVia, kind: CompletionKind, result: CompletionAsked) {
        self.asked[via as usize].add(kind, result, 1);
    }
}
