//! Transfer: a party has whom it talks to sent elsewhere (REFER; RFC 5589).
//!
//! ```text
//!   blind:          the target rings ──────answers──────╮
//!   semi-attended:  whom the transferor rings, rings on ┼─► joining ──► the two talk, the transferor is let go
//!   attended:       whom the transferor talked to ──────╯      │
//!                          ╰── no answer, busy, refused ───────┴──────► all is as it was; if the transferor has
//!                                                                        hung up, the call waits and it is recalled
//! ```
//! The transferee stays where it is until somebody is there to talk to it: whoever holds it holds it, and if the transferor
//! hangs up meanwhile it hears our music. While the matter is open all parties work for the one call.
//!
//! Knows: sessions, lines, timers (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::call::{Call, CallId, Calls};
use super::parker::PARKER_LEAVES;
use super::pull::others_of;
use crate::base::text::{self, Number};
use crate::base::{Handle, Time};
use crate::counters::{CallEnd, HandoffKind, HandoffResult, TransferKind, TransferResult};
use crate::leg::Cause;
use crate::session::switch::Phones;
use crate::session::{Device, Duty, Party, Place, Reason, SessionEvent, SessionId, Sound, State, Switch, Wake, Whom};
use crate::settings::LineNo;

/// A transfer that is not decided yet.
#[derive(Debug)]
pub(super) struct Transfer {
    kind: TransferKind,
    /// Who asked for it; nobody once it has hung up.
    by: SessionId,
    /// The same, as others see it.
    pub(super) transferor: Party,
    /// Its telephone.
    device: Device,
    /// Who is sent on.
    pub(super) of: SessionId,
    /// Where to.
    number: Number,
    /// Since when.
    pub(super) began: Time,
    /// Who answered, and is being joined with the transferee.
    joining: SessionId,
    /// The call that the transferor had with the target.
    consultation: Option<Consultation>,
}

/// The transferor's own call with whom it transfers to.
#[derive(Clone, Copy, Debug)]
struct Consultation {
    call: CallId,
    /// The transferor's part of it; nobody once it has hung up.
    party: SessionId,
}

/// A call whose transfer came to nothing when its transferor had gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Returned {
    /// Who is left of it.
    pub(super) call: SessionId,
    /// The call, as [`Duty::Call`] has it.
    pub(super) of: u64,
    /// Who is to be recalled.
    pub(super) transferor: Party,
    pub(super) device: Device,
    /// Where it should have gone.
    pub(super) number: Number,
}

/// Where a blind transfer leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// To a line's phones.
    Line(LineNo),
    /// To a number behind a trunk.
    Trunk(usize, Number),
}

