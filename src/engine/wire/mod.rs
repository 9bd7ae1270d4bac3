//! Bytes to messages and back.
//!
//! A received datagram becomes a [`Message`]: an index of its header fields, laid over the bytes it came in.
//! What a field means is parsed when somebody asks ([`Via`], [`NameAddr`], [`Uri`], [`CSeq`]); what was asked for
//! wrongly is a [`Malformed`]. Messages of our own are written by [`Compose`] straight into the outbox.
//!
//! Knows: the syntax of SIP, RFC 3261 §§7, 20, 25, and of SDP. Never: transactions, dialogs, sockets, the clock.

pub mod compose;
pub mod dtmf;
pub mod header;
pub mod malformed;
pub mod media;
pub mod message;
pub mod method;
pub mod name;
pub mod sdp;
pub mod status;
pub mod stream;
pub mod text;
pub mod uri;

mod check;
mod echo;
mod scan;

#[cfg(test)]
mod tests;

pub use compose::{Compose, bare};
pub(crate) use compose::{address_text, decimal_text};
pub use echo::{echo, echo_record_route};
pub use header::{CSeq, Contacts, Credentials, NameAddr, Params, Reason, Replaces, SubscriptionState, Via, params};
pub use malformed::Malformed;
pub use message::{Field, Message, Start};
pub use method::Method;
pub use name::Name;
pub use status::Status;
pub use stream::{Chunk, Framing, next_chunk};
pub use uri::{Scheme, Uri};
