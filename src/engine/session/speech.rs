//! What the server says to a party: while it listens to us, or before we refuse its call.
//!
//! ```text
//!   say ─► its media moves to us ─► the leg is settled ─► being said ─► Spoken
//!   dismiss ─► 183 with our media ────────────────────────────╯  ╰─► refused
//!              it cannot hear us, no port is left, or the time is up: the same end, at once
//! ```
//! It always ends, however little of it could be heard: nobody ever waits for a phone or a media thread.
use super::exchange::{Errand, Exchange, SPEECH, SessionId};
use super::{Duty, SessionEvent, Switch as _};
use crate::base::{Alarm, Room, TimerId};
use crate::leg::{Cause, Describe, Identity, LegId};
use crate::settings::MusicNo;
use crate::wire::media::{Announcement, MediaOrder, Sound, Ticket};
use std::time::Duration;

/// Something to be said.
#[derive(Debug)]
pub(super) struct Speech {
    announcement: Announcement,
    /// Which order to the media threads it is; 0 while there is none.
    number: u32,
    /// Nobody waits for it longer than this.
    timer: TimerId,
    /// What the caller is refused with when it has heard why.
    refusal: Option<(Cause, Box<str>)>,
}

impl Exchange {
    /// Says something to a party that was answered. What it hears afterwards is what it heard before.
    pub(super) fn tell_party(&mut self, who: SessionId, announcement: Announcement, at_most: Duration) {
        let Some(session) = self.sessions.get_mut(who) else { return };
        let (leg, is_up, has_port) = (session.leg, session.state.is_up(), session.port != 0);
        if !has_port && !matches!(session.duty, Duty::Parked(_)) {
            // It comes to us only to hear this.
            session.sound = Sound::Silence;
        }
        self.prepare(who, announcement, at_most, None);
        match (is_up && (has_port || self.hears(leg)), has_port) {
            (false, _) => self.end_speech(who),
            (true, true) => self.begin_speech(who),
            (true, false) => self.want(who, Errand::Hold),
        }
    }

    /// Tells a caller why, before it is answered; then refuses its call. At once where it cannot hear it.
    pub(super) fn dismiss_aloud(
        &mut self,
        who: SessionId,
        announcement: Announcement,
        at_most: Duration,
        refusal: (Cause, &str),
    ) {
        let Some(session) = self.sessions.get_mut(who) else { return };
        let (leg, is_told) = (session.leg, session.speech.is_some());
        (session.duty, session.sound) = (Duty::Code, Sound::Silence);
        let (cause, words) = refusal;
        let can_be_told = self.legs.awaits_answer(leg) && self.hears(leg) && self.legs.has_answer(leg);
        if !is_told && !can_be_told {
            return self.drop(who, cause, words);
        }
        self.prepare(who, announcement, at_most, Some((cause, words.into())));
        let Some(port) = self.port_of(who) else { return self.end_speech(who) };
        // Who listens already need not be told where again.
        if !is_told {
            self.legs.alert(leg, false, Describe::Ours(port), &Identity::default());
        }
        self.order_speech(who);
    }

    fn prepare(
        &mut self,
        who: SessionId,
        announcement: Announcement,
        at_most: Duration,
        refusal: Option<(Cause, Box<str>)>,
    ) {
        self.forget_speech(who);
        let ground = self.legs.ground();
        let alarm = Alarm { room: Room::Session, reason: SPEECH, whom: who.pack() };
        let timer = ground.timers.start(ground.now, at_most, alarm);
        if let Some(session) = self.sessions.get_mut(who) {
            session.speech = Some(Box::new(Speech { announcement, number: 0, timer, refusal }));
        }
    }

    /// What is to be said is said, as soon as the party is with us and all about its media is settled.
    pub(super) fn begin_speech(&mut self, who: SessionId) {
        let Some(session) = self.sessions.get(who) else { return };
        let waits = session.speech.as_ref().is_some_and(|speech| speech.number == 0);
        let moves = (session.errand, session.wanted) != (Errand::None, Errand::None);
        if !waits || moves || session.port == 0 || !session.state.is_up() || !self.legs.is_settled(session.leg) {
            return;
        }
        if self.hears(session.leg) { self.order_speech(who) } else { self.end_speech(who) }
    }

    fn order_speech(&mut self, who: SessionId) {
        // 0 is none.
        self.speeches = self.speeches.checked_add(1).unwrap_or(1);
        let number = self.speeches;
        let Some(session) = self.sessions.get_mut(who) else { return };
        let (port, then) = (session.port, session.sound);
        let Some(speech) = session.speech.as_mut() else { return };
        speech.number = number;
        let (announcement, ticket) = (speech.announcement, Ticket { whom: who.pack(), number });
        self.media.push(MediaOrder::Say { port, ticket, announcement, then });
        // Not before there is something to hear does it hear anything.
        self.redirect(who);
    }

    /// The media threads have said it.
    pub(super) fn said(&mut self, ticket: Ticket) {
        let who = SessionId::unpack(ticket.whom);
        let speech = self.sessions.get(who).and_then(|session| session.speech.as_ref());
        // A late report is about something that nobody waits for any more.
        if speech.is_some_and(|speech| speech.number == ticket.number) {
            self.end_speech(who);
        }
    }

    /// It is over, heard or not.
    pub(super) fn end_speech(&mut self, who: SessionId) {
        let Some(Speech { refusal, .. }) = self.forget_speech(who) else { return };
        match refusal {
            Some((cause, words)) => self.drop(who, cause, &words),
            None => self.events.push_back(SessionEvent::Spoken(who)),
        }
    }

    /// The port it was being said from is another's: it begins anew at the next one. A caller that is to be refused does
    /// not wait for that. True if it need not have another port.
    pub(super) fn speech_interrupted(&mut self, who: SessionId) -> bool {
        let Some(session) = self.sessions.get_mut(who) else { return true };
        if let Some(speech) = session.speech.as_mut() {
            speech.number = 0;
        }
        let is_up = session.state.is_up();
        if !is_up {
            self.end_speech(who);
        }
        !is_up
    }

    /// Nobody waits for it any more.
    pub(super) fn forget_speech(&mut self, who: SessionId) -> Option<Speech> {
        let speech = *self.sessions.get_mut(who)?.speech.take()?;
        self.legs.ground().timers.stop(speech.timer);
        Some(speech)
    }

    /// Whether the peer says that it receives what we send.
    fn hears(&self, leg: LegId) -> bool {
        // A caller that made no offer yet may.
        let unknown = self.legs.description(leg).is_empty();
        !self.legs.is_holding(leg) && (unknown || self.legs.media_address(leg).is_some())
    }

    /// What a new port is to play, if that is not what it plays by itself; then nothing comes before it.
    pub(super) fn plays_quietly(&self, who: SessionId) -> Option<Sound> {
        let session = self.sessions.get(who)?;
        match session.sound {
            _ if session.speech.is_some() => Some(Sound::Silence),
            Sound::Music(music) if music == MusicNo::default() => None,
            Sound::Music(_) | Sound::Silence | Sound::Echo => Some(session.sound),
        }
    }
}
