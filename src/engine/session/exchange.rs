//! The exchange: all sessions, and what their legs tell of them.
use super::ports::Ports;
use super::sessions::{Row, Sessions};
use super::speech::Speech;
use super::{Device, Duty, News, Party, Reason, SessionEvent, State, Wake};
use crate::base::text::Number;
use crate::base::{Alarm, Handle, Room, Time, TimerId};
use crate::counters::{CallState, Gauges, RtpKind};
use crate::keep::Kept;
use crate::leg::{Cause, FaceNo, LegEvent, LegId, Legs};
use crate::line::Lines;
use crate::settings::{Codec, LotSettings, MusicNo, Settings};
use crate::transaction::Owner;
use crate::wire::Message;
use crate::wire::media::{MediaEvent, MediaOrder, Sound};
use std::collections::VecDeque;
use std::time::Duration;

/// The reasons of a session's timers: to try again, and that enough was said.
pub(super) const RETRY: u8 = 0;
pub(super) const SPEECH: u8 = 1;

/// Names a session.
pub type SessionId = Handle<Session>;

/// One party's view of a call.
#[derive(Debug)]
pub struct Session {
    pub(super) leg: LegId,
    pub(super) party: Party,
    /// Among the sessions of its line.
    pub(super) row: Row,
    pub(super) device: Device,
    pub(super) duty: Duty,
    pub(super) state: State,
    pub(super) reason: Reason,
    /// Who hears it.
    pub(super) bridge: SessionId,
    /// Who was told what it sends before the call is answered.
    pub(super) early: SessionId,
    /// Who is on its way to it.
    pub(super) awaits: SessionId,
    /// The change of media under way.
    pub(super) errand: Errand,
    /// The one that comes next.
    pub(super) wanted: Errand,
    /// The server's own RTP port for it; 0 for none.
    pub(super) port: u16,
    /// What it hears there.
    pub(super) codec: Codec,
    /// Where it sends media that goes through us.
    pub(super) face: FaceNo,
    /// It came to that port for music, while the other party holds.
    pub(super) music: bool,
    /// What is heard there when nothing is said.
    pub(super) sound: Sound,
    /// What is being said to it, or soon will be; boxed, because most hear nothing from us.
    pub(super) speech: Option<Box<Speech>>,
    /// Somebody watches its line.
    pub(super) watched: bool,
    /// Its 2xx had an offer, which waits for the other party's answer.
    pub(super) late: bool,
    pub(super) held_since: Time,
    pub(super) retry: TimerId,
    /// How often the change that is wanted was put off by the other side.
    pub(super) tries: u8,
    /// How often it was told anew of whom it was joined with.
    pub(super) retold: u8,
}

/// A change of a session's media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Errand {
    /// None.
    #[default]
    None,
    /// What the other party wanted changed.
    Relay,
    /// To the server's own sound.
    Hold,
    /// To our music, while the other party holds.
    Entertain,
    /// To this session's party.
    Join(SessionId),
    /// Nothing: it has been told of this session's party, which is still to agree.
    Expect(SessionId),
    /// To this session's party, which has come to it.
    Meet(SessionId),
    /// Told anew where this session's party is.
    Tune(SessionId),
    /// Told once more what it was told last.
    Refresh,
}

impl Errand {
    /// Whether a feature waits for it: the party is on its way to another, or to a sound of ours.
    pub(super) const fn moves(self) -> bool {
        matches!(self, Self::Hold | Self::Join(_) | Self::Expect(_) | Self::Meet(_))
    }
}

/// All sessions.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) legs: Legs,
    pub(crate) lines: Lines,
    pub(crate) news: Vec<News>,
    pub(crate) kept: Vec<Kept>,
    pub(crate) media: Vec<MediaOrder>,
    pub(crate) sessions: Sessions,
    pub(super) ports: Ports,
    pub(super) events: VecDeque<SessionEvent>,
    /// Who has just sent a call on, and where.
    pub(super) elsewhere: (SessionId, Number),
    /// Sessions whose party holds, the latest last.
    pub(super) holding: Vec<SessionId>,
    pub(super) lots: Vec<LotSettings>,
    /// What the phone of who is called back is told to ring like.
    pub(super) callback_alert: String,
    /// A line is free for a callback below its limit, too.
    free_below_limit: bool,
    /// Who is held hears music.
    pub(super) hold_music: bool,
    /// Who is parked and says nothing for so long is gone; zero: nobody is.
    pub(super) rtp_timeout: Duration,
    /// How often something was said: numbers the orders.
    pub(super) speeches: u32,
}

