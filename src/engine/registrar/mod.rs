//! The registrar as a user agent server: challenges (RFC 3261 §22, RFC 7616, RFC 8760), and what a REGISTER asks and is told.
//!
//! ```text
//!   request ─► by address? ─no─► credentials? ─no─► 401 with a fresh nonce (stateless)
//!                                     │
//!                                     ├─ right, nonce fresh and its count new ─► proved
//!                                     ├─ right, nonce old or used             ─► 401, stale=true
//!                                     ╰─ wrong, or nobody's                   ─► 403; again and again: now and then a 403
//! ```
//!
//! Knows: credentials, nonces, guessers, the REGISTER method. Never: which lines there are and where they are.
mod challenger;
mod digest;
mod nonce;
mod penalty;
mod recent;
mod register;

pub(crate) use challenger::{Account, Challenger, Denied};
pub(crate) use register::{Listed, Refusal, Register, Wish, forbid, list, not_found, refuse, wanted};
