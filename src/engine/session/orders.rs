//! The exchange carries the switch's verbs out.
use super::exchange::{Errand, Exchange, Session, SessionId};
use super::switch::{Delivery, Phones, Ring, SessionEvent, Switch, Wake, Whom};
use super::{Announcement, Device, Duty, News, Party, Phone, Place, Reason, Sound, State, Station};
use crate::base::text::Number;
use crate::base::{Alarm, Room, Time, TimerId};
use crate::counters::{CompletionKind, LegDirection};
use crate::keep::Kept;
use crate::leg::{Call, Cause, Describe, FaceNo, Identity, LegId, Recall, Recalled};
use crate::settings::{CallbackRights, LineNo, MusicNo};
use crate::wire::Status;
use crate::wire::dtmf::Press;
use smallvec::SmallVec;
use std::time::Duration;

/// The reasons of the features' timers.
const CALL: u8 = 0;
const ORBIT: u8 = 1;
const HANG_UP: u8 = 2;
const KEYS: u8 = 3;
const COMFORT: u8 = 4;
const COMPLETION: u8 = 5;
const GUARD: u8 = 6;

impl Wake {
    /// What a timer says when it fires.
    pub(crate) fn read(alarm: Alarm) -> Self {
        match alarm.reason {
            CALL => Self::Call(alarm.whom),
            ORBIT => Self::Orbit(alarm.whom as u32),
            KEYS => Self::Keys(SessionId::unpack(alarm.whom)),
            COMFORT => Self::Comfort(alarm.whom as u32),
            COMPLETION => Self::Completion(alarm.whom),
            GUARD => Self::Guard(LineNo(alarm.whom as u32)),
            _ => Self::HangUp(SessionId::unpack(alarm.whom)),
        }
    }

    pub(crate) fn alarm(self) -> Alarm {
        let (reason, whom) = match self {
            Self::Call(call) => (CALL, call),
            Self::Orbit(orbit) => (ORBIT, orbit.into()),
            Self::Comfort(orbit) => (COMFORT, orbit.into()),
            Self::HangUp(who) => (HANG_UP, who.pack()),
            Self::Keys(who) => (KEYS, who.pack()),
            Self::Completion(request) => (COMPLETION, request),
            Self::Guard(line) => (GUARD, line.0.into()),
        };
        Alarm { room: Room::Feature, reason, whom }
    }
}

impl Switch for Exchange {
    fn now(&self) -> Time {
        self.legs.transactions.ground.now
    }

    fn party(&self, who: SessionId) -> Party {
        let nobody = Party { identity: Identity::default(), place: Place::Trunk(usize::MAX) };
        self.sessions.get(who).map_or(nobody, |session| session.party)
    }

    fn device(&self, who: SessionId) -> Option<Device> {
        self.sessions.get(who).map(|session| self.device_now(session))
    }

    fn device_of(&self, line: LineNo, device: Device) -> Device {
        Device(self.legs.transactions.ground.way_back_to(device.0, Some(line)))
    }

    fn state(&self, who: SessionId) -> State {
        self.sessions.get(who).map_or(State::Disconnected, |session| session.state)
    }

    fn other(&self, who: SessionId) -> Option<SessionId> {
        let other = self.sessions.get(who)?.bridge;
        self.sessions.get(other).map(|_| other)
    }

    fn is_moving(&self, who: SessionId) -> bool {
        let Some(session) = self.sessions.get(who) else { return false };
        let comes = |other: &Session| [other.errand, other.wanted].contains(&Errand::Join(who));
        let moves = session.errand.moves() || session.wanted.moves();
        moves || self.sessions.get(session.awaits).is_some_and(comes)
    }

    fn duty(&self, who: SessionId) -> Option<Duty> {
        self.sessions.get(who).map(|session| session.duty)
    }

    fn calls_of(&self, line: LineNo) -> usize {
        self.sessions.count(line)
    }

    fn sessions_of(&self, line: LineNo, at_most: usize) -> SmallVec<[SessionId; 4]> {
        self.sessions.of(line).take(at_most).collect()
    }

    fn has_called(&self, who: SessionId) -> bool {
        self.legs.direction(self.leg_of(who)) == Some(LegDirection::In)
    }

