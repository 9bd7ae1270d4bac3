//! What trunks carry of calls that did not begin at one: a line sends its calls to town, or a party is transferred there.
//!
//! The call goes on being counted as what it began as; the trunk's part of it is counted with the trunk, as an outbound
//! call of its own with an end of its own.
//!
//! Knows: sessions. Never: SIP, SDP, sockets, the clock.
use super::call::{CallId, Calls};
use crate::counters::{CallDirection, CallEnd};
use crate::session::SessionId;

/// A party behind a trunk that was rung for a call which began elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outbound {
    who: SessionId,
    trunk: usize,
    answered: bool,
}

impl Calls {
    /// The call rings this party behind a trunk now; nobody, if that could not even begin.
    pub(super) fn went_out(&mut self, id: CallId, trunk: usize, who: SessionId) {
        self.counted(Some(trunk)).attempts.up(CallDirection::Outbound);
        if let Some(call) = self.get_mut(id) {
            call.outbound.push(Outbound { who, trunk, answered: false });
        }
        if who == SessionId::NONE {
            self.outbound_ended(id, who, CallEnd::Failure);
        }
    }

    /// If it is such a party: it has answered.
    pub(super) fn outbound_answered(&mut self, id: CallId, who: SessionId) {
        let Some(call) = self.get_mut(id) else { return };
        let Some(outbound) = call.outbound.iter_mut().find(|outbound| outbound.who == who) else { return };
        if !std::mem::replace(&mut outbound.answered, true) {
            let trunk = outbound.trunk;
            self.counted(Some(trunk)).answered.up(CallDirection::Outbound);
        }
    }

    /// If it is such a party: it has no part in the call any more.
    pub(super) fn outbound_ended(&mut self, id: CallId, who: SessionId, end: CallEnd) {
        let Some(call) = self.get_mut(id) else { return };
        let Some(place) = call.outbound.iter().position(|outbound| outbound.who == who) else { return };
        let Outbound { trunk, .. } = call.outbound.remove(place);
        self.counted(Some(trunk)).ended.add(CallDirection::Outbound, end, 1);
    }

    /// The call has ended, and with it all of these.
    pub(super) fn outbound_over(&mut self, outbound: &[Outbound], end: CallEnd) {
        for outbound in outbound {
            self.counted(Some(outbound.trunk)).ended.add(CallDirection::Outbound, end, 1);
        }
    }
}
