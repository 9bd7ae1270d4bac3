//! Sessions: calls as people and applications see them.
mod news;
pub use news::News;
