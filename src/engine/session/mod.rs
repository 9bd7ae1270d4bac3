//! Sessions: calls as people and applications see them, after TAPI's model.
mod news;
mod party;
pub use news::News;
pub use party::{Device, Party, Place};
