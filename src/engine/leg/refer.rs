//! REFER and its NOTIFYs: the peer wants the other party to be sent elsewhere (RFC 3515, RFC 7647).
use super::identity::write_number;
use super::{Cause, Dialled, LegEvent, LegId, Legs, Named, State, write_contact};
use crate::base::Handle;
use crate::dialog::ReferSubscription;
use crate::dialog::subscription::SECONDS;
use crate::transaction::{Arrival, Owner, ServerId, Tag};
use crate::wire::{Message, Method, Name, Status, bare};
use std::time::Duration;

impl Legs {
    /// A REFER inside the dialog.
    pub(super) fn referred(&mut self, id: LegId, request: &Message<'_>, arrival: Arrival) -> Option<LegEvent> {
        let mut targets = request.fields(Name::ReferTo);
        let (target, another) = (targets.next(), targets.next().is_some());
        let target = target.filter(|_| !another);
        let (dialled, replaces) =
            (target.and_then(Dialled::refer_to), target.map_or(Named::Nothing, |target| self.referred_to(target)));
        let leg = self.legs.get_mut(id)?;
        let refusal = match () {
            // Exactly one, and one we can read (RFC 3515 §2.4.2).
            () if dialled.is_none() => Some((Status::BAD_REQUEST, "Bad Refer-To")),
            () if leg.state != State::Up => Some((Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST, "Not Answered Yet")),
            () if leg.request != ServerId::NONE || leg.refer.is_some() => {
                Some((Status::REQUEST_PENDING, "One REFER At A Time"))
            }
            () => None,
        };
        if let Some((status, reason)) = refusal {
            self.transactions.reply(arrival, request, status, Some(reason), bare);
            return None;
        }
        let names_id = std::mem::replace(&mut leg.had_refer, true);
        leg.refer = Some(ReferSubscription {
            id: request.cseq().map_or(0, |cseq| cseq.number),
            names_id,
            silent: request.header(Name::ReferSub).is_some_and(|value| value.eq_ignore_ascii_case(b"false")),
            until: self.transactions.ground.now + Duration::from_secs(SECONDS),
        });
        let tag = Tag { slot: id.slot(), ..leg.dialog.tag };
        leg.request = self.transactions.open(arrival, request, Owner(id.pack()), tag);
        dialled.map(|dialled| LegEvent::Referred(dialled, replaces))
    }

    /// "We will try": 200 (RFC 7647 §5 ended the 202 of RFC 3515), and the first NOTIFY at once.
    pub(crate) fn accept_refer(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let server = std::mem::replace(&mut leg.request, Handle::NONE);
        let silent = leg.refer.is_some_and(|refer| refer.silent);
        let told = self.transactions.ground.contact_copy(leg.dialog.hop.flow);
        self.transactions.respond(server, Status::OK, None, |mut response| {
            write_contact(&mut response, &told);
            if silent {
                response.field(Name::ReferSub, b"false");
            }
            response.end()
        });
        self.notify(id, Status::TRYING, None, None);
    }

    /// "No": and the call stays as it was.
    pub(crate) fn refuse_refer(&mut self, id: LegId, cause: Cause, words: &str) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let server = std::mem::replace(&mut leg.request, Handle::NONE);
        leg.refer = None;
        let told = self.transactions.ground.told_copy(leg.dialog.hop.flow);
        let status = cause.status();
        let reason = (!words.is_empty()).then_some(words);
        self.transactions.respond(server, status, reason, |mut refusal| {
            if !words.is_empty() {
                refusal.open(Name::Reason).text(b"SIP;cause=").decimal(status.code().into()).text(b";text=");
                refusal.quoted(words.as_bytes()).close();
                refusal.open(Name::Warning).text(b"399 ").text(&told).text(b" ").quoted(words.as_bytes()).close();
            }
            refusal.end()
        });
    }

    /// Whom it was sent to rings.
    pub(crate) fn alert_refer(&mut self, id: LegId) {
        self.notify(id, Status::RINGING, None, None);
    }

    /// What became of it: the last NOTIFY. `place` is where the call went.
    pub(crate) fn report_refer(&mut self, id: LegId, result: Result<&str, Cause>, words: &str) {
        let words = (!words.is_empty()).then_some(words);
        match result {
            Ok(place) => self.notify(id, Status::OK, words, Some(place)),
            Err(cause) => self.notify(id, cause.status(), words, None),
        }
    }

    fn notify(&mut self, id: LegId, status: Status, words: Option<&str>, place: Option<&str>) {
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.state == State::Up) else { return };
        let Some(refer) = leg.refer else { return };
        if status.is_final() {
            leg.refer = None;
        }
        if refer.silent {
            return;
        }
        write_sipfrag(status, words, place, &self.domain, &mut self.text);
        let number = leg.dialog.next_number();
        let (dialog, fragment) = (&leg.dialog, self.text.as_slice());
        let hop = dialog.next_hop(&self.transactions.ground);
        let told = self.transactions.ground.contact_copy(hop.flow);
        let now = self.transactions.ground.now;
        let owner = Owner(id.pack());
        self.transactions.request(hop, owner, Method::Notify, dialog.request_uri(), 70, |mut notify| {
            dialog.write(&mut notify, Method::Notify, number);
            write_contact(&mut notify, &told);
            notify.open(Name::Event).text(b"refer");
            if refer.names_id {
                notify.text(b";id=").decimal(refer.id.into());
            }
            notify.close().open(Name::SubscriptionState);
            if status.is_final() {
                notify.text(b"terminated;reason=noresource");
            } else {
                notify.text(b"active;expires=").decimal(refer.left(now));
            }
            notify.close();
            notify.body(b"message/sipfrag;version=2.0", fragment)
        });
    }

    /// The peer's response to a NOTIFY: one that does not know of it wants no more (RFC 6665 §4.2.2).
    pub(super) fn notified(&mut self, id: LegId, response: &Message<'_>) -> Option<LegEvent> {
        let leg = self.legs.get_mut(id)?;
        let status = response.status()?;
        // 500 is about that NOTIFY alone: another request of ours has overtaken it (RFC 3261 §12.2.2).
        if status.code() >= 300 && status != Status::SERVER_INTERNAL_ERROR {
            leg.refer = None;
        }
        None
    }
}

/// `SIP/2.0 200 OK`, and where the call is now.
fn write_sipfrag(status: Status, words: Option<&str>, place: Option<&str>, domain: &str, out: &mut Vec<u8>) {
    out.clear();
    let words = words.unwrap_or(status.reason());
    out.extend_from_slice(b"SIP/2.0 ");
    let code = status.code();
    out.extend([code / 100, code / 10 % 10, code % 10].map(|digit| b'0' + digit as u8));
    out.push(b' ');
    out.extend(words.bytes().filter(|byte| !byte.is_ascii_control()));
    out.extend_from_slice(b"\r\n");
    if let Some(place) = place {
        out.extend_from_slice(b"Contact: ");
        write_number(place, domain, out);
        // The empty line may be left out (RFC 3420 §2), but belle-sip does not read header fields without it.
        out.extend_from_slice(b"\r\n\r\n");
    }
}
