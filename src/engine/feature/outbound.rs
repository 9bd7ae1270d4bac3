//! What trunks carry of calls that did not begin at one: a line sends its calls to town, or a party is transferred there.
//!
//! The call goes on being counted as what it began as; the trunk's part of it is counted with the trunk, as an outbound
//! call of its own with an end of its own.
//!
//! Knows: sessions. Never: SIP, SDP, sockets, the clock.
use super::call::{CallId, Calls};
use crate::counters::{CallDirection, CallEnd};
use crate::session::SessionId;
use std::collections::BTreeMap;

/// A party behind a trunk that was rung for a call which began elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outbound {
    who: SessionId,
    trunk: usize,
    answered: bool,
}

/// All of them, by their calls: most calls have none, and pay nothing for it.
#[derive(Debug, Default)]
pub(super) struct Outbounds(BTreeMap<u64, Vec<Outbound>>);

impl Outbounds {
    #[cfg(any(test, feature = "simulator"))]
    pub(super) fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

impl Calls {
    /// The call rings this party behind a trunk now; nobody, if that could not even begin.
    pub(super) fn went_out(&mut self, id: CallId, trunk: usize, who: SessionId) {
        self.counted(Some(trunk)).attempts.up(CallDirection::Outbound);
        self.outbounds.0.entry(id.pack()).or_default().push(Outbound { who, trunk, answered: false });
        if who == SessionId::NONE {
            self.outbound_ended(id, who, CallEnd::Failure);
        }
    }

    /// If it is such a party: it has answered.
    pub(super) fn outbound_answered(&mut self, id: CallId, who: SessionId) {
        let Some(outbounds) = self.outbounds.0.get_mut(&id.pack()) else { return };
        let Some(outbound) = outbounds.iter_mut().find(|outbound| outbound.who == who) else { return };
        if !std::mem::replace(&mut outbound.answered, true) {
            let trunk = outbound.trunk;
            self.counted(Some(trunk)).answered.up(CallDirection::Outbound);
        }
    }

    /// If it is such a party: it has no part in the call any more.
    pub(super) fn outbound_ended(&mut self, id: CallId, who: SessionId, end: CallEnd) {
        let Some(outbounds) = self.outbounds.0.get_mut(&id.pack()) else { return };
        let Some(place) = outbounds.iter().position(|outbound| outbound.who == who) else { return };
        let Outbound { trunk, .. } = outbounds.remove(place);
        if outbounds.is_empty() {
            self.outbounds.0.remove(&id.pack());
        }
        self.counted(Some(trunk)).ended.add(CallDirection::Outbound, end, 1);
    }

    /// The call has ended, and with it all of these.
    pub(super) fn outbound_over(&mut self, id: CallId, end: CallEnd) {
        for Outbound { trunk, .. } in self.outbounds.0.remove(&id.pack()).into_iter().flatten() {
            self.counted(Some(trunk)).ended.add(CallDirection::Outbound, end, 1);
        }
    }
}
