//! Lamps: who may watch what, and what there is to be seen of it.
//!
//! ```text
//!   1001 ─► the line's calls, and whether it can be reached
//!   701  ─► who waits in the orbit: from when it is safely there until somebody talks to it
//!   700  ─► who waits in any orbit of the lot
//! ```
//! What is seen is what is: nothing of it is kept, or told by an event. Changes only make somebody look again.
//!
//! Knows: sessions, lines, orbits. Never: SIP, how a lamp is told, who looks.
use super::Features;
use super::call::{CallId, words};
use super::lot::OrbitNo;
use super::numbers::Target;
use super::park::{Phase, Stay};
use crate::base::Handle;
use crate::base::limits::CALLS_SHOWN;
use crate::base::text::{Number, cut};
use crate::counters::{CompletionKind, Package};
use crate::leg::{Cause, Dialled, Identity};
use crate::session::{Duty, Place, SessionId, State, Switch};
use crate::settings::{LampSettings, LampState, LineNo, Privacy};
use crate::watch::{End, Refusal, Shown, Side, Sight, Stage, Subject, View, Who};
use std::time::Duration;

/// What stands before a line's number on a key for callbacks.
const CALLBACK_KEY: &str = "cc+";

impl Features {
    /// What somebody wants to watch, if it is there and they may.
    pub(crate) fn subject(
        &self,
        dialled: &Dialled,
        package: Package,
        watcher: LineNo,
        pbx: &dyn Switch,
    ) -> Result<Subject, Refusal> {
        let number = &dialled.number;
        if let Some(target) = self.callback_key(number).filter(|_| package == Package::Dialog) {
            return Ok(Subject::CallbackKey(target, watcher));
        }
        let target = if dialled.park { self.parking(*number) } else { self.plan.resolve(number) };
        let subject = match (self.lots.retiring(number), target) {
            (Some(orbit), _) => Subject::Orbit(orbit),
            (None, Target::Line(line)) if package == Package::CallCompletion => {
                return Ok(Subject::Callback(line, watcher));
            }
            (None, Target::Line(line)) => Subject::Line(line),
            (None, Target::Lot(lot)) => Subject::Lot(lot),
            (None, Target::Orbit { lot, orbit }) => Subject::Orbit(self.lots.orbit(lot, orbit)),
            (None, Target::Trunk { .. } | Target::Code { .. } | Target::Emergency { .. } | Target::Nothing) => {
                return Err(Refusal::NotFound);
            }
        };
        match self.may_watch(View { subject, package, watcher, list: false }, pbx) {
            Ok(()) => Ok(subject),
            Err(End::Rejected) => Err(Refusal::Forbidden),
            Err(End::NoResource | End::Timeout | End::Probation) => Err(Refusal::NotFound),
        }
    }

    /// Whether there is something to watch, and this watcher may; else why it is over.
    fn may_watch(&self, view: View, pbx: &dyn Switch) -> Result<(), End> {
        let View { subject, package, watcher, .. } = view;
        if !self.is_line(watcher, pbx) {
            return Err(End::Rejected);
        }
        let may = match (subject, package) {
            (Subject::Line(line), _) if !self.is_line(line, pbx) => return Err(End::NoResource),
            (Subject::Callback(target, by), _) => {
                let waits = self.calls.completions.callback(by, target).is_some();
                return if waits { Ok(()) } else { Err(End::NoResource) };
            }
            (Subject::CallbackKey(target, _), Package::Dialog) => {
                return if self.is_line(target, pbx) { Ok(()) } else { Err(End::NoResource) };
            }
            (Subject::CallbackKey(..), _) | (_, Package::CallCompletion) => return Err(End::NoResource),
            (Subject::Line(line), Package::MessageSummary) => line == watcher,
            (Subject::Line(line), Package::Dialog | Package::Presence) => {
                line == watcher || !self.lamps.colleagues_only || pbx.are_colleagues(watcher, line)
            }
            (Subject::Orbit(_) | Subject::Lot(_), Package::MessageSummary | Package::Presence) => {
                return Err(End::NoResource);
            }
            (Subject::Orbit(orbit), Package::Dialog) => {
                if self.lots.is_retired(orbit) && self.lots.stay(orbit).is_none() {
                    return Err(End::NoResource);
                }
                pbx.is_member(Place::Line(watcher), &self.lots.settings(orbit).view_groups)
            }
            (Subject::Lot(lot), Package::Dialog) => {
                let orbits = self.lots.orbits_of(lot);
                if orbits.iter().all(|&orbit| self.lots.is_retired(orbit) && self.lots.stay(orbit).is_none()) {
                    return Err(End::NoResource);
                }
                pbx.is_member(Place::Line(watcher), &self.lots.lot(lot).view_groups)
            }
        };
        if may { Ok(()) } else { Err(End::Rejected) }
    }

