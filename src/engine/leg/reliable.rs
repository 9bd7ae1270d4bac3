//! Reliable provisional responses and their PRACKs (RFC 3262), each leg's own affair.
//!
//! ```text
//!   they called:  alert ─► 18x, again and again ──PRACK──► the next 18x, or the 2xx that waited
//!                                    ╰─ nobody acknowledges it for 32 s: 504
//!   we called:    18x ─► PRACK at once; if the 18x has an offer: PRACK when its answer is known
//! ```
//! Once an offer was answered in them, the 2xx says nothing of media any more (RFC 6337 §2.2).
use super::forks::Fork;
use super::peer::RELIABLE;
use super::{Acknowledged, Cause, Describe, Identity, LegEvent, LegId, Legs, SDP, State};
use crate::base::Shelf;
use crate::dialog::Descriptions;
use crate::dialog::offer_answer::Due;
use crate::transaction::{Arrival, ClientId, Owner, ServerId, Tag};
use crate::wire::header::RAck;
use crate::wire::{Message, Method, Name, Status, bare, text};

/// What is to be remembered until the call is answered.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// RSeq of our last, or of the peer's last.
    pub(super) rseq: u32,
    /// Our response with that RSeq was acknowledged.
    acknowledged: bool,
    /// CSeq of our INVITE.
    pub(super) cseq: u32,
    /// An offer and its answer have been exchanged.
    pub(super) agreed: bool,
    /// What our INVITE said of media, as each fork has heard it.
    pub(super) offered: Descriptions,
    /// Early dialogs that are not at hand.
    pub(super) forks: Vec<Fork>,
    /// The next provisional response: one at a time (§3).
    alert: Option<(bool, Describe, Identity)>,
    /// The 2xx that waits for a PRACK.
    answer: Option<(Describe, Identity)>,
}

impl Early {
    pub(super) const fn is_agreed(&self) -> bool {
        self.agreed
    }

    /// Gives the memory of the dialogs that came to nothing back.
    pub(super) fn put_back(self, shelf: &mut Shelf) {
        for fork in self.forks {
            fork.put_back(shelf);
        }
    }
}

