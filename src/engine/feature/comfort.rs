//! Comfort: who waits long hears now and then that it is not forgotten. The music goes on beneath, as it always does.
//!
//! Knows: sessions, timers (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::lot::{Lots, OrbitNo};
use super::park::Phase;
use crate::session::{Announcement, Phrase, Switch, Wake};
use std::time::Duration;

/// It does not take longer to be said.
const COMFORT: Duration = Duration::from_secs(10);

impl Lots {
    /// The call is parked.
    pub(super) fn start_comfort(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) {
        let lot = self.settings(orbit);
        let first = lot.comfort_prompt.then_some(lot.comfort_first);
        self.comfort_after(orbit, first, pbx);
    }

    /// It is time.
    pub(crate) fn comfort(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) {
        let lot = self.stay(orbit).map(|_| self.settings(orbit));
        let Some((wanted, interval)) = lot.map(|lot| (lot.comfort_prompt, lot.comfort_interval)) else { return };
        let Some(stay) = self.stay(orbit) else { return };
        let call = stay.call;
        match stay.phase {
            Phase::Waiting | Phase::Reminding(_) if wanted => {
                pbx.say(call, Announcement::of(Phrase::Comfort), COMFORT);
            }
            // Whoever is on the way to somebody has no need of it; and another configuration may not want it.
            Phase::Waiting | Phase::Reminding(_) | Phase::Claimed { .. } | Phase::Arriving => {}
        }
        self.comfort_after(orbit, Some(interval).filter(|interval| wanted && !interval.is_zero()), pbx);
    }

    fn comfort_after(&mut self, orbit: OrbitNo, after: Option<Duration>, pbx: &mut dyn Switch) {
        let timer = after.map(|after| pbx.wake(Wake::Comfort(orbit), after));
        if let Some((stay, timer)) = self.stay_mut(orbit).zip(timer) {
            pbx.forget(std::mem::replace(&mut stay.comfort, timer));
        }
    }
}