    fn busy_limit(&self, line: LineNo) -> Option<usize> {
        self.lines.directory.busy_limit(line)
    }

    fn phones(&self, line: LineNo) -> Phones {
        self.lines.locations.phones(line).take(Phones::new_const().capacity()).collect()
    }

    fn station(&self, line: LineNo, phone: Phone) -> Station {
        let lasting = self.lines.locations.lasting(line, phone);
        Station { device: phone.device, contact: self.legs.transactions.ground.hasher.hash_one(lasting) }
    }

    fn identity(&self, line: LineNo) -> Identity {
        self.lines.directory.identity(line)
    }

    fn is_member(&self, place: Place, groups: &[String]) -> bool {
        groups.is_empty()
            || place.line().is_some_and(|line| groups.iter().any(|group| self.lines.directory.is_member(line, group)))
    }

    fn held_by(&self, line: LineNo, device: Option<Device>) -> Option<SessionId> {
        self.holding.iter().rev().copied().find(|&who| {
            self.sessions.get(who).is_some_and(|session| {
                session.party.place == Place::Line(line)
                    && device.is_none_or(|device| self.device_now(session) == device)
            })
        })
    }

    fn calls_held(&self, line: LineNo, device: Device) -> usize {
        let holds =
            |session: &super::Session| session.party.place == Place::Line(line) && self.device_now(session) == device;
        self.holding.iter().filter(|&&who| self.sessions.get(who).is_some_and(holds)).count()
    }

    fn may_use_keys(&self, who: SessionId) -> bool {
        self.sessions.get(who).is_some_and(|session| self.keys_may_mean_something(session.party.place))
    }

    fn music(&self, line: LineNo) -> Option<MusicNo> {
        self.lines.directory.music(line)
    }

    fn are_colleagues(&self, one: LineNo, other: LineNo) -> bool {
        self.lines.directory.share_group(one, other)
    }

    fn callbacks(&self, line: LineNo) -> CallbackRights {
        self.lines.directory.callbacks(line)
    }

    fn ring(&mut self, ring: Ring<'_>) -> Option<SessionId> {
        let ours = ring.on_behalf == SessionId::NONE;
        let behalf = if ours { LegId::NONE } else { self.sessions.get(ring.on_behalf)?.leg };
        let hop = if ours { Device::NOWHERE.0 } else { self.legs.hop(behalf)? };
        let port = if ours { Some(self.take_port()?) } else { None };
        let face = if ours { FaceNo::NONE } else { self.pave_for_ring(&ring)? };
        let recall = ring.recall.as_ref().map(|recall| Recall {
            orbit: &recall.orbit,
            waited: recall.waited,
            of: recall.of,
            vendor: match recall.of {
                Recalled::Parked | Recalled::Transferred => self.lots.get(recall.lot).map_or("", |lot| &lot.alert_info),
                Recalled::Completion => &self.callback_alert,
            },
        });
        let hops = self.legs.hops(behalf);
        let mut call = Call {
            uri: &[],
            hop,
            pinned: false,
            line: None,
            to: "",
            from: &ring.from,
            asserted: &ring.asserted,
            describe: port.map_or_else(|| self.offer_of(ring.on_behalf, behalf), Describe::Ours),
            luggage: Some(behalf),
            hops,
            recall,
            referred_by: ring.referred_by.as_ref(),
            path: ring.path,
            early_offer: ring.alone && self.legs.can_offer_early(behalf),
            face,
        };
        let (leg, party) = match ring.whom {
            Whom::Phone(line, phone) => {
                let contact = self.lines.locations.contact(line, phone)?;
                let identity = self.lines.directory.identity(line);
                (call.uri, call.hop, call.pinned, call.line) = (contact.uri, contact.hop, contact.pinned, Some(line));
                call.to = &identity.number;
                (self.legs.call(call), Party { identity, place: Place::Line(line) })
            }
            Whom::Trunk(trunk, number) => {
                let settings = self.lines.directory.trunk(trunk)?;
                let uri = crate::leg::trunk_uri(&number, settings);
                (call.uri, call.hop) =
                    (&uri, self.legs.transactions.ground.hop_to(settings.address, settings.transport));
                call.to = &number;
                let identity = Identity { number, ..Identity::default() };
                (self.legs.call(call), Party { identity, place: Place::Trunk(trunk) })
            }
        };
        let Some(leg) = leg else {
            self.close_face(face);
            if let Some(port) = port {
                self.ports.put_back(port);
            }
            return None;
        };
        let who = self.admit(leg, party, ring.duty, State::Offering, ring.reason);
        if let Some(port) = port {
            self.open_port(who, port);
        }
        if let Some(session) = self.sessions.get_mut(who) {
            session.face = face;
        }
        // A phone is known by where it registered from, even if it is called elsewhere.
        if let (Whom::Phone(_, phone), Some(session)) = (ring.whom, self.sessions.get_mut(who)) {
            session.device = phone.device;
        }
        Some(who)
    }