impl Legs {
    /// Whether media was agreed on before the call was answered.
    pub(crate) fn is_agreed_early(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| leg.early.as_ref().is_some_and(|early| early.agreed))
    }

    /// Whether the called side has made an offer that our PRACK must answer.
    pub(crate) fn owes_early_answer(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| {
            let Some(early) = leg.early.as_ref().filter(|_| matches!(leg.state, State::Calling { .. })) else {
                return false;
            };
            let mut due = early.forks.iter().map(|fork| fork.descriptions.due).chain([leg.descriptions.due]);
            due.any(|due| due == Due::Ours)
        })
    }

    /// Whether the caller can be shown an offer before the call is answered.
    pub(crate) fn can_offer_early(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| {
            matches!(leg.state, State::Arrived(_)) && leg.peer.reliable && leg.descriptions.remote().is_empty()
        })
    }

    /// What this response of ours can say of media, and whether it is to be reliable. Nothing if it must wait.
    pub(super) fn early_terms(&mut self, id: LegId, alert: (bool, Describe, Identity)) -> Option<(Describe, bool)> {
        let leg = self.legs.get_mut(id)?;
        if let Some(early) = leg.early.as_mut()
            && leg.unacknowledged.is_some()
        {
            // What says more is not lost for what says less.
            let (ringing, describe, connected) = alert;
            early.alert = Some(match early.alert {
                Some((rang, said, _)) if describe == Describe::Nothing => (rang || ringing, said, connected),
                Some(_) | None => alert,
            });
            return None;
        }
        let (_, describe, _) = alert;
        let describe = match leg.descriptions.due {
            Due::Ours => describe,
            // An offer in a provisional response must be reliable (§5).
            Due::Nothing if leg.peer.reliable && leg.descriptions.remote().is_empty() => describe,
            Due::Nothing | Due::Theirs => Describe::Nothing,
        };
        Some((describe, leg.peer.insists || leg.peer.reliable && describe != Describe::Nothing))
    }

    /// A reliable provisional response is about to be sent: its RSeq (§3).
    pub(super) fn next_rseq(&mut self, id: LegId) -> u32 {
        // Between 1 and 2^31 - 1, with room for those that follow.
        let first = self.transactions.ground.rng.bits() >> 2 | 1;
        let Some(leg) = self.legs.get_mut(id) else { return first };
        let early = leg.early.get_or_insert_with(|| Box::new(Early { rseq: first - 1, ..Early::default() }));
        early.rseq += 1;
        early.acknowledged = false;
        early.rseq
    }

    /// A description went out in a reliable response.
    pub(super) fn said_early(&mut self, id: LegId) {
        if let Some(leg) = self.legs.get_mut(id)
            && let Some(early) = leg.early.as_mut()
        {
            // Ours was the answer; or it was an offer, and the PRACK has the answer.
            early.agreed |= leg.descriptions.due == Due::Nothing;
        }
    }

    /// Keeps the answer back while it may not be sent: a description of ours waits for its PRACK (§3), or an offer for
    /// our answer.
    pub(super) fn put_off_answer(&mut self, id: LegId, describe: Describe, connected: &Identity) -> bool {
        let Some(leg) = self.legs.get_mut(id) else { return false };
        let open = leg.incoming != crate::transaction::ServerId::NONE;
        let waits = leg.unacknowledged.as_ref().is_some_and(|sent| match sent.by {
            Acknowledged::ByPrack { described } => described,
            Acknowledged::ByAck { .. } => false,
        });
        match leg.early.as_mut().filter(|_| waits || open) {
            Some(early) => early.answer = Some((describe, *connected)),
            None => return false,
        }
        true
    }

    /// A PRACK.
    pub(super) fn pracked(&mut self, id: LegId, request: &Message<'_>, arrival: Arrival) -> Option<LegEvent> {
        let leg = self.legs.get_mut(id)?;
        let rack = request.header(Name::RAck).and_then(|value| RAck::parse(value).ok());
        let early = leg.early.as_ref();
        let fits = early.zip(rack).is_some_and(|(early, rack)| {
            let of_invite = rack.cseq.number == leg.invite_number && rack.cseq.method == Method::Invite;
            rack.rseq == early.rseq && of_invite && !early.acknowledged
        });
        let described = !request.body().is_empty();
        let answers = leg.descriptions.due == Due::Theirs;
        let refusal = match () {
            () if rack.is_none() => Some((Status::BAD_REQUEST, "Missing Or Malformed RAck")),
            () if !fits => Some((Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST, "No Such Response")),
            () if answers && !described => Some((Status::BAD_REQUEST, "Our Offer Needs An Answer")),
            // A new offer, before the answer to the last one or while we change something.
            () if described && !answers && !matches!(leg.state, State::Arrived(_)) => {
                Some((Status::NOT_ACCEPTABLE_HERE, "Too Late For An Offer"))
            }
            () => None,
        };
        if let Some((status, reason)) = refusal {
            self.transactions.reply(arrival, request, status, Some(reason), bare);
            return None;
        }
        leg.peer.learn(request);
        if let Some(early) = leg.early.as_mut() {
            early.acknowledged = true;
        }
        // After the answer it is the 2xx that waits, and for its ACK.
        if leg.unacknowledged.as_ref().is_some_and(|sent| !matches!(sent.by, Acknowledged::ByAck { .. })) {
            self.acknowledged_at_last(id);
        }
        if described && !answers {
            let leg = self.legs.get(id)?;
            let busy = leg.incoming != ServerId::NONE || leg.outgoing != ClientId::NONE;
            if busy || leg.descriptions.due != Due::Nothing {
                // Its own offer, or ours, is not answered yet (RFC 3264 §4).
                self.transactions.reply(arrival, request, Status::REQUEST_PENDING, None, bare);
                self.go_on(id);
                return None;
            }
            return self.prack_offers(id, request, arrival);
        }
        self.transactions.reply(arrival, request, Status::OK, None, bare);
        let leg = self.legs.get_mut(id)?;
        if described {
            leg.descriptions.heard(&mut self.transactions.ground.shelf, request.body());
            if let Some(early) = leg.early.as_mut() {
                early.agreed = true;
            }
        }
        self.go_on(id);
        described.then_some(LegEvent::Pracked)
    }

    /// The PRACK has an offer of its own (§5): it goes to the other side as any change does.
    fn prack_offers(&mut self, id: LegId, request: &Message<'_>, arrival: Arrival) -> Option<LegEvent> {
        let leg = self.legs.get_mut(id)?;
        leg.descriptions.heard(&mut self.transactions.ground.shelf, request.body());
        let tag = Tag { slot: id.slot(), ..leg.dialog.tag };
        leg.incoming = self.transactions.open(arrival, request, Owner(id.pack()), tag);
        Some(LegEvent::Offered { described: true })
    }

    /// What waited for a PRACK, or for our answer to an offer before the call is answered, is said now.
    pub(super) fn go_on(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(id).filter(|leg| matches!(leg.state, State::Arrived(_))) else { return };
        let Some(early) = leg.early.as_mut() else { return };
        let (alert, answer) = (early.alert.take(), early.answer.take());
        match (alert, answer) {
            (_, Some((describe, connected))) => {
                self.answer(id, describe, &connected);
            }
            (Some((ringing, describe, connected)), None) => {
                self.alert(id, ringing, describe, &connected);
            }
            (None, None) => {}
        }
    }

    /// Nobody acknowledged our provisional response: the call is given up (§3).
    pub(super) fn unacknowledged_early(&mut self, id: LegId) -> Option<LegEvent> {
        let State::Arrived(server) = self.legs.get(id)?.state else { return None };
        self.transactions.respond(
            server,
            Status::SERVER_TIMEOUT,
            Some("Nobody Acknowledged The Provisional Response"),
            bare,
        );
        self.close(id);
        Some(LegEvent::HungUp(Cause::Timeout))
    }

    /// The RSeq of a reliable response to our INVITE, if it is the next of its dialog; [`Heard::Before`] for one that was
    /// heard before, or that overtook another (§4).
    pub(super) fn hear_rseq(&mut self, id: LegId, response: &Message<'_>) -> Heard {
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.peer.reliable) else { return Heard::Unreliable };
        let rseq = response.header(Name::RSeq).and_then(text::number);
        let Some(rseq) = rseq.filter(|_| response.has_option(Name::Require, RELIABLE)) else {
            return Heard::Unreliable;
        };
        let cseq = response.cseq().map_or(1, |cseq| cseq.number);
        let offered = &leg.descriptions;
        let early =
            leg.early.get_or_insert_with(|| Box::new(Early { cseq, offered: offered.fork(), ..Early::default() }));
        if rseq == 0 || early.rseq != 0 && rseq.checked_sub(1) != Some(early.rseq) {
            return Heard::Before;
        }
        early.rseq = rseq;
        Heard::Next
    }

    /// A description came in a reliable response. Whether it is an offer, which waits for our answer.
    pub(super) fn heard_reliably(&mut self, id: LegId, body: &[u8]) -> bool {
        let Some(leg) = self.legs.get_mut(id) else { return false };
        let Some(early) = leg.early.as_mut() else { return false };
        let shelf = &mut self.transactions.ground.shelf;
        if early.agreed {
            // Another fork says what it would do; who answers is the one that counts.
            leg.descriptions.heard_early(shelf, body);
            return false;
        }
        leg.descriptions.heard(shelf, body);
        early.agreed = leg.descriptions.due == Due::Nothing;
        !early.agreed
    }

    /// Answers the offer of the called side's provisional response, in our PRACK.
    pub(crate) fn acknowledge_early(&mut self, id: LegId, describe: Describe) {
        if !self.owes_early_answer(id) {
            return;
        }
        self.select_offering(id);
        let described = self.describe(id, describe, false);
        if let Some(early) = self.legs.get_mut(id).and_then(|leg| leg.early.as_mut()) {
            early.agreed = true;
        }
        self.send_prack(id, described);
    }

    pub(super) fn send_prack(&mut self, id: LegId, described: bool) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let Some((rseq, cseq)) = leg.early.as_ref().map(|early| (early.rseq, early.cseq)) else { return };
        let number = leg.dialog.next_number();
        let (dialog, body) = (&leg.dialog, self.scratch.as_slice());
        let owner = Owner(id.pack());
        self.transactions.request(
            dialog.next_hop(&self.transactions.ground),
            owner,
            Method::Prack,
            dialog.request_uri(),
            70,
            |mut prack| {
                dialog.write(&mut prack, Method::Prack, number);
                prack.open(Name::RAck).decimal(rseq.into()).text(b" ").decimal(cseq.into()).text(b" INVITE").close();
                if described { prack.body(SDP, body) } else { prack.end() }
            },
        );
    }
}

/// How a provisional response was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is not reliable.
    Unreliable,
    /// It is the next one.
    Next,
    /// It is none that counts.
    Before,
}
