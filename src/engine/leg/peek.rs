//! What the simulator may see of legs.
use super::{LegId, Legs, Reason};
use crate::base::{Alarm, TimerId};
use crate::transaction::{ClientId, Owner};

impl Legs {
    /// Every leg and its owner.
    pub(crate) fn seen(&self) -> impl Iterator<Item = (LegId, Owner)> {
        self.legs.iter().map(|(id, leg)| (id, leg.owner))
    }

    pub(crate) fn exists(&self, id: LegId) -> bool {
        self.legs.get(id).is_some()
    }

    /// Whether a request of ours that changes the leg waits for its answer.
    pub(crate) fn is_changing(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| leg.outgoing != ClientId::NONE)
    }

    /// Whether a leg waits for this alarm.
    pub(crate) fn expects(&self, alarm: Alarm) -> bool {
        self.legs.get(LegId::unpack(alarm.whom)).is_some_and(|leg| {
            if alarm.reason == Reason::Refresh as u8 {
                leg.session_timer.timer != TimerId::NONE
            } else {
                leg.unacknowledged.is_some()
            }
        })
    }
}
