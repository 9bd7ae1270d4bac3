//! Media that goes through us: for parties behind an address translator, or where the settings want it so.
//!
//! A party has a *face*, the ports that it sends to; two that talk have their faces linked, stream by stream. Which ports
//! there must be is known when something is to be told ([`Exchange::pave`]), where the parties receive when both have said
//! so ([`Exchange::channel`]). Who once had a face keeps it until it listens to us alone, or is gone: nobody is sent
//! elsewhere in the middle of a sentence.
use super::exchange::{Errand, Exchange, Session, SessionId};
use super::{Cause, News, Place, Ring, SessionEvent, Whom};
use crate::counters::{CallDirection, LegDirection, Shed};
use crate::leg::{FaceNo, LegId};
use crate::settings::MediaWay;
use crate::transaction::Owner;
use crate::wire::media::{Form, MediaEvent, MediaOrder};
use crate::wire::sdp::{self, Direction, STREAMS, StreamSet};

/// There is no port left for what is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted;

/// What a call has at the least, when nobody has said yet what it will have.
const SOUND: StreamSet = 1;

impl Exchange {
    /// Before anybody is told what this party says: whether its media must go through us.
    fn needs_relay(&self, session: &Session) -> bool {
        let way = match session.party.place {
            Place::Line(line) => self.lines.directory.line_media(line),
            Place::Trunk(trunk) => self.lines.directory.trunk_media(trunk),
        };
        match way {
            MediaWay::Direct => false,
            MediaWay::Relay => true,
            // Keys are seen, and told otherwise, where they come by.
            MediaWay::Auto if self.looks_for_keys(session.party.place) => true,
            MediaWay::Auto => {
                let heard_from = self.legs.hop(session.leg).map(|hop| hop.address.ip());
                heard_from.is_some_and(|ip| !sdp::is_at(self.legs.description(session.leg), ip))
            }
        }
    }

    /// Before `who` is told what `with` says: takes the ports that are missing, if their media is to go through us.
    pub(super) fn pave(&mut self, who: SessionId, with: SessionId) -> Result<(), Exhausted> {
        let (Some(one), Some(other)) = (self.sessions.get(who), self.sessions.get(with)) else { return Ok(()) };
        let had = [one.face, other.face].map(|face| face != FaceNo::NONE);
        if had == [false, false] && !self.needs_relay(other) {
            return Ok(());
        }
        // An answer has no more streams than its offer, so that both sides get them at once.
        let streams = self.streams(one.leg) | self.streams(other.leg);
        let paved = self.widen(who, streams).and_then(|()| self.widen(with, streams));
        self.show_keys(who, with);
        self.show_keys(with, who);
        if paved.is_err() {
            // All is as it was.
            for (who, had) in [who, with].into_iter().zip(had) {
                if !had {
                    self.lower(who);
                }
            }
            self.narrow(who, with);
        }
        paved
    }

    /// The same for somebody who is to be rung, and told what the one says on whose behalf it is. Their face; nothing if
    /// there are no ports left, or nobody to ring.
    pub(super) fn pave_for_ring(&mut self, ring: &Ring<'_>) -> Option<FaceNo> {
        let (flow, needs) = match ring.whom {
            Whom::Phone(line, phone) => {
                let contact = self.lines.locations.contact(line, phone)?;
                let needs = match self.lines.directory.line_media(line) {
                    MediaWay::Direct => false,
                    MediaWay::Relay => true,
                    // Its answer will tell; but who registered from behind a translator answers from there.
                    MediaWay::Auto => contact.pinned || self.looks_for_keys(Place::Line(line)),
                };
                (contact.hop.flow, needs)
            }
            Whom::Trunk(trunk, _) => {
                let settings = self.lines.directory.trunk(trunk)?;
                let hop = self.legs.transactions.ground.hop_to(settings.address, settings.transport);
                // What a mailbox says must not reach who waits: it comes to us, and goes nowhere.
                let asks = ring.recall.is_some_and(|recall| recall.asks);
                (hop.flow, asks || settings.media == MediaWay::Relay)
            }
        };
        let behalf = self.sessions.get(ring.on_behalf)?;
        if behalf.face == FaceNo::NONE && !needs && !self.needs_relay(behalf) {
            return Some(FaceNo::NONE);
        }
        let (leg, waits) = (behalf.leg, behalf.state.is_up());
        let streams = if self.legs.description(leg).is_empty() { SOUND } else { self.streams(leg) };
        // Who waits in an orbit gets a face when somebody takes the call.
        if !waits {
            self.widen(ring.on_behalf, streams).ok()?;
        }
        let face = self.legs.open_face(flow)?;
        if self.fill(face, streams).is_err() {
            self.close_face(face);
            return None;
        }
        self.show_keys_of(ring.on_behalf, ring.whom, face);
        Some(face)
    }

