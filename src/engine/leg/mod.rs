//! Legs: one party of a call each. The last floor where SIP words are known.
//!
//! ```text
//!   they called:   arrive ─► Arrived ──answer──► Up ──end, or BYE──► gone
//!                               ╰────refuse, or CANCEL────────────────▲
//!   we called:     call ──► Calling ──2xx──► Up ──end, or BYE──► gone
//!                               ╰──refused; or end: CANCEL, then whatever comes is ended──▲
//! ```
//! Orders go down as calls: `ring`, `answer`, `end`, `offer` … What happened goes up as a [`LegEvent`].
//!
//! Knows: dialogs, transactions, SIP. Never: who is connected with whom, or why.
mod answer;
mod arrive;
mod call;
mod cause;
mod completable;
mod diversion;
mod end;
mod face;
mod forks;
mod identity;
mod modify;
mod pass;
#[cfg(any(test, feature = "simulator"))]
mod peek;
mod peer;
mod receive;
mod refer;
mod reliable;
mod replaces;
mod timer;

pub(crate) use arrive::Dialled;
pub use call::Recalled;
pub(crate) use call::{Call, Recall};
pub use cause::Cause;
pub use diversion::{Diversion, DiversionReason};
pub(crate) use end::not_allowed;
pub(crate) use face::{Face, FaceNo, KeyWay};
pub use identity::Identity;
pub(crate) use identity::trunk_uri;
pub(crate) use receive::capabilities;
pub(crate) use replaces::Named;

use crate::base::text::Number;
use crate::base::{Alarm, Arena, Handle, Kept, Room, Time, TimerId};
use crate::counters::{Gauges, LegDirection};
use crate::dialog::{ALLOW_EVENTS, Descriptions, Dialog, ReferSubscription, write_contact};
use crate::ground::{Ground, Hop};
use crate::settings::Settings;
use crate::transaction::{ClientId, Owner, ServerId, Transactions};
use crate::wire::{Message, Status, bare, sdp};
use completable::Completable;
use face::Faces;
use peer::Peer;
use reliable::Early;
use replaces::Ended;
use std::time::Duration;
use timer::SessionTimer;

pub(crate) type LegId = Handle<Leg>;

/// The methods we take, as Allow says them.
pub(crate) const ALLOW: &[u8] =
    b"INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, REFER, SUBSCRIBE, NOTIFY, INFO, PRACK, UPDATE";
/// The extensions we have, as Supported says them: RFC 3262, RFC 4916, RFC 3891, RFC 4538, RFC 4028.
pub(crate) const SUPPORTED: &[u8] = b"100rel, from-change, replaces, tdialog, timer";
/// The same for an INVITE whose provisional responses shall not be reliable.
const SUPPORTED_BUT_100REL: &[u8] = b"from-change, replaces, tdialog, timer";
/// The only body that calls have.
pub(crate) const SDP: &[u8] = b"application/sdp";

/// One party of a call.
#[derive(Debug)]
pub(crate) struct Leg {
    /// Whose leg it is: the session floor's own number. [`Owner::NOBODY`] once nobody wants to hear of it.
    pub(crate) owner: Owner,
    pub(crate) direction: LegDirection,
    dialog: Dialog,
    descriptions: Descriptions,
    state: State,
    peer: Peer,
    /// The peer's re-INVITE or UPDATE that waits for our answer.
    incoming: ServerId,
    /// Our re-INVITE or UPDATE that waits for the peer's.
    outgoing: ClientId,
    /// The peer's REFER, INFO … that waits for our answer.
    request: ServerId,
    unacknowledged: Option<Unacknowledged>,
    /// What reliable provisional responses need; boxed, because most calls have none.
    early: Option<Box<Early>>,
    session_timer: SessionTimer,
    /// CSeq number of the INVITE that they called with.
    invite_number: u32,
    /// CSeq number of the INVITE whose 2xx we owe an ACK, because the answer to its offer is not here yet.
    ack_due: u32,
    /// An ACK of ours that said more than a repetition can say by itself.
    ack: Kept,
    refer: Option<ReferSubscription>,
    had_refer: bool,
    /// Max-Forwards left for the legs that this one leads to.
    hops: u8,
    /// Where its peer sends media that goes through us.
    face: FaceNo,
    /// Header lines that go on to the other side as they are.
    luggage: Kept,
}

/// Where a leg stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// They called; we have not answered finally.
    Arrived(ServerId),
    /// We called; they have not answered finally.
    Calling { invite: ClientId, heard: bool, ending: Option<Cause> },
    /// Answered.
    Up,
    /// To be ended as soon as the ACK for our 2xx is here (RFC 3261 §15).
    Ending(Cause),
}

/// Our 2xx until its ACK is here, or our reliable provisional response until its PRACK is.
#[derive(Debug)]
struct Unacknowledged {
    by: Acknowledged,
    message: Kept,
    hop: Hop,
    timer: TimerId,
    interval: Duration,
    until: Time,
}

