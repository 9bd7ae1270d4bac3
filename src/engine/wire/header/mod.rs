//! What the fields mean: each parsed when somebody asks.

mod address;
mod auth;
mod cseq;
mod params;
mod reason;
mod replaces;
mod subscription_state;
mod via;

pub use address::{Contacts, NameAddr};
pub use auth::{Credentials, credentials_scheme};
pub use cseq::{CSeq, RAck};
pub use params::{Params, param, params};
pub use reason::Reason;
pub use replaces::Replaces;
pub use subscription_state::SubscriptionState;
pub use via::Via;