    /// Both have said where they receive, or as much of it as is known by now.
    pub(super) fn channel(&mut self, who: SessionId, with: SessionId) {
        let (Some(one), Some(other)) = (self.sessions.get(who), self.sessions.get(with)) else { return };
        let (mine, theirs) = (one.face, other.face);
        if mine == FaceNo::NONE || theirs == FaceNo::NONE {
            return;
        }
        let (leg, other_leg, talking) = (one.leg, other.leg, one.bridge == with);
        if talking && !self.legs.is_open_offer(leg) && !self.legs.is_open_offer(other_leg) {
            self.narrow(who, with);
        }
        self.direct(mine, leg);
        self.direct(theirs, other_leg);
        let (Some(mine), Some(theirs)) = (self.legs.faces.face(mine), self.legs.faces.face(theirs)) else { return };
        for (&one, &other) in mine.ports.iter().zip(&theirs.ports) {
            if one != 0 && other != 0 {
                self.media.push(MediaOrder::Link { one, other });
            }
        }
        self.order_keys(who, with);
        self.order_keys(with, who);
    }

    /// Tells a party anew where to send if that has changed since it was told: it was found to be behind a translator only
    /// when it answered, say, or one of its ports turned out to be somebody else's.
    pub(super) fn retell(&mut self, who: SessionId, with: SessionId) {
        if self.sessions.get(who).is_some_and(|session| session.face != FaceNo::NONE) && self.is_outdated(who, with) {
            self.want(who, Errand::Tune(with));
        }
    }

    /// Whether a party that could be told so, and has nothing else to do, was told last of another place than where the one that it
    /// talks to is now.
    pub(super) fn is_outdated(&mut self, who: SessionId, with: SessionId) -> bool {
        let Some((session, leg)) = self.sessions.get(who).zip(self.sessions.get(with).map(|other| other.leg)) else {
            return false;
        };
        let own = session.leg;
        session.state.is_up()
            && session.bridge == with
            && (session.errand, session.wanted, session.late) == (Errand::None, Errand::None, false)
            && !self.legs.description(leg).is_empty()
            && !self.is_entertained(who, with)
            && !self.legs.has_told(own, leg)
    }

    /// The party sends to us no more, or to the server itself.
    pub(super) fn lower(&mut self, who: SessionId) {
        let Some(session) = self.sessions.get_mut(who) else { return };
        let face = std::mem::take(&mut session.face);
        if face != FaceNo::NONE {
            let leg = session.leg;
            self.legs.put_face(leg, FaceNo::NONE);
            self.close_face(face);
        }
    }

    /// Takes back what was prepared for a party that is to talk to nobody now.
    pub(super) fn lower_unless_heard(&mut self, who: SessionId) {
        if self.sessions.get(who).is_some_and(|session| {
            session.port != 0 && (session.bridge, session.early) == (SessionId::NONE, SessionId::NONE)
        }) {
            self.lower(who);
        }
    }

