//! A switch that does nothing but remember what it was told: features are tested against it, without a phone in sight.
use crate::base::text::Number;
use crate::base::{Handle, Room, Time, TimerId, Timers};
use crate::counters::CompletionKind;
use crate::keep::Kept;
use crate::leg::{Cause, Identity};
use crate::session::switch::Phones;
use crate::session::{
    Announcement, Delivery, Device, Duty, News, Party, Phone, Phrase, Place, Reason, Ring, SessionId, Sound, State,
    Station, Switch, Wake, Whom,
};
use crate::settings::{CallbackRights, LineNo, MusicNo};
use crate::wire::dtmf::Press;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::time::Duration;

/// An order, as a test compares it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    Ring(Device, String),
    Hold(SessionId, Sound),
    Join(SessionId, SessionId, Reason),
    Say(SessionId, Phrase, String),
    Dismiss(SessionId, Phrase, Cause),
    Drop(SessionId, Cause),
    Accept(SessionId, String),
    Report(SessionId, Result<String, Cause>),
    Wake(Wake, Duration),
    Tell(News),
    Keep(Kept),
    Press(SessionId, u8),
    HangUp(SessionId),
}

/// A session that exists on paper only.
#[derive(Clone, Copy, Debug)]
struct Paper {
    party: Party,
    duty: Duty,
    other: SessionId,
}

/// The switch.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    told: Vec<Told>,
    sessions: BTreeMap<u32, Paper>,
    now: Time,
    timers: Timers,
    next: u32,
    keyless: Vec<SessionId>,
    shut: Vec<LineNo>,
    busy: BTreeMap<LineNo, usize>,
    away: Vec<LineNo>,
}

impl Recorder {
    /// A party's session, bridged with nobody.
    pub(super) fn seat(&mut self, line: u32, name: &str, duty: Duty) -> SessionId {
        let identity = Identity::new(&format!("100{line}"), name);
        let party = Party { identity, place: Place::Line(LineNo(line)) };
        self.next += 1;
        self.sessions.insert(self.next, Paper { party, duty, other: SessionId::NONE });
        Handle::new(self.next, 0)
    }

    pub(super) fn bridge(&mut self, one: SessionId, other: SessionId) {
        for (who, peer) in [(one, other), (other, one)] {
            if let Some(session) = self.sessions.get_mut(&who.slot()) {
                session.other = peer;
            }
        }
    }

    /// This party's keys do nothing.
    pub(super) fn may_not_use_keys(&mut self, who: SessionId) {
        self.keyless.push(who);
    }

    /// This line wants no callbacks, neither for itself nor for others.
    pub(super) fn wants_no_callbacks(&mut self, line: u32) {
        self.shut.push(LineNo(line));
    }

    /// So many calls does this line have elsewhere.
    pub(super) fn talks(&mut self, line: u32, calls: usize) {
        self.busy.insert(LineNo(line), calls);
    }

    /// Whether this line has a phone.
    pub(super) fn is_there(&mut self, line: u32, there: bool) {
        self.away.retain(|&away| away != LineNo(line));
        self.away.extend((!there).then_some(LineNo(line)));
    }

    /// What was ordered since the last time.
    pub(super) fn take(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// So much time passes; what the orbits' clock says.
    pub(super) fn passes(&mut self, time: Duration) -> Option<Wake> {
        self.now = self.now + time;
        let alarm = self.timers.expire(self.now)?;
        assert_eq!(alarm.room, Room::Feature);
        Some(Wake::read(alarm))
    }

    /// The phone at which a line can be rung.
    pub(super) fn phone(line: u32) -> Device {
        let address = ([10, 0, 1, line as u8], 5060).into();
        Device(crate::ground::Hop { flow: crate::base::Flow(0), address })
    }

    fn paper(&self, who: SessionId) -> Option<&Paper> {
        self.sessions.get(&who.slot())
    }
}

impl Switch for Recorder {
    fn now(&self) -> Time {
        self.now
    }

    fn party(&self, who: SessionId) -> Party {
        self.paper(who).expect("a session").party
    }

    fn device(&self, who: SessionId) -> Option<Device> {
        self.paper(who)?.party.place.line().map(|line| Self::phone(line.0))
    }

    fn device_of(&self, _: LineNo, device: Device) -> Device {
        device
    }

    fn state(&self, who: SessionId) -> State {
        if self.paper(who).is_some() { State::Connected } else { State::Disconnected }
    }

    fn other(&self, who: SessionId) -> Option<SessionId> {
        let other = self.paper(who)?.other;
        self.paper(other).map(|_| other)
    }

    fn is_moving(&self, _: SessionId) -> bool {
        false
    }

    fn duty(&self, who: SessionId) -> Option<Duty> {
        self.paper(who).map(|session| session.duty)
    }

    fn calls_of(&self, line: LineNo) -> usize {
        let at_line = self.sessions.values().filter(|session| session.party.place == Place::Line(line)).count();
        self.busy.get(&line).copied().unwrap_or(0) + at_line
    }

    fn sessions_of(&self, line: LineNo, at_most: usize) -> SmallVec<[SessionId; 4]> {
        let at = |paper: &Paper| paper.party.place == Place::Line(line);
        let newest = self.sessions.iter().rev().filter(|(_, paper)| at(paper));
        newest.take(at_most).map(|(&slot, _)| Handle::new(slot, 0)).collect()
    }

