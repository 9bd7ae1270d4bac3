//! What a peer said it can do.
use crate::wire::{Message, Method, Name};

/// The option tag of RFC 3262.
pub(super) const RELIABLE: &str = "100rel";

/// What the peer can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Peer {
    /// UPDATE stands in its Allow.
    pub(super) update: bool,
    /// `from-change` stands in its Supported (RFC 4916).
    pub(super) from_change: bool,
    /// A registered line's phone, and not a trunk.
    pub(super) line: bool,
    /// Provisional responses in this dialog may be reliable (RFC 3262): the caller supports it, be that they or we.
    pub(super) reliable: bool,
    /// The caller requires it.
    pub(super) insists: bool,
    /// `timer` stands in its Supported (RFC 4028).
    pub(super) timer: bool,
}

impl Peer {
    /// What the peer's INVITE says.
    pub(super) fn of(invite: &Message<'_>, line: bool) -> Self {
        let mut peer = Self { line, ..Self::default() };
        peer.learn(invite);
        peer.insists = invite.has_option(Name::Require, RELIABLE);
        peer.reliable = peer.insists || invite.has_option(Name::Supported, RELIABLE);
        peer
    }

    /// What a later message adds.
    pub(super) fn learn(&mut self, message: &Message<'_>) {
        self.update |= message.values(Name::Allow).any(|method| Method::parse(method) == Method::Update);
        for option in message.values(Name::Supported) {
            self.from_change |= option.eq_ignore_ascii_case(b"from-change");
            self.timer |= option.eq_ignore_ascii_case(b"timer");
        }
    }
}