    /// After a panic: sessions whose leg was lost on the way have nobody who could end them.
    pub(crate) fn end_legless(&mut self) {
        let is_lost = |(who, session): &(SessionId, &Session)| self.legs.owner(session.leg) != Owner(who.pack());
        let lost: Vec<_> = self.sessions.iter().filter(is_lost).map(|(who, _)| who).collect();
        lost.into_iter().for_each(|who| self.over(who, SessionEvent::Left(who, Cause::Failure)));
    }

    /// After a panic: what was prepared for somebody who was never called.
    pub(crate) fn close_lost_faces(&mut self) {
        let kept: Vec<FaceNo> = self.sessions.iter().map(|(_, session)| session.face).collect();
        let lost: Vec<FaceNo> = self.legs.faces.numbers().filter(|no| !kept.contains(no)).collect();
        for face in lost {
            self.close_face(face);
        }
    }

    /// A face without a leg.
    pub(super) fn close_face(&mut self, face: FaceNo) {
        let closed = self.legs.close_face(face);
        for port in closed.iter().flat_map(crate::leg::Face::taken) {
            self.release_relay(port);
        }
    }

    /// The party talks to somebody else from now on: what the two send is awaited anew.
    pub(super) fn listen(&mut self, who: SessionId) {
        let face = self.sessions.get(who).map_or(FaceNo::NONE, |session| session.face);
        if let Some(face) = self.legs.faces.face_mut(face) {
            face.heard = false;
        }
    }

    /// Two talk no more. If nothing was ever heard from either it is counted.
    pub(super) fn unlisten(&mut self, who: SessionId) {
        let Some(session) = self.sessions.get(who).filter(|session| session.face != FaceNo::NONE) else { return };
        let Some(other) = self.sessions.get(session.bridge) else { return };
        let silent = |face| self.legs.faces.face(face).is_some_and(|face| !face.heard && face.streams() != 0);
        if silent(session.face) && silent(other.face) && self.is_open(session.leg) && self.is_open(other.leg) {
            let (direction, trunk) = self.class(session, other);
            self.news.push(News::NothingHeard { direction, trunk });
        }
    }

    /// What media tells of a relayed port.
    pub(super) fn relay_event(&mut self, who: SessionId, event: MediaEvent) {
        match event {
            MediaEvent::Failed { port } => self.replace_port(who, port),
            MediaEvent::Heard { .. } => {
                let face = self.sessions.get(who).map_or(FaceNo::NONE, |session| session.face);
                if let Some(face) = self.legs.faces.face_mut(face) {
                    face.heard = true;
                }
            }
            MediaEvent::OneWay { port } => {
                let Some(session) = self.sessions.get(who) else { return };
                let face = self.legs.faces.face(session.face);
                let place = face.and_then(|face| face.ports.iter().position(|&own| own == port));
                // Pictures often go one way only.
                if !place.is_some_and(|place| sdp::is_audio(self.legs.description(session.leg), place)) {
                    return;
                }
                let Some(other) = self.sessions.get(session.bridge) else { return };
                // Who holds, or asks for silence, is not missed.
                if self.is_open(session.leg) && self.is_open(other.leg) {
                    let (direction, trunk) = self.class(session, other);
                    self.news.push(News::HeardOneWay { direction, trunk });
                }
            }
            // Of ports of our own.
            MediaEvent::Played { .. } | MediaEvent::Pressed { .. } | MediaEvent::Silent { .. } => {}
        }
    }

    /// A port turned out to be somebody else's: another one, and the party is told so as soon as it can be.
    fn replace_port(&mut self, who: SessionId, port: u16) {
        self.ports.lose(port);
        let Some((face, with)) = self.sessions.get(who).map(|session| (session.face, session.bridge)) else { return };
        let Some(taken) = self.legs.faces.face_mut(face) else { return };
        let streams = taken.streams();
        for place in taken.ports.iter_mut().filter(|place| **place == port) {
            *place = 0;
        }
        taken.keys = taken.keys.filter(|keys| keys.port != port);
        // Without another the stream is as good as one that nobody hears.
        let _ = self.fill(face, streams);
        self.channel(who, with);
        self.retell(who, with);
    }

