//! HTTP: metrics and health.
//!
//! Knows: reports of the loop, news, HTTP. Never: sockets of calls, the engine itself.
mod metrics;
mod server;

pub use metrics::{Histograms, MediaSeries, Metrics, Names, Reloads};
pub use server::{AskReport, serve, tick};
