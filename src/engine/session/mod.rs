//! Sessions: calls as people and applications see them, after TAPI's model.
mod news;
mod party;
pub use crate::line::Device;
pub use news::News;
pub use party::{Party, Place};
