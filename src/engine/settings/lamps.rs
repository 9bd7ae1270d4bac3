//! What watchers are told, and for how long.
use std::time::Duration;

/// Subscriptions, and what they show.
#[derive(Clone, Debug)]
pub struct LampSettings {
    /// Below this 423 (RFC 6665 §4.2.1.1), but never for an hour or more.
    pub min_expires: Duration,
    /// Longer ones are shortened to this.
    pub max_expires: Duration,
    /// A line's calls are shown to its colleagues alone.
    pub colleagues_only: bool,
    /// What a watcher is shown of whom a call is with.
    pub privacy: Privacy,
    /// The same for watchers of a group; who is in several is shown the most.
    pub privacy_of: Vec<(String, Privacy)>,
}

/// What is shown of the other party of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Privacy {
    /// Nothing.
    None,
    /// Its name.
    Name,
    /// Its name and number.
    Full,
}

impl Default for LampSettings {
    fn default() -> Self {
        Self {
            min_expires: Duration::from_secs(60),
            max_expires: Duration::from_secs(3600),
            colleagues_only: false,
            privacy: Privacy::Full,
            privacy_of: Vec::new(),
        }
    }
}
