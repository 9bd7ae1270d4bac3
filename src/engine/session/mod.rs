//! Sessions: calls as people and applications see them, after TAPI's model.
//!
//! A session is one party's view of a call; two that talk are bridged. Features order the [`Switch`] about; the
//! exchange carries it out with legs.
//!
//! Knows: legs, lines, who is connected with whom. Never: SIP, SDP, why a feature wants what it wants.
mod bridge;
mod exchange;
mod hold;
mod join;
mod keys;
mod news;
mod orders;
mod own;
mod party;
#[cfg(any(test, feature = "simulator"))]
pub(crate) mod peek;
mod ports;
mod relay;
mod sessions;
mod speech;
mod state;
pub mod switch;

pub use crate::leg::{Cause, Diversion, DiversionReason, Identity, Recalled};
pub use crate::line::{Device, Phone, Station};
pub use crate::wire::media::{Announcement, Phrase, Sound};
pub(crate) use exchange::Exchange;
pub use exchange::{Session, SessionId};
pub use news::News;
pub use party::{Party, Place};
pub use state::{Reason, State};
pub use switch::{Delivery, Duty, Recall, Ring, SessionEvent, Switch, Wake, Whom};
