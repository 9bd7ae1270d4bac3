//! Dialogs named from outside: Replaces (RFC 3891) and Target-Dialog (RFC 4538).
use super::{LegId, Legs, State};
use crate::base::{Time, limits};
use crate::dialog::Names;
use crate::transaction::{Owner, PATIENCE, Tag};
use crate::wire::{Message, Name, NameAddr, Replaces, Status, text};
use arrayvec::ArrayVec;
use std::collections::VecDeque;

/// What a request says of another call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named<T> {
    /// Nothing.
    Nothing,
    /// It names one that we do not know.
    Unknown,
    /// It names this one.
    This(T),
}

/// Why an INVITE that is to replace a call is refused.
pub(crate) type Refused = (Status, &'static str);

/// Dialogs that ended a moment ago: who wants to replace one comes too late, and is told so (RFC 3891 §3).
#[derive(Debug)]
pub(super) struct Ended(VecDeque<(Time, u64)>);

impl Ended {
    pub(super) fn new() -> Self {
        Self(VecDeque::with_capacity(limits::ENDED_DIALOGS))
    }

    fn remember(&mut self, now: Time, dialog: u64) {
        if self.0.len() >= limits::ENDED_DIALOGS {
            self.0.pop_front();
        }
        self.0.push_back((now, dialog));
    }

    fn knows(&self, now: Time, dialog: u64) -> bool {
        self.0.iter().rev().take_while(|(ended, _)| now - *ended < PATIENCE).any(|&(_, one)| one == dialog)
    }
}

impl Legs {
    /// The leg that an INVITE is to replace (RFC 3891 §3).
    pub(crate) fn replaced_by(&self, invite: &Message<'_>) -> Result<Option<LegId>, Refused> {
        let mut values = invite.fields(Name::Replaces);
        let Some(value) = values.next() else {
            // It would be an ordinary call, and to somebody else (RFC 3911 §4): there are no conferences yet.
            let joins = invite.has(Name::Join);
            return if joins { Err((Status::NOT_ACCEPTABLE_HERE, "Calls Are Not Joined Here")) } else { Ok(None) };
        };
        if values.next().is_some() || invite.has(Name::Join) {
            return Err((Status::BAD_REQUEST, "One Replaces, And No Join"));
        }
        let named = Replaces::parse(value).map_err(|_| (Status::BAD_REQUEST, "Malformed Replaces"))?;
        let unknown = Err((Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST, "No Call To Replace"));
        let ended = Err((Status::DECLINE, "The Call To Replace Has Ended"));
        let Some(id) = self.find(&named) else { return if self.has_ended(&named) { ended } else { unknown } };
        match self.legs.get(id).map(|leg| (leg.state, leg.owner)) {
            None | Some((_, Owner::NOBODY) | (State::Ending(_) | State::Calling { ending: Some(_), .. }, _)) => ended,
            // An early dialog can only be replaced by who is being called in it.
            Some((State::Arrived(_), _)) => unknown,
            Some((State::Calling { .. }, _)) => Ok(Some(id)),
            Some((State::Up, _)) if named.early_only => Err((Status::BUSY_HERE, "The Call Was Answered")),
            Some((State::Up, _)) => Ok(Some(id)),
        }
    }

    /// What the leg's dialog is known by: a Replaces made of it finds it.
    pub(crate) fn names(&self, id: LegId) -> Option<Names<'_>> {
        self.legs.get(id).map(|leg| leg.dialog.names())
    }

    /// The leg that a Target-Dialog names.
    pub(crate) fn targeted_by(&self, request: &Message<'_>) -> Option<LegId> {
        self.find(&Replaces::parse(request.header(Name::TargetDialog)?).ok()?)
    }

    /// The leg that a Refer-To wants replaced: `<sip:700@pbx.test?Replaces=…>`.
    pub(super) fn referred_to(&self, refer_to: &[u8]) -> Named<LegId> {
        let uri = NameAddr::parse(refer_to).ok().and_then(|address| address.uri().ok());
        let Some(escaped) = uri.and_then(|uri| uri.header("Replaces")) else { return Named::Nothing };
        let value: ArrayVec<u8, { limits::CONTACT_BYTES }> =
            text::unescaped(escaped).take(limits::CONTACT_BYTES).collect();
        match Replaces::parse(&value).ok().and_then(|named| self.find(&named)) {
            Some(id) => Named::This(id),
            None => Named::Unknown,
        }
    }

    /// A leg ends that was answered.
    pub(super) fn remember_ended(&mut self, id: LegId) {
        let Some(leg) = self.legs.get(id).filter(|leg| matches!(leg.state, State::Up | State::Ending(_))) else {
            return;
        };
        let (dialog, now) = (self.key(leg.dialog.call_id(), leg.dialog.tag, leg.dialog.remote_tag()), self.now());
        self.ended.remember(now, dialog);
    }

    /// Either way round: dialog-info and Replaces each have their own idea of whose tag comes first.
    fn find(&self, named: &Replaces<'_>) -> Option<LegId> {
        sides(named).find_map(|(ours, theirs)| {
            let (id, leg) = self.legs.at(ours.slot)?;
            let dialog = &leg.dialog;
            (dialog.tag == ours && dialog.remote_tag() == theirs && dialog.call_id() == named.call_id).then_some(id)
        })
    }

    fn has_ended(&self, named: &Replaces<'_>) -> bool {
        sides(named).any(|(ours, theirs)| self.ended.knows(self.now(), self.key(named.call_id, ours, theirs)))
    }

    fn key(&self, call_id: &[u8], ours: Tag, theirs: &[u8]) -> u64 {
        self.transactions.ground.hasher.hash_one((call_id, ours.slot, ours.secret, theirs))
    }

    fn now(&self) -> Time {
        self.transactions.ground.now
    }
}

fn sides<'a>(named: &Replaces<'a>) -> impl Iterator<Item = (Tag, &'a [u8])> {
    let sides = [(named.to_tag, named.from_tag), (named.from_tag, named.to_tag)];
    sides.into_iter().filter_map(|(ours, theirs)| Some((Tag::read(ours)?, theirs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_those_that_ended_are_forgotten() {
        let mut ended = Ended::new();
        let now = Time::ZERO;
        let last = limits::ENDED_DIALOGS as u64;
        (0..=last).for_each(|dialog| ended.remember(now, dialog));
        assert_eq!([0, 1, last].map(|dialog| ended.knows(now, dialog)), [false, true, true]);
        assert!(!ended.knows(now + PATIENCE, last), "nor is any known for long");
    }
}
