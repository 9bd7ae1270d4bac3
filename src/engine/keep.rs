//! What must outlive the process.
//!
//! ```text
//!   engine ── Output::kept ──► the store, on floor 8 ── Input::Restored, at the next start ──► engine
//! ```
//! A record says all that is kept under its key, and takes the place of the one before. Lines are named by number, since their
//! places in the settings change from one configuration to the next.
use crate::settings::ForwardKind;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// A record that is to be kept from now on; or what was kept under its key is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What it is kept under.
    pub key: Key,
    /// Nothing: it is forgotten.
    pub record: Option<Record>,
}

/// What a record is kept under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A line, by number.
    Line(String),
    /// A request for a callback, by its id.
    Completion(u128),
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// What people have set at a line.
    Line(LineRecord),
    /// Somebody is to be called back.
    Completion(CompletionRecord),
}

/// A record as it comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What was kept.
    pub record: Record,
    /// How long ago: deadlines have come nearer by that.
    pub age: Duration,
}

/// What people have set at a line by dialling codes. What is absent is as the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LineRecord {
    /// Which line.
    pub number: String,
    /// Where all its calls go; empty: to the line itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_all: Option<String>,
    /// The same of those that find it busy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_busy: Option<String>,
    /// Of those that it does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_no_answer: Option<String>,
    /// Of those that find none of its phones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_unregistered: Option<String>,
    /// Whether it is not to be disturbed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub do_not_disturb: Option<bool>,
}

/// Somebody is to be called back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionRecord {
    /// The request's id: 32 hexadecimal digits.
    pub id: String,
    /// The line that asked, by number.
    pub by: String,
    /// The address of the telephone it asked from.
    pub phone: SocketAddr,
    /// Whom for, by number.
    pub target: String,
    /// Why the call failed: the label of the metrics.
    pub kind: String,
    /// Of two for one line the lower was there first.
    pub order: u64,
    /// For how many seconds it has waited when this was written, and may wait still.
    pub waited: u64,
    /// The same.
    pub left: u64,
    /// How often who asked was rung in vain.
    pub attempts: u8,
    /// The line must be used before it is called.
    pub unused: bool,
    /// It is not to see who calls.
    #[serde(default)]
    pub hidden: bool,
}

impl LineRecord {
    /// Where its calls go in this case.
    pub fn forward(&self, kind: ForwardKind) -> Option<&str> {
        match kind {
            ForwardKind::All => self.forward_all.as_deref(),
            ForwardKind::Busy => self.forward_busy.as_deref(),
            ForwardKind::NoAnswer => self.forward_no_answer.as_deref(),
            ForwardKind::Unregistered => self.forward_unregistered.as_deref(),
        }
    }

    /// The same, to be changed.
    pub const fn forward_mut(&mut self, kind: ForwardKind) -> &mut Option<String> {
        match kind {
            ForwardKind::All => &mut self.forward_all,
            ForwardKind::Busy => &mut self.forward_busy,
            ForwardKind::NoAnswer => &mut self.forward_no_answer,
            ForwardKind::Unregistered => &mut self.forward_unregistered,
        }
    }
}