impl Exchange {
    pub(crate) fn new(legs: Legs, lines: Lines, settings: &Settings, engine: u8) -> Self {
        let hasher = legs.transactions.ground.hasher.clone();
        Self {
            legs,
            lines,
            news: Vec::new(),
            kept: Vec::new(),
            media: Vec::new(),
            sessions: Sessions::new(engine, hasher),
            ports: Ports::new(settings.media.ports.clone()),
            events: VecDeque::new(),
            elsewhere: (SessionId::NONE, Number::new_const()),
            holding: Vec::new(),
            lots: settings.lots.clone(),
            callback_alert: settings.completion.alert_info.clone(),
            free_below_limit: settings.completion.free_below_limit,
            hold_music: settings.media.hold_music,
            rtp_timeout: settings.media.rtp_timeout_hold,
            speeches: 0,
        }
    }

    /// Other settings from now on.
    pub(crate) fn reload(&mut self, settings: &Settings) {
        self.legs.reload(settings);
        self.lots.clone_from(&settings.lots);
        self.callback_alert.clone_from(&settings.completion.alert_info);
        self.free_below_limit = settings.completion.free_below_limit;
        self.hold_music = settings.media.hold_music;
        self.rtp_timeout = settings.media.rtp_timeout_hold;
    }

    /// A call arrived: its session.
    pub(crate) fn arrived(&mut self, leg: LegId, party: Party, duty: Duty) -> SessionId {
        self.admit(leg, party, duty, State::Proceeding, Reason::Direct)
    }

    pub(super) fn admit(&mut self, leg: LegId, party: Party, duty: Duty, state: State, reason: Reason) -> SessionId {
        let device = self.legs.hop(leg).map_or(Device::NOWHERE, Device);
        let who = self.sessions.insert(Session {
            leg,
            party,
            row: Row::default(),
            watched: false,
            device,
            duty,
            state,
            reason,
            bridge: SessionId::NONE,
            early: SessionId::NONE,
            awaits: SessionId::NONE,
            errand: Errand::None,
            wanted: Errand::None,
            port: 0,
            codec: Codec::Pcmu,
            face: FaceNo::NONE,
            music: false,
            sound: Sound::Music(MusicNo::default()),
            speech: None,
            late: false,
            held_since: Time::ZERO,
            retry: TimerId::NONE,
            tries: 0,
            retold: 0,
        });
        self.legs.adopt(leg, Owner(who.pack()));
        who
    }

    /// What happened on a leg.
    pub(crate) fn leg_event(&mut self, owner: Owner, event: LegEvent, message: Option<&Message<'_>>) {
        let who = SessionId::unpack(owner.0);
        let Some(session) = self.sessions.get_mut(who) else { return };
        match event {
            LegEvent::Progressed { ringing, described } => {
                session.state = State::Accepted;
                self.events.push_back(SessionEvent::Alerting { who, ringing, described });
            }
            LegEvent::Answered { offers } => {
                session.state = State::Connected;
                session.late = offers;
                // Who was rung on nobody's behalf hears us.
                if session.port != 0 {
                    self.redirect(who);
                }
                self.events.push_back(SessionEvent::Answered(who));
            }
            LegEvent::Pracked => self.pracked(who),
            LegEvent::Refused(cause) => self.over(who, SessionEvent::Failed(who, cause)),
            LegEvent::Redirected(number) => {
                self.elsewhere = (who, number);
                self.over(who, SessionEvent::Redirected(who));
            }
            LegEvent::Cancelled => self.over(who, SessionEvent::Left(who, Cause::Cancelled)),
            LegEvent::HungUp(cause) => self.over(who, SessionEvent::Left(who, cause)),
            LegEvent::Acknowledged { described } => self.acknowledged(who, described),
            LegEvent::Offered { described } => self.offered(who, described),
            LegEvent::Agreed { offers } => self.agreed(who, offers),
            LegEvent::Disagreed(cause) => self.disagreed(who, cause),
            LegEvent::Settled => self.resume(who),
            LegEvent::RefreshDue => self.refresh(who),
            LegEvent::Passed => self.passed(who, message),
            LegEvent::PassSettled(status) => self.pass_settled(who, status),
            // Where a transfer leads only the features know: the corridor asked them.
            LegEvent::Referred(..) => {}
        }
    }

