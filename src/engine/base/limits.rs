//! Every queue and table has a limit, and here they all are. Over one: a defined refusal and a counter.

/// The largest message taken from a datagram, in bytes; over it 513 (RFC 3261 §21.5.14).
pub const MESSAGE_BYTES: usize = 64_000;
/// Legs alive at once; over it 503 with Retry-After.
pub const LEGS: usize = 4_000_000;
/// Transactions and their tombstones alive at once; over it 503 with Retry-After.
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