    fn has_called(&self, who: SessionId) -> bool {
        self.paper(who).is_some_and(|paper| matches!(paper.duty, Duty::Code))
    }

    fn busy_limit(&self, _: LineNo) -> Option<usize> {
        None
    }

    fn phones(&self, line: LineNo) -> Phones {
        let phone = Phone { device: Self::phone(line.0), contact: 1 };
        std::iter::once(phone).filter(|_| !self.away.contains(&line)).collect()
    }

    fn station(&self, _: LineNo, phone: Phone) -> Station {
        Station { device: phone.device, contact: phone.contact }
    }

    fn identity(&self, line: LineNo) -> Identity {
        Identity::new(&format!("100{}", line.0), "")
    }

    fn is_member(&self, _: Place, groups: &[String]) -> bool {
        groups.is_empty()
    }

    fn held_by(&self, _: LineNo, _: Option<Device>) -> Option<SessionId> {
        None
    }

    fn calls_held(&self, _: LineNo, _: Device) -> usize {
        0
    }

    fn may_use_keys(&self, who: SessionId) -> bool {
        !self.keyless.contains(&who)
    }

    fn music(&self, _: LineNo) -> Option<MusicNo> {
        None
    }

    fn are_colleagues(&self, _: LineNo, _: LineNo) -> bool {
        false
    }

    fn callbacks(&self, line: LineNo) -> CallbackRights {
        let open = !self.shut.contains(&line);
        CallbackRights { ask: open, give: open }
    }

    fn ring(&mut self, ring: Ring<'_>) -> Option<SessionId> {
        let Whom::Phone(line, phone) = ring.whom else { return None };
        self.told.push(Told::Ring(phone.device, ring.from.name.to_string()));
        Some(self.seat(line.0, "", ring.duty))
    }

    fn alert(&mut self, _: SessionId, _: SessionId, _: bool, _: bool) {}

    fn elsewhere(&self, _: SessionId) -> Option<Number> {
        None
    }

    fn forwarding(&mut self, _: SessionId, _: Identity) {}

    fn redirect(&mut self, caller: SessionId, _: &str) {
        self.sessions.remove(&caller.slot());
    }

    fn hide(&mut self, who: SessionId, hidden: bool) {
        if let Some(session) = self.sessions.get_mut(&who.slot()) {
            session.party.identity.private = hidden;
        }
    }

    fn connect(&mut self, caller: SessionId, target: SessionId) {
        self.bridge(caller, target);
    }

    fn can_accept(&self, _: SessionId) -> bool {
        true
    }

    fn accept(&mut self, caller: SessionId, _: Sound, shown: Identity) {
        self.told.push(Told::Accept(caller, shown.name.to_string()));
    }

    fn say(&mut self, who: SessionId, said: Announcement, _: Duration) {
        self.told.push(Told::Say(who, said.phrase, said.number.to_string()));
    }

    fn dismiss(&mut self, caller: SessionId, said: Announcement, _: Duration, (cause, _): (Cause, &str)) {
        self.sessions.remove(&caller.slot());
        self.told.push(Told::Dismiss(caller, said.phrase, cause));
    }

    fn hold(&mut self, who: SessionId, sound: Sound) {
        self.told.push(Told::Hold(who, sound));
    }

    fn join(&mut self, held: SessionId, with: SessionId, reason: Reason) {
        self.told.push(Told::Join(held, with, reason));
    }

    fn mark_completable(&mut self, _: SessionId, _: Option<(Number, CompletionKind)>) {}

    fn drop(&mut self, who: SessionId, cause: Cause, _: &str) {
        self.sessions.remove(&who.slot());
        self.told.push(Told::Drop(who, cause));
    }

    fn hang_up(&mut self, who: SessionId) {
        self.told.push(Told::HangUp(who));
    }

    fn take_key(&mut self, _: SessionId) {}

    fn press(&mut self, who: SessionId, press: Press) -> Delivery {
        self.told.push(Told::Press(who, press.key));
        if press.wants_answer() { Delivery::OnItsWay } else { Delivery::Done }
    }

    fn assign(&mut self, who: SessionId, duty: Duty) {
        if let Some(session) = self.sessions.get_mut(&who.slot()) {
            session.duty = duty;
        }
    }

    fn accept_transfer(&mut self, _: SessionId) {}

    fn alert_transfer(&mut self, _: SessionId) {}

    fn refuse_transfer(&mut self, _: SessionId, _: Cause, _: &str) {}

    fn report_transfer(&mut self, who: SessionId, result: Result<Number, Cause>, _: &str) {
        self.told.push(Told::Report(who, result.map(|place| place.to_string())));
    }

    fn wake(&mut self, whom: Wake, after: Duration) -> TimerId {
        self.told.push(Told::Wake(whom, after));
        self.timers.start(self.now, after, whom.alarm())
    }

    fn forget(&mut self, timer: TimerId) {
        self.timers.stop(timer);
    }

    fn chance(&mut self, _: u32) -> u32 {
        0
    }

    fn token(&mut self) -> u128 {
        7
    }

    fn tell(&mut self, news: News) {
        self.told.push(Told::Tell(news));
    }

    fn keep(&mut self, kept: Kept) {
        self.told.push(Told::Keep(kept));
    }
}
