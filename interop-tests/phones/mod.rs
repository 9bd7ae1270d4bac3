//! Softphones that people have on their desks, each a registered phone of a line.
mod baresip;
mod linphone;

pub(crate) use baresip::{Baresip, LOUDNESS};
pub(crate) use linphone::Linphone;
