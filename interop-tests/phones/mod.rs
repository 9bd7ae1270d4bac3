//! Softphones that people have on their desks, each a registered phone of a line.
mod baresip;


pub(crate) use baresip::Baresip;
