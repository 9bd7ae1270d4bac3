//! The way out of an orbit: who waits presses a key, and somebody else is rung.
//!
//! ```text
//!   Waiting ─┬─ exit_digit ─► Reminding (exit) ──answer──► Claimed ─► with the exit's destination
//!   Reminding╯                   │
//!      ▲                         ╰─ nobody, or nobody wants to: waits on, and its clock never stopped
//! ```
//! The call stays in its orbit, with its music and fetchable, until the destination answers.
//!
//! Knows: orbits, keys (through [`Lots`]). Never: how a key was told.
use super::lot::{Lots, OrbitNo};
use super::numbers::Plan;
use super::park::Phase;
use super::reminder::reach;
use crate::counters::{ReminderResult, ReminderRung};
use crate::leg::Cause;
use crate::session::{SessionId, Switch};

impl Lots {
    /// The party that waits in this orbit pressed a key. Any but the exit's is nothing to anybody.
    pub(crate) fn pressed(&mut self, orbit: OrbitNo, key: u8, pbx: &mut dyn Switch, plan: &Plan) {
        let settings = self.settings(orbit);
        let Some(number) = settings.exit_destination.clone().filter(|_| settings.exit_digit == Some(key.into())) else {
            return;
        };
        let (chain, interval) = (settings.reminder_chain.len(), settings.reminder_interval);
        let again = pbx.now() + interval;
        let Some(stay) = self.stay_mut(orbit) else { return };
        // A reminder that waits for its turn does not cut in; should nobody answer here, it is due at once.
        let queued = std::mem::take(&mut stay.queued);
        match std::mem::replace(&mut stay.phase, Phase::Waiting) {
            Phase::Waiting => {}
            Phase::Reminding(ringing) if ringing.rung != ReminderRung::Exit => {
                // The round is not through: it is begun anew, should nobody answer.
                stay.next = Some(again);
                let (nobody, cause) = (SessionId::NONE, Cause::AnsweredElsewhere);
                self.end_ringing(orbit, ringing, nobody, cause, ReminderResult::Superseded, pbx);
            }
            phase @ (Phase::Reminding(_) | Phase::Arriving | Phase::Claimed { .. }) => {
                (stay.phase, stay.queued) = (phase, queued);
                return;
            }
        }
        let whoms = reach(&number, pbx, plan);
        if whoms.is_empty() || !self.ring_all(orbit, chain, ReminderRung::Exit, &whoms, pbx) {
            self.exit_failed(orbit, pbx);
        }
    }

    /// Nobody was there: the call waits on.
    pub(super) fn exit_failed(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) {
        if let Some(stay) = self.stay_mut(orbit) {
            stay.phase = Phase::Waiting;
        }
        self.set_timer(orbit, pbx);
        self.ring_queued(pbx);
    }
}
