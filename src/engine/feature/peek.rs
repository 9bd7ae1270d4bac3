//! What the simulator may see of features.
#![cfg_attr(not(test), allow(dead_code, reason = "the stories ask for more of it than the model does"))]
use super::Features;
use super::lot::OrbitNo;
use super::park::Phase;
use crate::base::{Handle, TimerId};
use crate::session::{SessionId, Switch};

/// A stay, as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) orbit: OrbitNo,
    pub(crate) number: String,
    #[cfg_attr(not(test), allow(dead_code, reason = "the model goes by numbers"))]
    pub(crate) park_id: u128,
    pub(crate) call: SessionId,
    pub(crate) reminding: bool,
    pub(crate) ringing: Vec<SessionId>,
    pub(crate) claimed_by: Option<SessionId>,
    pub(crate) timer: TimerId,
}

impl Features {
    /// Whether a party's keys are waited for, or sent.
    pub(crate) fn is_typing(&self, who: SessionId) -> bool {
        self.keys.is_typing(who)
    }

    pub(crate) fn stays(&self) -> Vec<Seen> {
        let stay = |orbit| self.lots.stay(orbit).map(|stay| (orbit, stay));
        let seen = (0..self.lots.orbit_count()).filter_map(stay).map(|(orbit, stay)| Seen {
            orbit,
            number: self.lots.number(orbit).to_string(),
            park_id: stay.park_id,
            call: stay.call,
            reminding: matches!(stay.phase, Phase::Reminding(_)),
            ringing: match &stay.phase {
                Phase::Reminding(ringing) => ringing.sessions.to_vec(),
                Phase::Arriving | Phase::Waiting | Phase::Claimed { .. } => Vec::new(),
            },
            claimed_by: match stay.phase {
                Phase::Claimed { by, .. } => Some(by),
                Phase::Arriving | Phase::Waiting | Phase::Reminding(_) => None,
            },
            timer: stay.timer,
        });
        seen.collect()
    }

    /// Who was told this orbit, and is about to fill it.
    pub(crate) fn reserver(&self, orbit: OrbitNo) -> Option<SessionId> {
        self.lots.reservation(orbit).map(|kept| kept.by)
    }

    pub(crate) fn completions(&self) -> &super::completion::Completions {
        &self.calls.completions
    }

    pub(crate) fn call_counters(&self) -> &[crate::counters::CallCounters] {
        &self.calls.counters
    }

    pub(crate) fn calls_live(&self) -> usize {
        self.calls.live()
    }

    /// Parties behind trunks whose part is counted beside the call's own.
    pub(crate) fn outbound_live(&self) -> usize {
        self.calls.outbounds.count()
    }

    /// Phones of lines that calls ring, as pickup knows them, and as the calls do.
    pub(crate) fn ringing_listed(&self) -> usize {
        self.calls.ringing.count()
    }

    pub(crate) fn ringing(&self, pbx: &dyn Switch) -> usize {
        let targets = self.calls.all().flat_map(|call| &call.targets);
        targets.filter(|target| pbx.party(**target).place.line().is_some()).count()
    }

    pub(crate) fn has_transfer(&self, call: u64) -> bool {
        self.calls.get(Handle::unpack(call)).is_some_and(|call| call.transfer.is_some())
    }

    pub(crate) fn has_call(&self, call: u64) -> bool {
        self.calls.has(Handle::unpack(call))
    }
}
