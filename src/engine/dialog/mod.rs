//! Dialogs: RFC 3261 §12, the offers and answers inside them (RFC 3264), and the subscription that a REFER makes.
//!
//! Machines without a place of their own: each lives in the leg whose dialog it is.
//!
//! Knows: messages, tags, transactions. Never: calls, parties.
pub(crate) mod invite;
pub(crate) mod offer_answer;
mod route_set;
pub(crate) mod subscription;

pub(crate) use invite::{Dialog, Names, Parties, write_contact};
pub(crate) use offer_answer::Descriptions;
pub(crate) use subscription::{ALLOW_EVENTS, ReferSubscription};
