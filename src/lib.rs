//! Switchyard: a SIP B2BUA and PBX feature server.
#![forbid(unsafe_code)]

pub mod config;
pub mod media;
pub mod net;
pub mod report;
