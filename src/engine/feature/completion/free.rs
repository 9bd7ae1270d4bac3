//! When a line is free, and for whom.
//!
//! ```text
//!   its last call ends ──────╮
//!   or one below its limit ──┤                       ╭─ no more ─► the next time
//!   a phone signs in ────────┼─► free ─ the guard ───┤
//!   it may be disturbed ─────┤                       ╰─ still ───► the first is served that may disturb it
//!   a request comes first ───╯
//! ```
//! Knows: requests, lines, timers (through [`Switch`]). Never: SIP, SDP.
use super::{Completions, Request, RequestId, Suspended};
use crate::base::TimerId;
use crate::leg::Cause;
use crate::session::switch::Phones;
use crate::session::{Place, SessionId, Switch, Wake};
use crate::settings::LineNo;
use std::time::Duration;

impl Completions {
    /// These lines are not to be disturbed but by these numbers, and no other lines.
    pub(in crate::feature) fn hush(&mut self, quiet: impl Iterator<Item = (LineNo, Vec<String>)>) {
        let before = std::mem::replace(&mut self.quiet, quiet.collect());
        let changed = before.iter().filter(|(line, numbers)| self.quiet.get(line) != Some(numbers));
        self.roused.extend(changed.map(|(&line, _)| line));
    }

    /// After other settings: lines that may be disturbed again are free, perhaps, and may be called back.
    pub(in crate::feature) fn rouse(&mut self, pbx: &mut dyn Switch) {
        for line in std::mem::take(&mut self.roused) {
            self.begin_guard(line, pbx);
            self.resume(line, Suspended::Quiet, pbx);
        }
    }

    /// A line is not to be disturbed from now on but by these numbers; or is again.
    pub(in crate::feature) fn hush_line(&mut self, line: LineNo, quiet: Option<Vec<String>>, pbx: &mut dyn Switch) {
        if let Some(numbers) = quiet {
            self.quiet.insert(line, numbers);
        } else if self.quiet.remove(&line).is_some() {
            self.begin_guard(line, pbx);
            self.resume(line, Suspended::Quiet, pbx);
        }
    }

    /// A line's last call ended: others may wait for it, or its own requests were put off for that.
    pub(in crate::feature) fn line_idle(&mut self, line: LineNo, pbx: &mut dyn Switch) {
        if self.is_empty() {
            return;
        }
        self.begin_guard(line, pbx);
        self.resume(line, Suspended::Busy, pbx);
    }

    /// A line that has a limit has one call less, and others still: for whoever waits for it that may be enough.
    pub(in crate::feature) fn line_eased(&mut self, line: LineNo, pbx: &mut dyn Switch) {
        if self.settings.free_below_limit && !self.is_empty() {
            self.look(line, pbx);
        }
    }

    /// A line that had no phone has one now.
    pub(in crate::feature) fn signed_in(&mut self, line: LineNo, pbx: &mut dyn Switch) {
        for id in self.queue(line) {
            if let Some(request) = self.requests.get_mut(id)
                && !std::mem::take(&mut request.restored)
            {
                self.set_used(id, pbx);
            }
        }
        self.begin_guard(line, pbx);
        self.resume(line, Suspended::Away, pbx);
    }

    /// A line may be free: if it still is when the guard is over, somebody is called.
    pub(super) fn look(&mut self, target: LineNo, pbx: &mut dyn Switch) {
        if self.queues.get(&target).is_some_and(|queue| queue.guard == TimerId::NONE) && !self.is_served(target) {
            self.begin_guard(target, pbx);
        }
    }

    fn begin_guard(&mut self, target: LineNo, pbx: &mut dyn Switch) {
        let could_be_served = |id: &RequestId| self.is_ready(*id) && self.may_disturb(*id, pbx);
        let first = self.queue(target).into_iter().find(could_be_served).filter(|_| self.is_free(target, pbx));
        let waits = first.and_then(|id| self.requests.get(id)).is_some_and(|first| first.camper != SessionId::NONE);
        let Some(queue) = self.queues.get_mut(&target) else { return };
        pbx.forget(std::mem::replace(&mut queue.guard, TimerId::NONE));
        if waits {
            // Who waits on the line waits no longer than it must.
            self.serve(target, pbx);
        } else if first.is_some() {
            let guard = self.settings.target_guard.max(Duration::from_millis(1));
            queue.guard = pbx.wake(Wake::Guard(target), guard);
        }
    }

    /// The line has been free for so long.
    pub(in crate::feature) fn guarded(&mut self, target: LineNo, pbx: &mut dyn Switch) {
        if let Some(queue) = self.queues.get_mut(&target) {
            queue.guard = TimerId::NONE;
            self.serve(target, pbx);
        }
    }

    /// The guard of a line was lost.
    pub(in crate::feature) fn guard_again(&mut self, line: LineNo, pbx: &mut dyn Switch) {
        self.begin_guard(line, pbx);
    }

    /// The phones of the line, if it can take a call of this party's. Whatever it has chosen for its calls, this one is sent
    /// on nowhere.
    pub(in crate::feature) fn reach(&self, target: LineNo, by: Place, pbx: &dyn Switch) -> Result<Phones, Cause> {
        // Who has begun something else meanwhile is busy, whatever else it might take.
        if self.is_taken(target, pbx) || self.is_quiet_for(target, by, pbx) {
            return Err(Cause::Busy);
        }
        let phones = pbx.phones(target);
        if phones.is_empty() { Err(Cause::Unavailable) } else { Ok(phones) }
    }

    /// Whether a line could take a call, of somebody who may disturb it.
    pub(super) fn is_free(&self, line: LineNo, pbx: &dyn Switch) -> bool {
        !self.is_taken(line, pbx) && !pbx.phones(line).is_empty()
    }

    /// Whether who has asked may disturb the line.
    pub(super) fn may_disturb(&self, id: RequestId, pbx: &dyn Switch) -> bool {
        let may = |request: &Request| !self.is_quiet_for(request.target, request.by, pbx);
        self.requests.get(id).is_some_and(may)
    }

    /// Whether a line has calls, or as many as it takes if that is what counts. One without a limit is free when it has none:
    /// how many its phones take nobody knows.
    pub(super) fn is_taken(&self, line: LineNo, pbx: &dyn Switch) -> bool {
        let undisturbed = self.settings.free_below_limit && self.undisturbed_calls.is_on(line, pbx);
        undisturbed || pbx.calls_of(line) >= self.limit(line, pbx)
    }

    /// Whether a line that says it is busy says so for reasons of its own: the phone that does is counted still.
    pub(super) fn is_busy_by_itself(&self, line: LineNo, pbx: &dyn Switch) -> bool {
        pbx.calls_of(line) <= self.limit(line, pbx)
    }

    fn limit(&self, line: LineNo, pbx: &dyn Switch) -> usize {
        pbx.busy_limit(line).filter(|_| self.settings.free_below_limit).unwrap_or(1)
    }

    /// Whether the line is not to be disturbed, by this party either. Who comes over a trunk can say any number.
    fn is_quiet_for(&self, line: LineNo, by: Place, pbx: &dyn Switch) -> bool {
        self.quiet.get(&line).is_some_and(|numbers| {
            let own = by.line().map(|by| pbx.identity(by).number);
            !own.is_some_and(|own| numbers.iter().any(|number| **number == *own))
        })
    }
}
