//! What the engine counts, and the snapshot of its state that gauges are read from.
//!
//! Counters only rise. Gauges are never counted up and down: the owner of the state fills a [`Gauges`] when asked.
mod completion;
mod forward;
mod handoff;
mod park;
mod pickup;
mod transfer;
mod watch;

pub use completion::{
    CompletionAsked, CompletionCounters, CompletionEnd, CompletionKind, CompletionRecall, CompletionState,
    CompletionVia,
};
pub use forward::{ForwardResult, RedirectKind, RedirectResult};
pub use handoff::{HandoffKind, HandoffResult};
pub use park::{
    LotGauges, OrbitState, ParkCounters, ParkEnd, ParkRefusal, ParkWay, ReminderResult, ReminderRung, RetrieveResult,
};
pub use pickup::{PickupKind, PickupResult};
pub use transfer::{TransferKind, TransferResult};
pub use watch::{NotifyResult, Package};

use crate::base::Table;
use crate::labels;
use crate::settings::{Algorithm, Codec, ForwardKind, Transport};
use crate::wire::{Malformed, Method, Status};

/// One for each transport, in the order of [`Transport::ALL`].
pub type ByTransport<T> = [T; Transport::ALL.len()];

labels! {
    /// Which way a message goes.
    pub enum Direction {
        /// To us.
        In = "in",
        /// From us.
        Out = "out",
    }
}

labels! {
    /// The two kinds of message.
    pub enum Kind {
        /// A request.
        Request = "request",
        /// A response.
        Response = "response",
    }
}

labels! {
    /// Which deadline of RFC 3261 §17 ended a transaction without an answer.
    pub enum TransactionTimer {
        /// INVITE client.
        B = "B",
        /// Non-INVITE client.
        F = "F",
        /// INVITE server: no ACK for a final response.
        H = "H",
    }
}

labels! {
    /// How a REGISTER was answered.
    pub enum RegisterResult {
        /// 200.
        Ok = "ok",
        /// 401 with a fresh nonce.
        Challenge = "challenge",
        /// 403: wrong password or unknown user; nobody can tell which.
        Forbidden = "forbidden",
        /// 404: not our domain.
        NotFound = "not_found",
        /// 423.
        TooBrief = "too_brief",
        /// More contacts than allowed.
        Limit = "limit",
        /// 400, 500 and the like.
        Refused = "refused",
    }
}

labels! {
    /// Why a contact went.
    pub enum RegistrationEnd {
        /// It was not refreshed in time.
        Timeout = "timeout",
        /// The phone took it back.
        Unregister = "unregister",
        /// A newer contact took its place.
        Evicted = "evicted",
        /// Its connection was lost.
        TransportLost = "transport_lost",
    }
}

labels! {
    /// How credentials were judged.
    pub enum AuthResult {
        /// Right.
        Ok = "ok",
        /// None were given.
        Missing = "missing",
        /// Wrong password or unknown user.
        Wrong = "wrong",
        /// The nonce was too old or not ours.
        Stale = "stale",
        /// The nonce count did not rise.
        Replayed = "replayed",
        /// Not understandable, or an algorithm not offered.
        Malformed = "malformed",
        /// Wrong again within the penalty: not even answered.
        Penalty = "penalty",
    }
}

labels! {
    /// Why new work was refused.
    pub enum Shed {
        /// Too many legs.
        Legs = "legs",
        /// Too many transactions.
        Transactions = "transactions",
        /// Too many timers.
        Timers = "timers",
        /// No RTP port left.
        Ports = "ports",
        /// The server is going down.
        Draining = "draining",
        /// The loop's queue was full.
        Queue = "queue",
        /// There were more new calls than time for them.
        Overload = "overload",
        /// Too many subscriptions: of one line, or in all.
        Subscriptions = "subscriptions",
    }
}

labels! {
    /// What was longer, or more, than is taken or remembered.
    pub enum Excess {
        /// The texts of a contact to be registered.
        Contact = "contact",
        /// A number that was dialled.
        Number = "number",
        /// The routes of a dialog.
        Routes = "routes",
        /// Phones that answered one INVITE with a dialog each.
        Forks = "forks",
        /// Keys pressed faster than the other party takes them.
        Keys = "keys",
        /// Phones that moved: the oldest are not followed any more.
        Moves = "moves",
        /// Peers that take no streams: they are asked again.
        RefusingPeers = "refusing_peers",
        /// Used nonces: the oldest are stale before their time.
        Nonces = "nonces",
        /// Who guessed passwords: the oldest begin anew.
        FailedAuthentications = "failed_authentications",
    }
}

labels! {
    /// How calls are classed: by where they come from and go to.
    pub enum CallDirection {
        /// Between lines.
        Internal = "internal",
        /// From a trunk.
        Inbound = "inbound",
        /// To a trunk.
        Outbound = "outbound",
    }
}

labels! {
    /// Why a call ended.
    pub enum CallEnd {
        /// Answered, and hung up.
        Normal = "normal",
        /// Busy.
        Busy = "busy",
        /// Nobody answered.
        NoAnswer = "no_answer",
        /// Refused by the called party or by a rule.
        Rejected = "rejected",
        /// Nobody there: no contact, no such number.
        Unreachable = "unreachable",
        /// The caller gave up.
        Cancelled = "cancelled",
        /// Something failed.
        Failure = "failure",
        /// No media arrived.
        MediaTimeout = "media_timeout",
        /// Ended by the operator, or by the server for a reason of its own.
        Forced = "forced",
    }
}

labels! {
    /// What became of a dialled code.
    pub enum CodeResult {
        /// Done.
        Ok = "ok",
        /// Refused.
        Refused = "refused",
        /// Known by name, not built.
        NotBuilt = "not_built",
    }
}