/// Why a transfer is refused before anything is done.
type Refused = (Cause, &'static str);

const MOVING: Refused = (Cause::Glare, "This call is just being moved");
const NOBODY: Refused = (Cause::Unavailable, "There is nobody to transfer");
const NOT_ALLOWED: Refused = (Cause::Forbidden, "You may not transfer this call there");
const NOT_YOURS: Refused = (Cause::Forbidden, "That is not your call");
const ITSELF: Refused = (Cause::Forbidden, "A call is not transferred to its own parties");

impl Calls {
    /// The party has whom it talks to sent to a number.
    pub(crate) fn transfer(
        &mut self,
        by: SessionId,
        to: To,
        number: Number,
        pbx: &mut dyn Switch,
    ) -> Result<(), Refused> {
        let found = self.transferable(by, pbx).and_then(|(id, of)| {
            self.may_transfer(by, of, to.place(), pbx)?;
            let is_at = |who: SessionId| to.line().is_some() && pbx.party(who).place.line() == to.line();
            let others = to.line().filter(|_| is_at(by)).map(|line| others_of(line, by, pbx));
            let itself = is_at(of) || others.as_ref().is_some_and(Phones::is_empty);
            if itself { Err(ITSELF) } else { Ok((id, of, others)) }
        });
        let (id, of, others) = self.counted_refusal(TransferKind::Blind, found)?;
        pbx.accept_transfer(by);
        let transfer = Transfer::new(TransferKind::Blind, by, of, number, pbx);
        self.begin_transfer(id, transfer);
        match to.line().zip(others) {
            // Pushed: whatever the line has chosen for calls of others, this one is its own.
            Some((line, others)) => {
                for &phone in &others {
                    self.ring(id, Whom::Phone(line, phone), others.len() == 1, pbx);
                }
                self.await_answer(id, pbx);
            }
            None => {
                let reached = self.go_on(id, to, pbx);
                self.await_whom_reached(id, reached, pbx);
            }
        }
        Ok(())
    }

    /// The party has whom it talks to sent into its other call, in its own place there.
    pub(crate) fn transfer_into(
        &mut self,
        by: SessionId,
        named: SessionId,
        pbx: &mut dyn Switch,
    ) -> Result<(), Refused> {
        let rings = !pbx.state(named).is_up();
        let kind = if rings { TransferKind::Semi } else { TransferKind::Attended };
        let found = self.transferable(by, pbx).and_then(|(id, of)| {
            let consultation = self.consultation(by, named, pbx)?;
            if consultation == id {
                return Err(ITSELF);
            }
            let target = self.other_end(consultation, named, pbx).ok_or(NOBODY)?;
            self.may_transfer(by, of, pbx.party(target).place, pbx)?;
            Ok((id, of, consultation, target))
        });
        let (id, of, consultation, target) = self.counted_refusal(kind, found)?;
        pbx.accept_transfer(by);
        let shown = pbx.party(target).identity;
        let number = if shown.private { text::cut("anonymous") } else { shown.number };
        let consulted = Consultation { call: consultation, party: named };
        let transfer = Transfer { consultation: Some(consulted), ..Transfer::new(kind, by, of, number, pbx) };
        self.begin_transfer(id, transfer);
        pbx.assign(named, Duty::Call(id.pack()));
        if !rings {
            pbx.assign(target, Duty::Call(id.pack()));
            self.join_target(id, target, pbx);
            return Ok(());
        }
        let Some(before) = self.get_mut(consultation) else { return Ok(()) };
        before.stop_timer(pbx);
        let completing = before.completing();
        let (targets, way) = (std::mem::take(&mut before.targets), before.way.take());
        let (called, rings) = (before.called, before.rings);
        for &target in &targets {
            pbx.assign(target, Duty::Call(id.pack()));
            if let Some(line) = pbx.party(target).place.line() {
                self.ringing.remove(line, consultation);
                self.ringing.add(line, id);
            }
        }
        if let Some(call) = self.get_mut(id) {
            (call.targets, call.way) = (targets, way);
            (call.called, call.rings) = (called, rings);
        }
        if let Some(own) = completing {
            self.completions.answered_elsewhere(own, None, pbx);
        }
        self.await_answer(id, pbx);
        Ok(())
    }

    /// Whether somebody of this party's call is just being transferred.
    pub(crate) fn is_transferring(&self, who: SessionId, pbx: &dyn Switch) -> bool {
        let Some(Duty::Call(call)) = pbx.duty(who) else { return false };
        self.get(Handle::unpack(call)).is_some_and(|call| call.transfer.is_some())
    }

    /// Something happened to a party of a call with a transfer. Whether that was all there is to it.
    pub(super) fn happened_in_transfer(&mut self, id: CallId, event: SessionEvent, pbx: &mut dyn Switch) -> bool {
        let Some(transfer) = self.get(id).and_then(|call| call.transfer.as_deref()) else { return false };
        let (by, of, joining) = (transfer.by, transfer.of, transfer.joining);
        match event {
            SessionEvent::Alerting { ringing, .. } => {
                if ringing {
                    pbx.alert_transfer(by);
                }
            }
            SessionEvent::Answered(target) => self.target_answered(id, target, pbx),
            SessionEvent::Joined(one, target) if (one, target) == (of, joining) => self.transferred(id, pbx),
            SessionEvent::JoinFailed(one, target) if (one, target) == (of, joining) => {
                self.transfer_failed(id, Cause::NotAcceptable, "The call could not be connected", pbx);
            }
            SessionEvent::Failed(who, cause) | SessionEvent::Left(who, cause) => {
                return self.left_in_transfer(id, who, cause, pbx);
            }
            SessionEvent::Redirected(who) => self.redirected(id, who, pbx),
            SessionEvent::Joined(..) | SessionEvent::JoinFailed(..) | SessionEvent::Held(_) => {}
            SessionEvent::HoldFailed(_) | SessionEvent::Spoken(_) | SessionEvent::Idle(_) | SessionEvent::Eased(_) => {}
        }
        true
    }

    /// The call ends: nobody is to be transferred any more.
    pub(super) fn end_transfer(&mut self, id: CallId, pbx: &mut dyn Switch) {
        if let Some(transfer) = self.close_transfer(id, Cause::Cancelled, pbx) {
            self.transfers.add(transfer.kind, TransferResult::Cancelled, 1);
            pbx.report_transfer(transfer.by, Err(Cause::Unavailable), "The call has ended");
        }
    }

    /// The call of a party that wants to transfer, and whom it talks to there.
    fn transferable(&self, by: SessionId, pbx: &dyn Switch) -> Result<(CallId, SessionId), Refused> {
        let Some(Duty::Call(call)) = pbx.duty(by) else { return Err(NOBODY) };
        let (id, of) = (Handle::unpack(call), pbx.other(by).ok_or(NOBODY)?);
        let is_free = |call: &Call| call.answered.is_some() && !call.changes_hands();
        let moves = pbx.duty(of) != Some(Duty::Call(call)) || pbx.is_moving(of) || pbx.is_moving(by);
        if moves || !self.get(id).is_some_and(is_free) { Err(MOVING) } else { Ok((id, of)) }
    }

    /// The other call of a party that wants to transfer into it.
    fn consultation(&self, by: SessionId, named: SessionId, pbx: &dyn Switch) -> Result<CallId, Refused> {
        let Some(Duty::Call(call)) = pbx.duty(named) else { return Err(NOBODY) };
        let place = pbx.party(by).place;
        if place != pbx.party(named).place {
            return Err(NOT_YOURS);
        }
        let id = Handle::unpack(call);
        let is_free = self.get(id).is_some_and(|call| !call.changes_hands());
        if pbx.is_moving(named) || !is_free { Err(MOVING) } else { Ok(id) }
    }

    /// Whom the party talks to in its other call, or the first of those that it rings.
    fn other_end(&self, id: CallId, named: SessionId, pbx: &dyn Switch) -> Option<SessionId> {
        let call = self.get(id)?;
        if call.answered.is_none() {
            return call.targets.first().copied().filter(|_| call.caller == named);
        }
        let other = pbx.other(named)?;
        (pbx.duty(other) == Some(Duty::Call(id.pack())) && !pbx.is_moving(other)).then_some(other)
    }

    /// What the transferor may is what counts: whom it sends on gains no right by it.
    fn may_transfer(&self, by: SessionId, of: SessionId, to: Place, pbx: &dyn Switch) -> Result<(), Refused> {
        let rights = &self.rights;
        let may = match pbx.party(by).place {
            place @ Place::Line(_) => pbx.is_member(place, &rights.groups),
            Place::Trunk(_) => rights.from_trunks,
        };
        let is_outside = |place| matches!(place, Place::Trunk(_));
        let passes_through = is_outside(to) && [by, of].into_iter().any(|who| is_outside(pbx.party(who).place));
        if may && (rights.trunk_to_trunk || !passes_through) { Ok(()) } else { Err(NOT_ALLOWED) }
    }

    fn counted_refusal<T>(&mut self, kind: TransferKind, found: Result<T, Refused>) -> Result<T, Refused> {
        found.inspect_err(|_| self.transfers.add(kind, TransferResult::Refused, 1))
    }

    fn begin_transfer(&mut self, id: CallId, mut transfer: Transfer) {
        // Who hides as a rule hides from whom it sends somebody to.
        let hides = transfer.transferor.place.line().is_some_and(|line| self.profiles.hides_number(line));
        transfer.transferor.identity.private |= hides;
        if let Some(call) = self.get_mut(id) {
            // Whoever sent the call on before it was answered has no say in it any more.
            (call.verdict, call.rings) = (Cause::Failure, false);
            call.way = None;
            call.transfer = Some(Box::new(transfer));
        }
    }

    fn target_answered(&mut self, id: CallId, target: SessionId, pbx: &mut dyn Switch) {
        let Some(call) = self.get_mut(id).filter(|call| call.targets.contains(&target)) else { return };
        call.stop_timer(pbx);
        self.outbound_answered(id, target);
        self.drop_targets(id, target, Cause::AnsweredElsewhere, pbx);
        self.join_target(id, target, pbx);
    }

    /// Somebody answers for whom the transfer rings.
    pub(super) fn pick_up_transferred(&mut self, id: CallId, by: SessionId, pbx: &mut dyn Switch) {
        let Some(call) = self.get_mut(id) else { return };
        call.stop_timer(pbx);
        pbx.assign(by, Duty::Call(id.pack()));
        self.drop_targets(id, SessionId::NONE, Cause::AnsweredElsewhere, pbx);
        self.join_target(id, by, pbx);
    }

    fn join_target(&mut self, id: CallId, target: SessionId, pbx: &mut dyn Switch) {
        let Some(transfer) = self.get_mut(id).and_then(|call| call.transfer.as_deref_mut()) else { return };
        transfer.joining = target;
        let of = transfer.of;
        // Parked meanwhile, or fetched by another phone.
        if pbx.duty(of) != Some(Duty::Call(id.pack())) {
            return self.transfer_failed(id, Cause::Unavailable, "The call has gone elsewhere", pbx);
        }
        pbx.join(of, target, Reason::Transfer);
    }

    /// Both hear each other: the transferor may go.
    fn transferred(&mut self, id: CallId, pbx: &mut dyn Switch) {
        let Some(call) = self.get_mut(id) else { return };
        let Some(transfer) = call.transfer.take() else { return };
        call.caller = transfer.of;
        self.transfers.add(transfer.kind, TransferResult::Ok, 1);
        if transfer.is_push(pbx) {
            self.handoffs.add(HandoffKind::Push, HandoffResult::Ok, 1);
        }
        let by = transfer.by;
        if by != SessionId::NONE {
            self.outbound_ended(id, by, CallEnd::Normal);
            let_go(by, pbx);
        }
        if let Some(Consultation { call, party }) = transfer.consultation {
            let answered = self.get(call).is_some_and(|call| call.answered.is_some());
            self.over(call, if answered { CallEnd::Normal } else { CallEnd::Cancelled }, pbx);
            let_go(party, pbx);
        }
        // Whatever becomes of the report: by now everybody has an owner, or a deadline.
        if by != SessionId::NONE {
            pbx.report_transfer(by, Ok(transfer.number), "OK");
        }
    }

    /// Somebody left, or did not come.
    fn left_in_transfer(&mut self, id: CallId, who: SessionId, cause: Cause, pbx: &mut dyn Switch) -> bool {
        let Some(call) = self.get_mut(id) else { return false };
        let Some(transfer) = call.transfer.as_deref_mut() else { return false };
        if who == transfer.by {
            transfer.by = SessionId::NONE;
            if transfer.joining == SessionId::NONE {
                let music = transfer.transferor.place.line().and_then(|line| pbx.music(line));
                pbx.hold(transfer.of, Sound::Music(music.unwrap_or_default()));
            }
            self.outbound_ended(id, who, CallEnd::Normal);
        } else if who == transfer.of {
            if let Some(transfer) = self.close_transfer(id, Cause::Cancelled, pbx) {
                self.transfers.add(transfer.kind, TransferResult::Cancelled, 1);
                pbx.report_transfer(transfer.by, Err(Cause::Unavailable), "The caller hung up");
            }
            return false;
        } else if who == transfer.joining {
            transfer.joining = SessionId::NONE;
            self.outbound_ended(id, who, CallEnd::Failure);
            self.transfer_failed(id, cause, "", pbx);
        } else if let Some(consultation) = transfer.consultation.as_mut().filter(|own| own.party == who) {
            consultation.party = SessionId::NONE;
        } else {
            self.failed(id, who, cause, pbx);
        }
        true
    }

    /// It came to nothing: the call goes on as it was. If the transferor has gone, nobody is left to talk to.
    pub(super) fn transfer_failed(&mut self, id: CallId, cause: Cause, words: &str, pbx: &mut dyn Switch) {
        let Some(transfer) = self.close_transfer(id, cause, pbx) else { return };
        self.transfers.add(transfer.kind, result_of(cause), 1);
        if transfer.is_push(pbx) {
            self.handoffs.add(HandoffKind::Push, HandoffResult::Nothing, 1);
        }
        if transfer.by != SessionId::NONE {
            return pbx.report_transfer(transfer.by, Err(cause), words);
        }
        let Some(call) = self.get_mut(id) else { return };
        call.caller = transfer.of;
        let waits = pbx.duty(transfer.of) == Some(Duty::Call(id.pack()));
        if self.rights.recall && waits && transfer.transferor.place.line().is_some() {
            let Transfer { of: call, transferor, device, number, .. } = *transfer;
            self.returned = Some(Returned { call, of: id.pack(), transferor, device, number });
        } else if waits {
            pbx.drop(transfer.of, cause, words);
            self.over(id, CallEnd::Failure, pbx);
        }
    }

    /// Nobody rings any more, and who is in the transferor's other call goes on there.
    fn close_transfer(&mut self, id: CallId, cause: Cause, pbx: &mut dyn Switch) -> Option<Box<Transfer>> {
        let call = self.get_mut(id)?;
        let transfer = call.transfer.take()?;
        call.stop_timer(pbx);
        self.drop_targets(id, SessionId::NONE, cause, pbx);
        match transfer.consultation {
            Some(consultation) => self.resume_consultation(consultation, transfer.joining, cause, pbx),
            None => {
                self.outbound_ended(id, transfer.joining, CallEnd::Failure);
                pbx.drop(transfer.joining, Cause::Failure, "The call could not be connected");
            }
        }
        Some(transfer)
    }

    fn resume_consultation(&mut self, before: Consultation, target: SessionId, cause: Cause, pbx: &mut dyn Switch) {
        let Consultation { call, party } = before;
        let answered = self.get(call).is_some_and(|call| call.answered.is_some());
        let talk = answered && pbx.state(party).is_up() && pbx.other(party) == Some(target);
        let answers = !answered && pbx.state(target).is_up() && pbx.state(party) != State::Disconnected;
        if talk || answers {
            pbx.assign(party, Duty::Call(call.pack()));
            pbx.assign(target, Duty::Call(call.pack()));
        }
        if answers {
            // It was to talk to the transferee, who could not be moved: so it is an ordinary answer.
            if let Some(caller) = self.answered_by(call, target, pbx) {
                pbx.connect(caller, target);
            }
        }
        if talk || answers {
            return;
        }
        // One of the two has gone meanwhile, or nobody has answered.
        pbx.drop(party, cause, "");
        pbx.drop(target, Cause::Normal, "");
        self.over(call, if answered { CallEnd::Normal } else { super::verdict::ended(cause) }, pbx);
    }
}

impl Transfer {
    fn new(kind: TransferKind, by: SessionId, of: SessionId, number: Number, pbx: &dyn Switch) -> Self {
        let (transferor, device) = (pbx.party(by), pbx.device(by).unwrap_or(Device::NOWHERE));
        let began = pbx.now();
        Self { kind, by, transferor, device, of, number, began, joining: SessionId::NONE, consultation: None }
    }
}

impl Transfer {
    /// Whether the transferor has sent the call to its own line.
    fn is_push(&self, pbx: &dyn Switch) -> bool {
        self.transferor.place.line().is_some_and(|line| pbx.identity(line).number == self.number)
    }
}

impl To {
    pub(super) const fn line(self) -> Option<LineNo> {
        match self {
            Self::Line(line) => Some(line),
            Self::Trunk(..) => None,
        }
    }

    const fn place(self) -> Place {
        match self {
            Self::Line(line) => Place::Line(line),
            Self::Trunk(trunk, _) => Place::Trunk(trunk),
        }
    }
}

/// Its phone hangs up when it hears that all went well; if not, we do.
fn let_go(who: SessionId, pbx: &mut dyn Switch) {
    if pbx.state(who).is_up() {
        pbx.assign(who, Duty::Code);
        pbx.wake(Wake::HangUp(who), PARKER_LEAVES);
    } else {
        pbx.drop(who, Cause::AnsweredElsewhere, "");
    }
}

const fn result_of(cause: Cause) -> TransferResult {
    match cause {
        Cause::Busy => TransferResult::Busy,
        Cause::NoAnswer => TransferResult::NoAnswer,
        Cause::Rejected | Cause::Forbidden => TransferResult::Rejected,
        Cause::NotFound | Cause::Unavailable | Cause::Gone | Cause::Timeout | Cause::Incomplete => {
            TransferResult::Unreachable
        }
        Cause::Cancelled => TransferResult::Cancelled,
        Cause::Normal | Cause::AnsweredElsewhere | Cause::NotAcceptable | Cause::Glare | Cause::NotBuilt => {
            TransferResult::Failed
        }
        Cause::Overload | Cause::Loop | Cause::MediaTimeout | Cause::Failure => TransferResult::Failed,
    }
}