    /// The class of a call between these two, and its trunk.
    fn class(&self, one: &Session, other: &Session) -> (CallDirection, Option<usize>) {
        let trunk = |session: &Session| session.party.place.trunk();
        let called = |session: &Session| self.legs.direction(session.leg) == Some(LegDirection::Out);
        match [one, other].into_iter().find(|session| trunk(session).is_some()) {
            Some(session) if called(session) => (CallDirection::Outbound, trunk(session)),
            Some(session) => (CallDirection::Inbound, trunk(session)),
            None => (CallDirection::Internal, None),
        }
    }

    /// Whether the party both sends and hears.
    fn is_open(&self, leg: LegId) -> bool {
        sdp::direction(self.legs.description(leg)) == Direction::SendRecv
    }

    fn streams(&self, leg: LegId) -> StreamSet {
        sdp::relayable(self.legs.description(leg))
    }

    /// Gives the party's face a port for each of these streams; a face, if it has none.
    fn widen(&mut self, who: SessionId, streams: StreamSet) -> Result<(), Exhausted> {
        let Some(session) = self.sessions.get(who) else { return Ok(()) };
        let (leg, mut face) = (session.leg, session.face);
        if face == FaceNo::NONE {
            let flow = self.legs.hop(leg).ok_or(Exhausted)?.flow;
            face = self.legs.open_face(flow).ok_or(Exhausted)?;
            self.legs.put_face(leg, face);
            if let Some(session) = self.sessions.get_mut(who) {
                session.face = face;
            }
        }
        self.fill(face, streams)
    }

    /// All of the ports that are missing, or none.
    fn fill(&mut self, no: FaceNo, streams: StreamSet) -> Result<(), Exhausted> {
        let Some(face) = self.legs.faces.face(no) else { return Err(Exhausted) };
        let (missing, at) = (streams & !face.streams(), face.bound);
        if missing.count_ones() as usize > self.ports.free() {
            self.legs.ground().counters.shed.up(Shed::Ports);
            return Err(Exhausted);
        }
        for index in (0..STREAMS).filter(|index| missing & 1 << index != 0) {
            let Some(port) = self.ports.take() else { break };
            self.media.push(MediaOrder::Relay { at, port, peer: None, form: Form::Rtp });
            if let Some(face) = self.legs.faces.face_mut(no) {
                face.ports[index] = port;
            }
        }
        Ok(())
    }

    /// Gives back what neither needs: streams that were refused, or are over.
    pub(super) fn narrow(&mut self, who: SessionId, with: SessionId) {
        let sides = [who, with].map(|who| self.sessions.get(who).map(|session| (session.face, session.leg)));
        let [Some((mine, leg)), Some((theirs, other))] = sides else { return };
        if self.legs.description(leg).is_empty() || self.legs.description(other).is_empty() {
            return;
        }
        let alive = self.streams(leg) & self.streams(other);
        for face in [mine, theirs] {
            let mut over = [0; STREAMS];
            let Some(face) = self.legs.faces.face_mut(face) else { continue };
            for (index, (port, over)) in face.ports.iter_mut().zip(&mut over).enumerate() {
                if alive & 1 << index == 0 {
                    *over = std::mem::take(port);
                }
            }
            face.keys = face.keys.filter(|keys| !over.contains(&keys.port));
            for port in over.into_iter().filter(|port| *port != 0) {
                self.release_relay(port);
            }
        }
    }

    /// Tells the media threads where the party receives what comes in at the others' ports.
    fn direct(&mut self, no: FaceNo, leg: LegId) {
        let receivers = sdp::receivers(self.legs.description(leg));
        let Some(&face) = self.legs.faces.face(no) else { return };
        let at = face.bound;
        for (port, (peer, form)) in face.ports.into_iter().zip(receivers) {
            if port != 0 {
                self.media.push(MediaOrder::Relay { at, port, peer, form });
            }
        }
    }

    fn release_relay(&mut self, port: u16) {
        self.ports.put_back(port);
        self.media.push(MediaOrder::EndRelay { port });
    }
}