    fn alert(&mut self, caller: SessionId, target: SessionId, ringing: bool, described: bool) {
        let Some(session) = self.sessions.get(target) else { return };
        let (leg, shown) = (session.leg, session.party.identity);
        let Some(session) = self.sessions.get_mut(caller) else { return };
        if ringing {
            session.state = State::Ringback;
        }
        let caller_leg = session.leg;
        // A caller who made no offer gets one only where its answer has a place to go.
        let described = described
            && (!self.legs.can_offer_early(caller_leg) || self.legs.owes_early_answer(leg))
            && self.pave(caller, target).is_ok();
        if described {
            for (who, early) in [(caller, target), (target, caller)] {
                if let Some(session) = self.sessions.get_mut(who) {
                    session.early = early;
                }
            }
        }
        let describe = if described { Describe::Like(leg) } else { Describe::Nothing };
        // What it agreed on holds until somebody answers, whatever other forks say.
        let agreed = self.legs.is_agreed_early(caller_leg);
        self.legs.alert(caller_leg, ringing, describe, &shown);
        if described && !agreed {
            self.channel(caller, target);
        }
    }

    fn elsewhere(&self, who: SessionId) -> Option<Number> {
        Some(self.elsewhere.1).filter(|_| self.elsewhere.0 == who)
    }

    fn forwarding(&mut self, caller: SessionId, to: Identity) {
        let leg = self.leg_of(caller);
        self.legs.forwarding(leg, &to);
    }

    fn redirect(&mut self, caller: SessionId, number: &str) {
        let leg = self.leg_of(caller);
        self.legs.redirect(leg, number);
        self.remove(caller);
    }

    fn hide(&mut self, who: SessionId, hidden: bool) {
        let Some(session) = self.sessions.get_mut(who) else { return };
        if session.party.identity.private == hidden {
            return;
        }
        session.party.identity.private = hidden;
        // A name tells as much as a number.
        let name = session.party.place.line().filter(|_| !hidden).map(|line| self.lines.directory.identity(line).name);
        session.party.identity.name = name.unwrap_or_default();
    }

    fn connect(&mut self, caller: SessionId, target: SessionId) {
        let Some(session) = self.sessions.get(target) else { return };
        let (leg, shown) = (session.leg, session.party.identity);
        let Some(caller_leg) = self.sessions.get(caller).map(|session| session.leg) else { return };
        let agreed = self.legs.is_agreed_early(caller_leg);
        // Without a port it goes past us.
        let _ = self.pave(caller, target);
        if self.legs.answer(caller_leg, Describe::Like(leg), &shown) {
            self.legs.unpack(caller_leg);
            self.bridge(caller, target);
            // What it was told before the answer was somebody else's, or is not so any more.
            if agreed && !self.legs.has_told(caller_leg, leg) {
                self.want(caller, Errand::Tune(target));
            }
            self.channel(caller, target);
            self.retell(target, caller);
            self.events.push_back(SessionEvent::Joined(caller, target));
        } else {
            self.events.push_back(SessionEvent::JoinFailed(caller, target));
        }
    }

    fn can_accept(&self, caller: SessionId) -> bool {
        let answerable =
            |session: &Session| self.legs.has_answer(session.leg) && (session.port != 0 || self.ports.free() > 0);
        self.sessions.get(caller).is_some_and(answerable)
    }