    /// The next thing that a feature should know.
    pub(crate) fn next_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// One of our timers.
    pub(crate) fn expired(&mut self, alarm: Alarm) {
        debug_assert_eq!(alarm.room, Room::Session);
        let who = SessionId::unpack(alarm.whom);
        if alarm.reason == SPEECH {
            return self.end_speech(who);
        }
        debug_assert_eq!(alarm.reason, RETRY);
        self.resume(who);
    }

    /// A session's leg.
    pub(crate) fn leg_of(&self, who: SessionId) -> LegId {
        self.sessions.get(who).map_or(LegId::NONE, |session| session.leg)
    }

    /// Every session that this deadline is about.
    pub(crate) fn working_for(&self, wake: Wake) -> Vec<SessionId> {
        let works = |(who, session): &(SessionId, &Session)| match (wake, session.duty) {
            (Wake::Call(call), Duty::Call(for_call)) => call == for_call,
            (Wake::Orbit(orbit), Duty::Parked(at) | Duty::Reminder(at)) => orbit == at,
            (Wake::Orbit(orbit), Duty::Retriever(at) | Duty::Reserver(at)) => orbit == at,
            (Wake::Comfort(orbit), Duty::Parked(at)) => orbit == at,
            (Wake::HangUp(whom), _) => *who == whom,
            (Wake::Keys(whom), _) => *who == whom,
            (Wake::Completion(request), Duty::Completion(of)) => request == of,
            (Wake::Call(_) | Wake::Orbit(_) | Wake::Comfort(_) | Wake::Completion(_) | Wake::Guard(_), _) => false,
        };
        self.sessions.iter().filter(works).map(|(who, _)| who).collect()
    }

    /// Who has this RTP port of the server's.
    pub(crate) fn at_port(&self, port: u16) -> Option<SessionId> {
        let has = |session: &Session| {
            let face = || self.legs.faces.face(session.face);
            session.port == port || face().is_some_and(|face| face.ports.contains(&port))
        };
        self.sessions.iter().find(|(_, session)| has(session)).map(|(who, _)| who)
    }