/// What acknowledges a response of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acknowledged {
    /// A 2xx: its ACK.
    ByAck { offered: bool },
    /// A provisional response: its PRACK. `described`: it had a description.
    ByPrack { described: bool },
}

/// What to tell a leg's peer of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Describe {
    /// Nothing: the peer is asked for an offer.
    Nothing,
    /// What the peer of that leg said last.
    Like(LegId),
    /// The same, but both may send: what it said while it was held.
    Open(LegId),
    /// The same, but nothing is to be sent either way.
    Silent(LegId),
    /// The server's own media, at this port.
    Ours(u16),
}

/// What happened on a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegEvent {
    /// The called side alerts; `described`: it sends media already, or offers to.
    Progressed { ringing: bool, described: bool },
    /// The calling side's PRACK brought the answer to the offer of an early response.
    Pracked,
    /// The called side answered; `offers`: its 2xx has an offer, and our [`Legs::acknowledge`] must answer it.
    Answered { offers: bool },
    /// The called side will not or cannot.
    Refused(Cause),
    /// The called side wants the call to go to another number of ours.
    Redirected(Number),
    /// The calling side gave up before we answered.
    Cancelled,
    /// The ACK for our 2xx is here; `described`: with the answer to our offer.
    Acknowledged { described: bool },
    /// The peer hung up, or is gone.
    HungUp(Cause),
    /// The peer wants to change the media; `described`: it made an offer, else it wants one.
    Offered { described: bool },
    /// The peer agreed to our [`Legs::offer`]; `offers` as with [`Self::Answered`].
    Agreed { offers: bool },
    /// The peer did not agree: all is as it was.
    Disagreed(Cause),
    /// A change of ours that concerned nobody else is over: the next may begin.
    Settled,
    /// The peer is to be told once more what it was told last: it has no UPDATE, and the session must not expire.
    RefreshDue,
    /// The peer wants the other party to be sent elsewhere, or in the place of a party of another call.
    Referred(Dialled, Named<LegId>),
    /// The peer sent something for the other party: digits, most of the time. The corridor has the message.
    Passed,
    /// The other party's final answer to what was passed on: its status code.
    PassSettled(u16),
}

/// All legs of the engine.
#[derive(Debug)]
pub(crate) struct Legs {
    pub(crate) transactions: Transactions,
    legs: Arena<Leg>,
    domain: String,
    /// The session interval that we ask for (RFC 4028), in seconds.
    session_expires: u32,
    ended: Ended,
    pub(crate) faces: Faces,
    /// Legs whose call has failed, and may be completed later: apart, because they are few and soon gone.
    completables: Vec<(LegId, Completable)>,
    /// A session description on its way from one leg to another.
    scratch: Vec<u8>,
    text: Vec<u8>,
}

impl Leg {
    /// A leg that nobody owns yet, and where nothing is under way but its INVITE.
    fn new(direction: LegDirection, dialog: Dialog, state: State, peer: Peer, hops: u8) -> Self {
        Self {
            owner: Owner::NOBODY,
            direction,
            dialog,
            descriptions: Descriptions::default(),
            state,
            peer,
            incoming: Handle::NONE,
            outgoing: Handle::NONE,
            request: Handle::NONE,
            unacknowledged: None,
            early: None,
            session_timer: SessionTimer::default(),
            invite_number: 0,
            ack_due: 0,
            ack: Kept::default(),
            refer: None,
            had_refer: false,
            hops,
            face: FaceNo::NONE,
            luggage: Kept::default(),
        }
    }

    /// Whether a request belongs to one of its dialogs: while we call there may be more than one.
    fn owns(&self, request: &Message<'_>) -> bool {
        let fork = || self.early.as_ref()?.forks.iter().find(|fork| fork.dialog.owns(request));
        self.dialog.owns(request) || fork().is_some()
    }
}

/// The reasons of a leg's timers.
#[derive(Clone, Copy)]
enum Reason {
    /// Our 2xx again (RFC 3261 §13.3.1.4), or our reliable provisional response (RFC 3262 §3).
    AnswerAgain = 0,
    /// The session must be refreshed, or has expired (RFC 4028 §10).
    Refresh = 1,
}

impl Legs {
    pub(crate) fn new(transactions: Transactions, settings: &Settings, engine: u8) -> Self {
        let mut legs = Self {
            transactions,
            legs: Arena::new(engine),
            domain: settings.domain.clone(),
            session_expires: 0,
            ended: Ended::new(),
            faces: Faces::default(),
            completables: Vec::new(),
            scratch: Vec::new(),
            text: Vec::new(),
        };
        legs.reload(settings);
        legs
    }

    /// Other settings from now on: calls that are up keep what they agreed.
    pub(crate) fn reload(&mut self, settings: &Settings) {
        self.session_expires = u32::try_from(settings.session_expires.as_secs()).unwrap_or(u32::MAX);
        self.ground().refreshed_within(settings.session_expires);
    }

