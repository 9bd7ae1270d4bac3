//! What the simulator may see of legs.
use super::{LegId, Legs};
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

    /// Whether a 2xx of this leg waits for its ACK.
    pub(crate) fn awaits_ack(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| leg.unacknowledged.is_some())
    }
}
