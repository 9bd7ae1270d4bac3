//! Somebody outside answers a reminder: perhaps a mailbox. It is asked to press a key, and has the call when it does.
//!
//! ```text
//!   Reminding ──answered over a trunk──► Reminding (asked) ─── 1 ───► Claimed
//!                                           │        ╰─ fetched by another, or the call is gone: hung up on
//!                                           ╰─ another key, hung up, too late: declined, the next target rings
//! ```
//! Until then the call stays in its orbit, with its music and fetchable.
//!
//! Knows: orbits, keys (through [`Lots`]). Never: how a key was told.
use super::lot::{Lots, OrbitNo};
use super::park::Phase;
use super::reminder::Ringing;
use crate::base::TimerId;
use crate::counters::{ReminderResult, ReminderRung};
use crate::leg::Cause;
use crate::session::{Announcement, Phrase, Place, SessionId, Switch, Wake};
use std::time::Duration;

/// Time to hear twice what is to be done, and to do it.
const PATIENCE: Duration = Duration::from_secs(20);
/// What takes the call.
const YES: u8 = b'1';

/// Whether who answered has been asked, and what it said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nobody was.
    #[default]
    No,
    /// It was.
    Yes,
    /// And it has agreed, while its media was still on its way to us.
    Agreed,
}

impl Lots {
    /// Asks who answered, if it is somebody outside. False if it has the call without being asked.
    pub(super) fn asks(&mut self, orbit: OrbitNo, who: SessionId, pbx: &mut dyn Switch) -> bool {
        let is_outside = |who| matches!(pbx.party(who).place, Place::Trunk(_));
        let Some(Phase::Reminding(ringing)) = self.stay(orbit).map(|stay| &stay.phase) else { return false };
        if !ringing.sessions.contains(&who) || !is_outside(who) || !self.would_ask(orbit, ringing.rung) {
            return false;
        }
        let Some(stay) = self.stay_mut(orbit) else { return false };
        let Phase::Reminding(ringing) = &mut stay.phase else { return false };
        (ringing.asked, ringing.result) = (Asked::Yes, ReminderResult::Declined);
        pbx.forget(std::mem::replace(&mut stay.timer, TimerId::NONE));
        stay.timer = pbx.wake(Wake::Orbit(orbit), PATIENCE);
        pbx.say(who, Announcement::of(Phrase::PressOne).twice(), PATIENCE);
        true
    }

    /// Whether somebody outside whom such a reminder rings is to be asked.
    pub(super) fn would_ask(&self, orbit: OrbitNo, rung: ReminderRung) -> bool {
        // A fallback may well be a mailbox, and an exit is where who waits wants to be.
        let is_reminded = match rung {
            ReminderRung::Device | ReminderRung::User | ReminderRung::Alternate => true,
            ReminderRung::Fallback | ReminderRung::Exit => false,
        };
        is_reminded && self.settings(orbit).confirm_external
    }

    /// Who was asked pressed a key.
    pub(crate) fn replied(&mut self, orbit: OrbitNo, who: SessionId, key: u8, pbx: &mut dyn Switch) {
        // Who has agreed has agreed, whatever else it presses.
        let Some(ringing) = self.asked(orbit, who).filter(|ringing| ringing.asked != Asked::Agreed) else { return };
        if key != YES {
            return self.declined(orbit, who, pbx);
        }
        ringing.asked = Asked::Agreed;
        self.agreed(orbit, who, pbx);
    }

    /// Its media is with us, or will not come: what it has said by now counts.
    pub(super) fn agreed(&mut self, orbit: OrbitNo, who: SessionId, pbx: &mut dyn Switch) {
        let is_moving = pbx.is_moving(who);
        if self.asked(orbit, who).is_some_and(|ringing| ringing.asked == Asked::Agreed && !is_moving) {
            self.takes(orbit, who, pbx);
        }
    }

    fn declined(&mut self, orbit: OrbitNo, who: SessionId, pbx: &mut dyn Switch) {
        self.on_ring_failed(orbit, who, Cause::Rejected, pbx);
        pbx.drop(who, Cause::Normal, "");
    }

    fn asked(&mut self, orbit: OrbitNo, who: SessionId) -> Option<&mut Ringing> {
        let Phase::Reminding(ringing) = &mut self.stay_mut(orbit)?.phase else { return None };
        (ringing.asked != Asked::No && ringing.sessions.contains(&who)).then_some(ringing)
    }
}
