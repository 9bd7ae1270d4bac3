//! Every queue and table has a limit, and here they all are. Over one: a defined refusal and a counter.

/// The largest message taken from a datagram, in bytes; over it 513 (RFC 3261 §21.5.14).
pub const MESSAGE_BYTES: usize = 64_000;
/// A request larger than this goes by a stream where there is one (RFC 3261 §18.1.1).
pub const DATAGRAM_REQUEST_BYTES: usize = 1_300;
/// Peers remembered that take no streams.
pub const REFUSING_PEERS: usize = 10_000;
/// Connections, and addresses of a NAT, remembered that a phone has left for another; the oldest is forgotten first.
pub const MOVES: usize = 65_536;
/// Legs alive at once; over it 503 with Retry-After.
pub const LEGS: usize = 4_000_000;
/// Transactions and their tombstones alive at once; over it 503 with Retry-After. Our BYE and PRACK are never shed.
pub const TRANSACTIONS: usize = 8_000_000;
/// Timers armed at once; over it no new transaction: 503 with Retry-After.
pub const TIMERS: usize = 16_000_000;
/// Contacts that a call to one line rings at once.
pub const FORKS: usize = 16;
/// A number or user part, in bytes.
pub const NUMBER_BYTES: usize = 64;
/// A display name kept, in bytes; longer ones are cut at a character.
pub const NAME_BYTES: usize = 64;
/// A registered Contact's URI and parameters, in bytes; over it 400.
pub const CONTACT_BYTES: usize = 1_024;
/// Route header field values that a dialog keeps; more make the dialog-forming request be refused.
pub const ROUTES: usize = 32;
/// Sources and users whose failed authentications are remembered; the oldest is forgotten first.
pub const FAILED_AUTHENTICATIONS: usize = 100_000;
/// Used nonces remembered for their counts; the oldest is forgotten first.
pub const NONCES: usize = 1_000_000;
/// Dialogs that ended a moment ago and are still known as such; the oldest is forgotten first.
pub const ENDED_DIALOGS: usize = 1_024;
/// Seconds told in Retry-After when the server sheds work.
pub const RETRY_AFTER_SECONDS: u32 = 5;
/// Connections in all.
pub const CONNECTIONS: usize = 65_536;
/// Connections from one source.
pub const CONNECTIONS_OF_ONE_SOURCE: usize = 4_096;
/// Connections on which no whole message has come; over it the oldest of them is closed.
pub const HALF_OPEN_CONNECTIONS: usize = 1_024;
/// Bytes that wait for the peer of one connection; over it the connection is closed.
pub const CONNECTION_QUEUE_BYTES: usize = 262_144;
/// Commands and arrivals waiting for the loop from other threads.
pub const LOOP_QUEUE: usize = 4_096;
/// Lines in all, those of ranges included.
pub const LINES: usize = 16_000_000;
/// Orbits of one lot.
pub const ORBITS: usize = 10_000;

/// The limits of what an engine has alive at once, as it goes by them: a test lowers what it could not reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) legs: usize,
    pub(crate) transactions: usize,
    pub(crate) timers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { legs: LEGS, transactions: TRANSACTIONS, timers: TIMERS }
    }
}
