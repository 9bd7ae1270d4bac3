//! Bytes to messages and back.
pub mod media;
pub use crate::engine_stub::{Malformed, Method, Status};