    /// Looks at what is watched. Nothing is to be seen by whom it does not concern any more.
    pub(crate) fn look(&self, view: View, pbx: &dyn Switch, sight: &mut Sight) -> Result<(), End> {
        sight.clear();
        self.may_watch(view, pbx)?;
        let privacy = privacy(&self.lamps, view.watcher, pbx);
        match (view.subject, view.package) {
            (Subject::Callback(target, by), _) => {
                sight.number = pbx.identity(target).number;
                sight.callback = self.calls.completions.callback(by, target);
            }
            (Subject::CallbackKey(target, by), _) => {
                let own = pbx.identity(target);
                sight.number = cut(&words(format_args!("{CALLBACK_KEY}{}", own.number)));
                sight.calls.extend(self.calls.completions.lit(by, target).map(|(id, stage)| Shown {
                    at: sight.number,
                    id,
                    whose: 0,
                    ours: true,
                    stage,
                    initiator: false,
                    since: None,
                    local: Side { who: None, target: sight.number, park_id: None, holds: false },
                    remote: Some(Side { who: Some(known(&own)), target: own.number, park_id: None, holds: false }),
                }));
            }
            (Subject::Line(line), Package::Dialog) => self.look_at_line(line, privacy, pbx, sight),
            (Subject::Line(line), Package::Presence | Package::MessageSummary | Package::CallCompletion) => {
                sight.number = pbx.identity(line).number;
                if view.package == Package::Presence {
                    sight.open = !pbx.phones(line).is_empty();
                    let talks = |who| !matches!(pbx.state(who), State::Offering | State::Accepted);
                    sight.busy = pbx.sessions_of(line, CALLS_SHOWN).into_iter().any(talks);
                }
            }
            (Subject::Orbit(orbit), _) => {
                sight.number = self.lots.number(orbit);
                sight.calls.extend(self.waiting(orbit, privacy, pbx));
            }
            (Subject::Lot(lot), _) => {
                sight.number = cut(&self.lots.lot(lot).number);
                let orbits = self.lots.orbits_of(lot);
                let calls = orbits.iter().filter_map(|&orbit| self.waiting(orbit, privacy, pbx));
                sight.calls.extend(calls.take(CALLS_SHOWN));
                if view.list {
                    let is_there =
                        |orbit: &&OrbitNo| !self.lots.is_retired(**orbit) || self.lots.stay(**orbit).is_some();
                    let there = orbits.iter().filter(is_there).take(CALLS_SHOWN);
                    sight.members.extend(there.map(|&orbit| self.lots.number(orbit)));
                }
            }
        }
        Ok(())
    }

    /// From now on somebody looks at this subject, or nobody any more: orbits say when they change.
    pub(crate) fn watch(&mut self, subject: Subject, watched: bool, pbx: &mut dyn Switch) {
        match subject {
            Subject::Line(_) => {}
            Subject::Callback(target, by) if !watched => self.calls.completions.unwatched(by, target, pbx),
            Subject::Callback(..) | Subject::CallbackKey(..) => {}
            Subject::Orbit(orbit) => self.lots.watch_orbit(orbit, watched),
            Subject::Lot(lot) => self.lots.watch_lot(lot, watched),
        }
    }

    /// A line's phone watches for another to be free: that is how it asks for a callback (RFC 6910 §7.2). For how long at most.
    pub(crate) fn ask_by_watching(
        &mut self,
        (by, target): (LineNo, LineNo),
        kind: CompletionKind,
        pbx: &mut dyn Switch,
    ) -> Result<Duration, Refusal> {
        let asked = self.calls.completions.ask_by_watching((by, target), kind, pbx);
        // For ever, or for now (§9.7).
        asked.map_err(|why| if why == Cause::Forbidden { Refusal::NoCallback } else { Refusal::QueueFull })
    }

    /// Nobody watches anything.
    pub(crate) fn forget_changed(&mut self) {
        self.calls.completions.forget_changed();
    }

    /// A callback that somebody watches, and where something has changed: itself, and the key for it.
    pub(crate) fn next_callback_changed(&mut self) -> Option<[Subject; 2]> {
        let (by, target) = self.calls.completions.next_changed()?;
        Some([Subject::Callback(target, by), Subject::CallbackKey(target, by)])
    }

    /// The line that a key for callbacks is about: `cc+1002`.
    pub(super) fn callback_key(&self, number: &str) -> Option<LineNo> {
        self.plan.line(number.strip_prefix(CALLBACK_KEY)?)
    }

    /// An orbit where something has changed that somebody watches, and its lot.
    pub(crate) fn next_changed(&mut self) -> Option<(OrbitNo, usize)> {
        let orbit = self.lots.next_changed()?;
        Some((orbit, self.lots.lot_of(orbit)))
    }

    /// Whether a lot has so few orbits that they can be told one by one.
    pub(crate) fn is_list(&self, subject: Subject) -> bool {
        matches!(subject, Subject::Lot(lot) if self.lots.orbits_of(lot).len() <= CALLS_SHOWN)
    }

    /// A line that the configuration still has.
    fn is_line(&self, line: LineNo, pbx: &dyn Switch) -> bool {
        self.plan.line(&pbx.identity(line).number) == Some(line)
    }

