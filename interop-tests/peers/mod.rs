//! What stories are told with, besides phones: the server, SIPp, and the ground they stand on.
mod ground;
mod metrics;
mod network;
mod process;
mod sipp;
mod switchyard;

pub(crate) use ground::Ground;
pub(crate) use network::in_a_network_of_its_own;
pub(crate) use process::{PATIENCE, Process, eventually, within};
pub(crate) use sipp::{Playing, SippPhone, side_by_side};
pub(crate) use switchyard::{DOMAIN, Pbx, Settings, password};
