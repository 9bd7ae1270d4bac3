//! News: the one outlet of facts. Events, records and histograms read the same news.
use crate::counters::{
    CallDirection, CallEnd, CompletionEnd, CompletionKind, CompletionRecall, CompletionVia, Package, ParkEnd,
    ReminderResult, ReminderRung,
};
use crate::wire::Method;
use std::time::Duration;

/// Something that happened, told in the trade's words. Lots, orbits, lines and trunks are named by their places in the settings.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A call got its first sign of life from the called side (18x or 2xx).
    CallProgressed {
        /// Its class.
        direction: CallDirection,
        /// The trunk it went through.
        trunk: Option<usize>,
        /// INVITE to first 18x or 2xx.
        setup: Duration,
    },
    /// A request of ours, INVITE excepted, got its final response.
    RequestAnswered {
        /// Which.
        method: Method,
        /// From when it was first sent.
        took: Duration,
    },
    /// A watcher is told what it watches.
    Notified {
        /// Of which package.
        package: Package,
        /// From when it changed.
        after: Duration,
    },
    /// A registered phone answered when it was asked whether it is there.
    PhoneAnswered {
        /// The round trip.
        took: Duration,
    },
    /// A call was answered.
    CallAnswered {
        /// Its class.
        direction: CallDirection,
        /// First 18x to answer.
        ring: Duration,
    },
    /// A call ended.
    CallEnded {
        /// Its class.
        direction: CallDirection,
        /// The trunk it went through.
        trunk: Option<usize>,
        /// Why.
        cause: CallEnd,
        /// How long it was answered, if it was.
        talked: Option<Duration>,
    },
    /// Two talked whose media went through us, and nothing came from either.
    NothingHeard {
        /// The call's class.
        direction: CallDirection,
        /// The trunk it went through.
        trunk: Option<usize>,
    },
    /// Two talk whose media goes through us, and nothing comes from one of them, though the other sends.
    HeardOneWay {
        /// The call's class.
        direction: CallDirection,
        /// The trunk it goes through.
        trunk: Option<usize>,
    },
    /// A hold ended.
    HoldEnded {
        /// How long it lasted.
        held: Duration,
    },
    /// A call is parked.
    Parked {
        /// The lot.
        lot: usize,
        /// The orbit, as dialled.
        orbit: String,
        /// This stay's id.
        park_id: u128,
        /// The orbit's count of stays.
        generation: u64,
        /// Who is parked.
        party: String,
        /// Who parked.
        parker: String,
    },
    /// A reminder began to ring.
    ReminderStarted {
        /// The lot.
        lot: usize,
        /// The orbit.
        orbit: String,
        /// This stay's id.
        park_id: u128,
        /// Whom.
        target: ReminderRung,
    },
    /// A reminder stopped ringing.
    ReminderEnded {
        /// The lot.
        lot: usize,
        /// The orbit.
        orbit: String,
        /// This stay's id.
        park_id: u128,
        /// Whom it rang.
        target: ReminderRung,
        /// What became of it.
        result: ReminderResult,
    },
    /// A retriever left before it was connected: the call is parked as before.
    ParkReturned {
        /// The lot.
        lot: usize,
        /// The orbit.
        orbit: String,
        /// This stay's id.
        park_id: u128,
    },
    /// A retrieval connected.
    RetrieveConnected {
        /// Claim to media.
        after: Duration,
    },
    /// Somebody asked to be called back, or waits on the line.
    CompletionRequested {
        /// This request's id.
        id: u128,
        /// The line that asked; empty for somebody outside.
        by: String,
        /// Whom for.
        target: String,
        /// Why the call failed.
        kind: CompletionKind,
        /// How it was asked.
        via: CompletionVia,
    },
    /// An attempt to connect the two came to its end.
    CompletionRecalled {
        /// The request's id.
        id: u128,
        /// Why the call had failed.
        kind: CompletionKind,
        /// What became of it.
        result: CompletionRecall,
    },
    /// A request is over.
    CompletionEnded {
        /// Its id.
        id: u128,
        /// Why the call had failed.
        kind: CompletionKind,
        /// How.
        result: CompletionEnd,
        /// Since it was asked.
        waited: Duration,
        /// How often who asked was rung in vain.
        attempts: u8,
    },
    /// A stay in an orbit ended.
    ParkEnded {
        /// The lot.
        lot: usize,
        /// The orbit.
        orbit: String,
        /// This stay's id.
        park_id: u128,
        /// How.
        result: ParkEnd,
        /// How long it was.
        stayed: Duration,
    },
}