    fn look_at_line(&self, line: LineNo, privacy: Privacy, pbx: &dyn Switch, sight: &mut Sight) {
        let own = pbx.identity(line);
        sight.number = own.number;
        for who in pbx.sessions_of(line, CALLS_SHOWN) {
            let state = pbx.state(who);
            let stage = match state {
                State::Proceeding | State::Offering => Stage::Trying,
                State::Accepted | State::Ringback => Stage::Early,
                State::Connected | State::Held | State::OnHold => Stage::Confirmed,
                State::Disconnected => continue,
            };
            let with = self.counterpart(who, pbx);
            let local =
                Side { who: Some(known(&own)), target: own.number, park_id: None, holds: state == State::OnHold };
            // Whoever replaces the call dials what stands there, and the line itself will do.
            let remote = with.filter(|_| privacy != Privacy::None).map(|with| Side {
                who: shown(&with, privacy, own.number),
                target: if with.private || privacy != Privacy::Full { own.number } else { with.number },
                park_id: None,
                holds: state == State::Held,
            });
            sight.calls.push(Shown {
                at: own.number,
                id: who.pack().into(),
                whose: who.pack(),
                ours: false,
                stage,
                initiator: pbx.has_called(who),
                since: None,
                local,
                remote,
            });
        }
    }

    /// Whom a party talks to, or will.
    fn counterpart(&self, who: SessionId, pbx: &dyn Switch) -> Option<Identity> {
        let party = |other| pbx.party(other).identity;
        if let Some(other) = pbx.other(who) {
            return Some(party(other));
        }
        match pbx.duty(who)? {
            Duty::Call(call) => {
                let call = self.calls.get(CallId::unpack(call))?;
                let other = if call.caller == who { *call.targets.first()? } else { call.waits_for_answer() };
                (other != who).then(|| party(other))
            }
            Duty::Reminder(orbit) | Duty::Retriever(orbit) => Some(party(self.lots.stay(orbit)?.call)),
            Duty::Parked(orbit) | Duty::Reserver(orbit) | Duty::Told(orbit) => Some(self.orbit_identity(orbit)),
            Duty::Offered(target, _) => Some(pbx.identity(target)),
            Duty::Completion(id) => {
                let own = pbx.party(who).place.line();
                self.calls.completions.other(Handle::unpack(id), own, pbx)
            }
            Duty::Echo(_) | Duty::Code => None,
        }
    }

    fn orbit_identity(&self, orbit: OrbitNo) -> Identity {
        let number = self.lots.number(orbit);
        match self.lots.name(orbit) {
            Some(name) => Identity::new(&number, name),
            None => Identity::new(&number, &format!("Park {number}")),
        }
    }

    /// Who waits in an orbit: not before it is safely there.
    fn waiting(&self, orbit: OrbitNo, privacy: Privacy, pbx: &dyn Switch) -> Option<Shown> {
        let stay = self.lots.stay(orbit).filter(|stay| !matches!(stay.phase, Phase::Arriving))?;
        let settings = self.lots.settings(orbit);
        let blinks = settings.lamp_state == LampState::Early
            || settings.lamp_on_reminder == LampState::Early && matches!(stay.phase, Phase::Reminding(_));
        let own = self.orbit_identity(orbit);
        let Stay { park_id, call, since, .. } = *stay;
        let remote = Side {
            who: shown(&pbx.party(call).identity, privacy, own.number),
            target: own.number,
            park_id: Some(park_id),
            holds: false,
        };
        Some(Shown {
            at: own.number,
            id: park_id,
            whose: call.pack(),
            ours: true,
            stage: if blinks { Stage::Early } else { Stage::Confirmed },
            initiator: false,
            since: Some(since),
            local: Side { who: Some(known(&own)), target: own.number, park_id: None, holds: false },
            remote: Some(remote),
        })
    }
}

/// What a watcher is shown of others: of its groups the one that shows the most, else what everybody is shown.
fn privacy(lamps: &LampSettings, watcher: LineNo, pbx: &dyn Switch) -> Privacy {
    let is_in = |group: &String| pbx.is_member(Place::Line(watcher), std::slice::from_ref(group));
    let own = lamps.privacy_of.iter().filter(|(group, _)| is_in(group)).map(|(_, privacy)| *privacy).max();
    own.unwrap_or(lamps.privacy)
}

fn known(identity: &Identity) -> Who {
    Who { name: identity.name, number: Some(identity.number) }
}

/// Somebody, as far as they may be shown. Where the number may not, `instead` stands for it.
fn shown(identity: &Identity, privacy: Privacy, instead: Number) -> Option<Who> {
    match privacy {
        Privacy::None => None,
        // They asked for it themselves (RFC 3323).
        Privacy::Name | Privacy::Full if identity.private => Some(Who { name: cut("Anonymous"), number: None }),
        Privacy::Name => Some(Who { name: identity.name, number: Some(instead) }),
        Privacy::Full => Some(known(identity)),
    }
}
