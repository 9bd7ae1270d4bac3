//! What is counted of parked calls, and how orbits stand.
use crate::base::Table;
use crate::labels;

labels! {
    /// The ways a call gets into an orbit.
    pub enum ParkWay {
        /// Blind transfer (REFER).
        ReferBlind = "refer_blind",
        /// Attended transfer.
        ReferAttended = "refer_attended",
        /// A code dialled while holding.
        Code = "code",
        /// Digits during the call.
        Dtmf = "dtmf",
        /// The API.
        Api = "api",
        /// A routing rule.
        Route = "route",
    }
}

labels! {
    /// Why a park was refused; the parker's call stayed as it was.
    pub enum ParkRefusal {
        /// No free orbit.
        Full = "full",
        /// That orbit is taken.
        Occupied = "occupied",
        /// The parker may not, or this party may not be parked.
        Forbidden = "forbidden",
        /// No such orbit or lot.
        Unknown = "unknown",
        /// No held call to park.
        NothingToPark = "nothing_to_park",
        /// The server is going down.
        Draining = "draining",
        /// The parked party's media could not be moved.
        Media = "media",
    }
}

labels! {
    /// How a stay in an orbit ended.
    pub enum ParkEnd {
        /// Somebody fetched it.
        Retrieved = "retrieved",
        /// The parker answered the reminder.
        Reclaimed = "reclaimed",
        /// The parked party hung up.
        Abandoned = "abandoned",
        /// The fallback took it.
        Fallback = "fallback",
        /// Ended by the operator or by `announce_drop`.
        Dropped = "dropped",
        /// Lost in a restart.
        RestartLost = "restart_lost",
    }
}

labels! {
    /// Whom a reminder rang.
    pub enum ReminderRung {
        /// The parker's phone.
        Device = "device",
        /// The parker's line.
        User = "user",
        /// The alternate.
        Alternate = "alternate",
        /// Where the parked party wanted to go by its key.
        Exit = "exit",
        /// The fallback.
        Fallback = "fallback",
    }
}

labels! {
    /// What became of one reminder.
    pub enum ReminderResult {
        /// Answered.
        Answered = "answered",
        /// Nobody answered.
        NoAnswer = "no_answer",
        /// Busy.
        Busy = "busy",
        /// Declined.
        Declined = "declined",
        /// Nobody there.
        Unregistered = "unregistered",
        /// The call was fetched, or gone, meanwhile.
        Superseded = "superseded",
        /// Something failed.
        Failed = "failed",
    }
}

labels! {
    /// What became of one attempt to fetch a parked call.
    pub enum RetrieveResult {
        /// Connected.
        Ok = "ok",
        /// Nothing parked there.
        Empty = "empty",
        /// Somebody was quicker.
        RaceLost = "race_lost",
        /// Not allowed.
        Forbidden = "forbidden",
        /// Another call than the one meant is parked there now.
        Stale = "stale",
        /// The retriever left, or media failed: the call is parked again.
        Cancelled = "cancelled",
    }
}

/// Park, one lot.
#[derive(Clone, Debug, Default)]
pub struct ParkCounters {
    /// Calls parked.
    pub parked: Table<ParkWay>,
    /// Parks refused.
    pub rejected: Table<ParkRefusal>,
    /// Stays ended.
    pub ended: Table<ParkEnd>,
    /// Reminders.
    pub reminders: Table<ReminderRung, ReminderResult>,
    /// Attempts to fetch.
    pub retrieves: Table<RetrieveResult>,
}

labels! {
    /// What an orbit is doing now.
    pub enum OrbitState {
        /// Free.
        Free = "free",
        /// Chosen for a call that is on its way in.
        Reserved = "reserved",
        /// Taken.
        Occupied = "occupied",
        /// Just emptied; not assigned by the system.
        Cooldown = "cooldown",
        /// Taken out of the configuration; gone when empty.
        Retiring = "retiring",
    }
}

/// One lot, now.
#[derive(Clone, Debug, Default)]
pub struct LotGauges {
    /// Calls parked, and not being reminded of.
    pub parked: u64,
    /// Calls whose reminder rings.
    pub reminding: u64,
    /// Orbits by state.
    pub orbits: Table<OrbitState>,
    /// Seconds since the longest parked call was parked; zero when there is none.
    pub oldest_seconds: f64,
}