    pub(crate) fn ground(&mut self) -> &mut Ground {
        &mut self.transactions.ground
    }

    /// Gives it an owner.
    pub(crate) fn adopt(&mut self, id: LegId, owner: Owner) {
        if let Some(leg) = self.legs.get_mut(id) {
            leg.owner = owner;
        }
    }

    /// Whose it is.
    pub(crate) fn owner(&self, id: LegId) -> Owner {
        self.legs.get(id).map_or(Owner::NOBODY, |leg| leg.owner)
    }

    /// Which way it was set up.
    pub(crate) fn direction(&self, id: LegId) -> Option<LegDirection> {
        self.legs.get(id).map(|leg| leg.direction)
    }

    /// Max-Forwards for a leg that this one leads to.
    pub(crate) fn hops(&self, id: LegId) -> u8 {
        self.legs.get(id).map_or(70, |leg| leg.hops)
    }

    /// Where this leg's peer is.
    pub(crate) fn hop(&self, id: LegId) -> Option<Hop> {
        self.legs.get(id).map(|leg| leg.dialog.hop)
    }

    /// What the peer said last of its media.
    pub(crate) fn description(&self, id: LegId) -> &[u8] {
        self.legs.get(id).map_or(&[], |leg| leg.descriptions.remote())
    }

    /// Whether the peer was told, last, what that other leg's peer says now.
    pub(crate) fn has_told(&mut self, id: LegId, like: LegId) -> bool {
        let mut said = std::mem::take(&mut self.text);
        said.clear();
        self.relay_description(id, like, &mut said);
        let hasher = &self.transactions.ground.hasher;
        let has = self.legs.get(id).is_some_and(|leg| leg.descriptions.has_said(&said, hasher));
        self.text = said;
        has
    }

    /// Fills in what there is now.
    pub(crate) fn gauge(&self, gauges: &mut Gauges) {
        for (_, leg) in self.legs.iter() {
            gauges.legs.add(leg.direction, (), 1);
        }
        self.transactions.gauge(gauges);
    }

    /// It is gone, and its memory with it. What still comes for it meets tombstones, or 481.
    fn close(&mut self, id: LegId) {
        self.remember_ended(id);
        let Some(leg) = self.legs.remove(id) else { return };
        self.completables.retain(|(other, _)| *other != id);
        let ground = &mut self.transactions.ground;
        leg.dialog.put_back(&mut ground.shelf);
        leg.descriptions.put_back(&mut ground.shelf);
        ground.shelf.put_back(leg.ack);
        ground.shelf.put_back(leg.luggage);
        ground.timers.stop(leg.session_timer.timer);
        if let Some(early) = leg.early {
            early.put_back(&mut ground.shelf);
        }
        if let Some(unacknowledged) = leg.unacknowledged {
            ground.timers.stop(unacknowledged.timer);
            ground.shelf.put_back(unacknowledged.message);
        }
        for open in [leg.incoming, leg.request] {
            self.transactions.respond(open, Status::REQUEST_TERMINATED, None, bare);
        }
        self.transactions.disown(leg.outgoing);
    }

    /// Writes what `describe` means for this leg into the scratch; false if there is nothing to say.
    fn describe(&mut self, id: LegId, describe: Describe, early: bool) -> bool {
        let mut source = std::mem::take(&mut self.text);
        let mut scratch = std::mem::take(&mut self.scratch);
        source.clear();
        scratch.clear();
        match describe {
            Describe::Nothing => {}
            Describe::Like(other) => self.relay_description(id, other, &mut source),
            Describe::Open(other) | Describe::Silent(other) => {
                let silent = matches!(describe, Describe::Silent(_));
                let direction = if silent { sdp::Direction::Inactive } else { sdp::Direction::SendRecv };
                self.relay_description(id, other, &mut scratch);
                sdp::with_direction(&scratch, direction, &mut source);
                scratch.clear();
            }
            Describe::Ours(port) => self.own_description(id, port, &mut source),
        }
        if let Some(leg) = self.legs.get_mut(id)
            && !source.is_empty()
        {
            let ground = &self.transactions.ground;
            let at = ground.told(leg.dialog.hop.flow).ip();
            let session = leg.dialog.tag.secret.into();
            let say = if early { Descriptions::say_early } else { Descriptions::say };
            say(&mut leg.descriptions, &source, session, at, &ground.hasher, &mut scratch);
        }
        self.text = source;
        self.scratch = scratch;
        !self.scratch.is_empty()
    }

    fn alarm(&mut self, id: LegId, reason: Reason, after: Duration) -> TimerId {
        let ground = &mut self.transactions.ground;
        let alarm = Alarm { room: Room::Leg, reason: reason as u8, whom: id.pack() };
        ground.timers.start(ground.now, after, alarm)
    }
}
