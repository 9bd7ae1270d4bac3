//! Pull and push: people move their own call from one of their telephones to another.
//!
//! ```text
//!   *59                    ─► the call that the line has on another telephone ─╮
//!   *591002                ─► one of a line whose calls this one may seize ────┴─► the other side is joined with this one
//!   a transfer to oneself  ─► the line's other telephones ring; the call stays where it is until one of them answers
//! ```
//! Knows: sessions, lines (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::call::{CallId, Calls};
use crate::base::Handle;
use crate::base::limits::FORKS;
use crate::counters::{HandoffKind, HandoffResult};
use crate::leg::Cause;
use crate::session::switch::Phones;
use crate::session::{Duty, SessionId, State, Switch};
use crate::settings::LineNo;
use smallvec::SmallVec;

/// Why nothing is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unpulled {
    /// There is no such call.
    Nothing,
    /// There is one, and it is on the way to somebody.
    Moving,
    /// It is not this line's affair.
    MayNot,
}

impl Unpulled {
    /// What the phone is told, and people read.
    pub(crate) const fn told(self) -> (Cause, &'static str) {
        match self {
            Self::Nothing => (Cause::Unavailable, "There is no call on another telephone"),
            Self::Moving => (Cause::Busy, "This call is just being moved"),
            Self::MayNot => (Cause::Forbidden, "You may not seize calls there"),
        }
    }

    const fn result(self) -> HandoffResult {
        match self {
            Self::Nothing | Self::Moving => HandoffResult::Nothing,
            Self::MayNot => HandoffResult::Forbidden,
        }
    }
}

impl Calls {
    /// Moves a call to the telephone that this party calls from: its own line's, or another's, if one is named.
    pub(crate) fn pull(&mut self, from: Option<LineNo>, by: SessionId, pbx: &mut dyn Switch) -> Result<(), Unpulled> {
        let own = pbx.party(by).place.line();
        let kind = if from.is_none() || from == own { HandoffKind::Pull } else { HandoffKind::Seize };
        let found = self.found(kind, from.or(own), by, pbx);
        match found {
            Ok(found) => self.hand_over(kind, found, by, pbx),
            Err(why) => self.handoffs.add(kind, why.result(), 1),
        }
        found.map(drop)
    }

    fn found(
        &self,
        kind: HandoffKind,
        line: Option<LineNo>,
        by: SessionId,
        pbx: &dyn Switch,
    ) -> Result<(CallId, SessionId), Unpulled> {
        let seizers = &self.rights.seize_groups;
        let may = match kind {
            HandoffKind::Pull | HandoffKind::Push => true,
            HandoffKind::Seize => !seizers.is_empty() && pbx.is_member(pbx.party(by).place, seizers),
        };
        let (Some(line), true) = (line, may) else { return Err(Unpulled::MayNot) };
        let here = pbx.device(by);
        let elsewhere = |who: &SessionId| pbx.device(*who) != here && pbx.state(*who).is_up();
        // Whom one talks to goes before whom one holds.
        let talks = |who: &SessionId| pbx.state(*who) != State::OnHold;
        let mut sessions = pbx.sessions_of(line, 2 * FORKS);
        sessions.retain(|who| elsewhere(who));
        let (talking, held): (SmallVec<[_; 4]>, SmallVec<[_; 4]>) = sessions.into_iter().partition(talks);
        let mut why = Unpulled::Nothing;
        for old in talking.into_iter().chain(held) {
            let (Some(Duty::Call(call)), Some(other)) = (pbx.duty(old), pbx.other(old)) else { continue };
            let is_free = self.get(Handle::unpack(call)).is_some_and(|call| !call.changes_hands());
            if is_free && pbx.duty(other) == Some(Duty::Call(call)) && !pbx.is_moving(other) {
                return Ok((Handle::unpack(call), old));
            }
            why = Unpulled::Moving;
        }
        Err(why)
    }
}

/// The telephones of a party's own line but the one that it speaks from.
pub(super) fn others_of(line: LineNo, who: SessionId, pbx: &dyn Switch) -> Phones {
    let here = pbx.device(who);
    pbx.phones(line).into_iter().filter(|phone| Some(phone.device) != here).collect()
}