    fn accept(&mut self, caller: SessionId, sound: Sound, shown: Identity) {
        let Some(session) = self.sessions.get_mut(caller) else { return };
        session.sound = sound;
        let leg = session.leg;
        if !self.legs.has_answer(leg) {
            return self.drop(caller, Cause::NotAcceptable, "No codec in common");
        }
        let Some(port) = self.port_of(caller) else {
            return self.drop(caller, Cause::Overload, "No media port left");
        };
        let Some(session) = self.sessions.get_mut(caller) else { return };
        session.state = State::Connected;
        session.reason = Reason::Feature;
        self.legs.answer(session.leg, Describe::Ours(port), &shown);
    }

    fn say(&mut self, who: SessionId, announcement: Announcement, at_most: Duration) {
        self.tell_party(who, announcement, at_most);
    }

    fn dismiss(&mut self, caller: SessionId, announcement: Announcement, at_most: Duration, why: (Cause, &str)) {
        self.dismiss_aloud(caller, announcement, at_most, why);
    }

    fn hold(&mut self, who: SessionId, sound: Sound) {
        self.set_sound(who, sound);
        self.want(who, Errand::Hold);
    }

    fn join(&mut self, held: SessionId, with: SessionId, reason: Reason) {
        if let Some(session) = self.sessions.get_mut(with) {
            (session.reason, session.awaits) = (reason, held);
        }
        self.want(held, Errand::Join(with));
    }

    fn mark_completable(&mut self, caller: SessionId, may: Option<(Number, CompletionKind)>) {
        if let Some(leg) = self.sessions.get(caller).map(|session| session.leg) {
            self.legs.mark_completable(leg, may);
        }
    }

    fn drop(&mut self, who: SessionId, cause: Cause, words: &str) {
        let Some(leg) = self.sessions.get(who).map(|session| session.leg) else { return };
        self.legs.end(leg, cause, words);
        self.remove(who);
    }

    fn hang_up(&mut self, who: SessionId) {
        let Some(leg) = self.sessions.get(who).map(|session| session.leg) else { return };
        self.legs.end(leg, Cause::Normal, "");
        self.over(who, SessionEvent::Left(who, Cause::Normal));
    }

    fn take_key(&mut self, who: SessionId) {
        if let Some(leg) = self.sessions.get(who).map(|session| session.leg) {
            self.legs.pass_back(leg, Status::OK);
        }
    }

    fn press(&mut self, who: SessionId, press: Press) -> Delivery {
        self.deliver(who, press)
    }

    fn assign(&mut self, who: SessionId, duty: Duty) {
        if let Some(session) = self.sessions.get_mut(who) {
            session.duty = duty;
        }
    }

    fn accept_transfer(&mut self, who: SessionId) {
        if let Some(session) = self.sessions.get(who) {
            self.legs.accept_refer(session.leg);
        }
    }

    fn alert_transfer(&mut self, who: SessionId) {
        if let Some(session) = self.sessions.get(who) {
            self.legs.alert_refer(session.leg);
        }
    }

    fn refuse_transfer(&mut self, who: SessionId, cause: Cause, words: &str) {
        if let Some(session) = self.sessions.get(who) {
            self.legs.refuse_refer(session.leg, cause, words);
        }
    }

    fn report_transfer(&mut self, who: SessionId, result: Result<Number, Cause>, words: &str) {
        if let Some(session) = self.sessions.get(who) {
            self.legs.report_refer(session.leg, result.as_deref().map_err(|&cause| cause), words);
        }
    }

    fn wake(&mut self, whom: Wake, after: Duration) -> TimerId {
        let ground = self.legs.ground();
        ground.timers.start(ground.now, after, whom.alarm())
    }

    fn forget(&mut self, timer: TimerId) {
        self.legs.ground().timers.stop(timer);
    }

    fn chance(&mut self, end: u32) -> u32 {
        self.legs.ground().rng.below(end)
    }

    fn token(&mut self) -> u128 {
        let rng = &mut self.legs.ground().rng;
        u128::from(rng.bits64()) << 64 | u128::from(rng.bits64())
    }

    fn tell(&mut self, news: News) {
        self.news.push(news);
    }

    fn keep(&mut self, kept: Kept) {
        self.kept.push(kept);
    }
}

impl Exchange {
    /// A phone that lost its connection is where it came back.
    fn device_now(&self, session: &super::Session) -> Device {
        match session.party.place.line() {
            Some(line) => self.device_of(line, session.device),
            None => session.device,
        }
    }
}