labels! {
    /// What is done with a party's media.
    pub enum RtpKind {
        /// It is passed on.
        Relay = "relay",
        /// The party hears the server itself.
        Music = "music",
    }
}

/// Calls by what they went through: a trunk, or (the last of the list) none.
#[derive(Clone, Debug, Default)]
pub struct CallCounters {
    /// Calls begun.
    pub attempts: Table<CallDirection>,
    /// Calls answered.
    pub answered: Table<CallDirection>,
    /// Calls ended.
    pub ended: Table<CallDirection, CallEnd>,
}

/// Everything counted since the start.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Messages, by transport.
    pub messages: ByTransport<Table<Direction, Kind>>,
    /// Requests.
    pub requests: Table<Method, Direction>,
    /// Responses received, by the method they answer and their status.
    pub responses_in: Table<Method, Status>,
    /// Responses sent.
    pub responses_out: Table<Method, Status>,
    /// Datagrams and messages that were not understood.
    pub parse_errors: ByTransport<Table<Malformed>>,
    /// Transactions that nobody answered.
    pub timeouts: Table<Method, TransactionTimer>,
    /// Retransmissions received and sent.
    pub retransmits: Table<Method, Direction>,
    /// REGISTER requests, by outcome.
    pub register: Table<RegisterResult>,
    /// Contacts gone.
    pub registrations_ended: Table<RegistrationEnd>,
    /// Credentials judged, with REGISTER.
    pub auth_register: Table<Algorithm, AuthResult>,
    /// Credentials judged, with any other method.
    pub auth_call: Table<Algorithm, AuthResult>,
    /// Requests not answered, or answered late, for their sender's own behaviour.
    pub rate_limited: Table<Method>,
    /// Sources and users that are not listened to any more, for wrong passwords.
    pub bans: u64,
    /// New work refused.
    pub shed: Table<Shed>,
    /// What was refused, left out or forgotten, because it was longer or more than is taken.
    pub excess: Table<Excess>,
    /// Calls by trunk; the last entry is for calls without one.
    pub calls: Vec<CallCounters>,
    /// Transfers, by how they came about.
    pub transfers: Table<TransferKind, TransferResult>,
    /// Calls picked up, by how they were found.
    pub pickups: Table<PickupKind, PickupResult>,
    /// Calls that lines sent on.
    pub forwards: Table<ForwardKind, ForwardResult>,
    /// Calls that people moved between telephones.
    pub handoffs: Table<HandoffKind, HandoffResult>,
    /// Calls that phones sent on.
    pub redirects: Table<RedirectKind, RedirectResult>,
    /// Calls that came back to a transferor who had hung up, by how they ended.
    pub recalls: Table<ParkEnd>,
    /// Park by lot.
    pub park: Vec<ParkCounters>,
    /// Call completion.
    pub completion: CompletionCounters,
    /// Codes dialled, by their place in the settings' list.
    pub codes: Vec<Table<CodeResult>>,
    /// Events told to watchers.
    pub notifies: Table<Package, NotifyResult>,
    /// Keys pressed in calls, by how they were told.
    pub keys: Table<KeyMethod>,
    /// Inputs whose handling panicked; each ended one call at most.
    pub panics: u64,
}

labels! {
    /// How a key in a call was told.
    pub enum KeyMethod {
        /// As an event in the media (RFC 4733).
        Rfc4733 = "rfc4733",
        /// By INFO.
        Info = "info",
        /// As its sound.
        Inband = "inband",
    }
}

labels! {
    /// The two sides of a transaction.
    pub enum Side {
        /// We asked.
        Client = "client",
        /// We answer.
        Server = "server",
    }
}

labels! {
    /// The two kinds of transaction.
    pub enum TransactionKind {
        /// INVITE.
        Invite = "invite",
        /// Everything else.
        NonInvite = "non_invite",
    }
}

labels! {
    /// What a call is doing now.
    pub enum CallState {
        /// On its way.
        Setup = "setup",
        /// Ringing.
        Ringing = "ringing",
        /// Talking.
        Answered = "answered",
        /// One side holds.
        Held = "held",
        /// In an orbit.
        Parked = "parked",
    }
}

labels! {
    /// Which way a leg was set up.
    pub enum LegDirection {
        /// They called us.
        In = "in",
        /// We called them.
        Out = "out",
    }
}

/// The engine's state, now.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// Transactions that are not finished, tombstones not included.
    pub transactions: Table<TransactionKind, Side>,
    /// Tombstones: finished transactions that still answer retransmissions.
    pub tombstones: u64,
    /// Timers armed.
    pub timers: u64,
    /// Contacts registered.
    pub registrations: ByTransport<u64>,
    /// Lines with a contact at least.
    pub registered_users: u64,
    /// Calls by state.
    pub calls: Table<CallState>,
    /// Legs.
    pub legs: Table<LegDirection>,
    /// Park by lot.
    pub lots: Vec<LotGauges>,
    /// Requests for callbacks, by what they are doing.
    pub completions: Table<CompletionKind, CompletionState>,
    /// Sources and users that are being answered late for wrong passwords.
    pub penalties: u64,
    /// Parties whose media comes to the server, by what is done with it.
    pub rtp_sessions: Table<RtpKind>,
    /// Those who hear the server itself, by what they hear it in.
    pub codecs: Table<Codec>,
    /// RTP ports in use.
    pub rtp_ports: u64,
    /// RTP ports in all.
    pub rtp_ports_max: u64,
    /// Subscriptions.
    pub subscriptions: Table<Package>,
    /// Whether new work is refused.
    pub draining: bool,
}

/// Counters and gauges of one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Counted since the start.
    pub counters: Counters,
    /// True now.
    pub gauges: Gauges,
}
