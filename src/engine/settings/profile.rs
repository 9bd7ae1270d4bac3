//! What a line's owner may choose: where calls go that the line does not take, who may disturb it, who sees its number.
use std::time::Duration;

crate::labels! {
    /// When a line's calls are forwarded.
    pub enum ForwardKind {
        /// Always.
        All = "all",
        /// When the line is busy.
        Busy = "busy",
        /// When nobody answers.
        NoAnswer = "no_answer",
        /// When none of its phones can be reached.
        Unregistered = "unregistered",
    }
}

/// Where calls are forwarded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A number that is dialled for them.
    Number(String),
    /// Nowhere: such a call is not to disturb.
    Nobody,
}

/// Where calls go in one case: whoever is named goes before internal and external, and these before everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForwardRule {
    /// Of everybody.
    pub anybody: Option<Destination>,
    /// From lines.
    pub internal: Option<Destination>,
    /// From trunks.
    pub external: Option<Destination>,
    /// From these numbers.
    pub callers: Vec<(String, Destination)>,
}

impl ForwardRule {
    /// Where a call from this number goes.
    pub fn of(&self, caller: &str, internal: bool) -> Option<&Destination> {
        let own = self.callers.iter().find(|(number, _)| number == caller).map(|(_, to)| to);
        let sort = if internal { &self.internal } else { &self.external };
        own.or(sort.as_ref()).or(self.anybody.as_ref())
    }
}

/// What is chosen for one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileSettings {
    /// Its forwarding, by [`ForwardKind`].
    pub forwards: [ForwardRule; ForwardKind::ALL.len()],
    /// How often it rings before nobody has answered; as all lines, if not given.
    pub rings: Option<u8>,
    /// It is not to be disturbed.
    pub do_not_disturb: bool,
    /// But by these.
    pub disturbed_by: Vec<String>,
    /// Others do not see its number.
    pub hide_number: bool,
}

/// What becomes of a call that a phone itself sends elsewhere (302).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// It goes there.
    Follow,
    /// The caller is told where.
    Pass,
    /// The phone has declined.
    Block,
}

/// How calls are forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardSettings {
    /// How often a line rings before its calls are forwarded as not answered.
    pub rings: u8,
    /// How long one ring is.
    pub ring_cycle: Duration,
    /// How often one call may be sent on.
    pub hops: usize,
    /// What becomes of a phone's own redirections.
    pub redirects: Redirects,
    /// Calls may leave over a trunk.
    pub external: bool,
    /// Who is not to be disturbed is busy; else it is not there.
    pub dnd_is_busy: bool,
}

impl Default for ForwardSettings {
    fn default() -> Self {
        Self {
            rings: 4,
            ring_cycle: Duration::from_secs(6),
            hops: 5,
            redirects: Redirects::Follow,
            external: true,
            dnd_is_busy: true,
        }
    }
}

impl ForwardSettings {
    /// Fewer rings nobody hears, more nobody waits for.
    pub const RINGS: std::ops::RangeInclusive<u8> = 1..=20;
}