    /// What the media threads report.
    pub(crate) fn media_event(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::Failed { port } => match self.at_port(port) {
                Some(who) if self.sessions.get(who).is_some_and(|session| session.port == port) => self.no_port(who),
                Some(who) => self.relay_event(who, event),
                None => {}
            },
            MediaEvent::Heard { port } | MediaEvent::OneWay { port } => {
                if let Some(who) = self.at_port(port) {
                    self.relay_event(who, event);
                }
            }
            MediaEvent::Silent { port } => self.fell_silent(port),
            MediaEvent::Played { ticket, .. } => self.said(ticket),
            // What keys do only the features know: the corridor asked them.
            MediaEvent::Pressed { .. } => {}
        }
    }

    /// The media threads could not bind it: another port, for who was to use this one.
    fn no_port(&mut self, who: SessionId) {
        if let Some(session) = self.sessions.get_mut(who) {
            session.music = false;
            self.ports.lose(std::mem::take(&mut session.port));
        }
        if self.speech_interrupted(who) {
            return;
        }
        if let Some(session) = self.sessions.get_mut(who) {
            // Whoever is on the way to somebody needs none. Should that fail, it is held again.
            let leaves = |errand| matches!(errand, Errand::Join(_) | Errand::Expect(_) | Errand::Meet(_));
            let comes = [session.errand, session.wanted].contains(&Errand::Hold);
            if !leaves(session.errand) && !leaves(session.wanted) {
                // Who hears music while it is held is still connected.
                let is_held = session.bridge != SessionId::NONE && !comes;
                session.wanted = if is_held { Errand::Entertain } else { Errand::Hold };
            }
        }
        self.resume(who);
    }

    /// A session is over; its feature hears of it while it can still be asked about.
    pub(super) fn over(&mut self, who: SessionId, event: SessionEvent) {
        if let Some(session) = self.sessions.get_mut(who) {
            session.state = State::Disconnected;
        }
        self.events.push_back(event);
    }

    /// Nobody need ask about a session any more.
    pub(crate) fn remove(&mut self, who: SessionId) {
        self.stop_holding(who);
        self.unlisten(who);
        self.lower(who);
        self.forget_speech(who);
        let Some((session, idle)) = self.sessions.remove(who) else { return };
        self.release(session.port);
        self.legs.ground().timers.stop(session.retry);
        self.alone(session.bridge, Cause::Unavailable);
        self.unheard(session.early);
        if session.awaits != SessionId::NONE {
            self.deserted(session.awaits, who);
        }
        self.events.extend(idle.map(SessionEvent::Idle));
        if self.free_below_limit && idle.is_none() {
            let eased = session.party.place.line().filter(|line| self.lines.directory.busy_limit(*line).is_some());
            self.events.extend(eased.map(SessionEvent::Eased));
        }
    }

    /// Ends every session; their features hear of it.
    pub(crate) fn end_all(&mut self, cause: Cause, words: &str) {
        let everybody: Vec<_> = self.sessions.iter().map(|(who, session)| (who, session.leg)).collect();
        for (who, leg) in everybody {
            self.legs.end(leg, cause, words);
            self.over(who, SessionEvent::Left(who, cause));
        }
    }

    /// Whether no call is up.
    pub(crate) fn is_idle(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Fills in what there is now. A call is counted by its caller's session, or by the one that is left of it.
    pub(crate) fn gauge(&self, gauges: &mut Gauges) {
        for (who, session) in self.sessions.iter() {
            if session.face != FaceNo::NONE {
                gauges.rtp_sessions.up(RtpKind::Relay);
            }
            if session.port != 0 {
                gauges.rtp_sessions.up(RtpKind::Music);
                gauges.codecs.up(session.codec);
            }
            let counted_with_other = session.bridge != SessionId::NONE && session.bridge.slot() < who.slot();
            let state = match (session.duty, session.state) {
                (Duty::Parked(_), _) => CallState::Parked,
                (Duty::Reminder(_) | Duty::Reserver(_) | Duty::Told(_) | Duty::Echo(_) | Duty::Code, _) => continue,
                (Duty::Offered(..) | Duty::Completion(_), _) => continue,
                (Duty::Call(_) | Duty::Retriever(_), _) if counted_with_other => continue,
                (_, State::Proceeding) => CallState::Setup,
                (_, State::Ringback) => CallState::Ringing,
                (_, State::OnHold | State::Held) => CallState::Held,
                (_, State::Connected) => CallState::Answered,
                (_, State::Offering | State::Accepted | State::Disconnected) => continue,
            };
            gauges.calls.add(state, (), 1);
        }
        gauges.rtp_ports = self.ports.used() as u64;
        gauges.rtp_ports_max = self.ports.total() as u64;
        self.lines.gauge(gauges);
        self.legs.gauge(gauges);
    }

    /// The party holds, or does not any more.
    pub(super) fn set_holding(&mut self, who: SessionId, holds: bool) {
        let now = self.legs.ground().now;
        let Some(session) = self.sessions.get_mut(who) else { return };
        let was = session.state == State::OnHold;
        if holds == was {
            return;
        }
        if holds {
            session.state = State::OnHold;
            session.held_since = now;
            self.holding.push(who);
        } else {
            self.stop_holding(who);
        }
    }

    pub(super) fn stop_holding(&mut self, who: SessionId) {
        let now = self.legs.ground().now;
        let Some(session) = self.sessions.get_mut(who) else { return };
        if session.state == State::OnHold {
            session.state = State::Connected;
        }
        if let Some(place) = self.holding.iter().position(|&holder| holder == who) {
            self.holding.remove(place);
            self.news.push(News::HoldEnded { held: now - session.held_since });
        }
    }

    pub(super) fn release(&mut self, port: u16) {
        if port != 0 {
            self.ports.put_back(port);
            self.media.push(MediaOrder::Close { port });
        }
    }
}
