//! Requests that go through from one party to the other: INFO, with digits most of the time (RFC 6086).
use super::{LegEvent, LegId, Legs, State};
use crate::base::Handle;
use crate::transaction::{Arrival, Owner, ServerId, Tag};
use crate::wire::dtmf::Press;
use crate::wire::{Message, Method, Name, Status, bare};

impl Legs {
    pub(super) fn passed(&mut self, id: LegId, request: &Message<'_>, arrival: Arrival) -> Option<LegEvent> {
        let leg = self.legs.get_mut(id)?;
        if leg.request != ServerId::NONE || leg.state != State::Up {
            self.transactions.reply(arrival, request, Status::REQUEST_PENDING, None, bare);
            return None;
        }
        let tag = Tag { slot: id.slot(), ..leg.dialog.tag };
        leg.request = self.transactions.open(arrival, request, Owner(id.pack()), tag);
        Some(LegEvent::Passed)
    }

    /// Sends the same request on this leg. False if it cannot be.
    pub(crate) fn pass_on(&mut self, id: LegId, request: &Message<'_>) -> bool {
        let content = request.header(Name::ContentType).unwrap_or(b"text/plain");
        let hops = request.max_forwards().ok().flatten().unwrap_or(70).saturating_sub(1);
        let fields = [Name::InfoPackage, Name::ContentDisposition].map(|name| (name, request.header(name)));
        self.inform(id, u8::try_from(hops).unwrap_or(u8::MAX), &fields, (content, request.body()))
    }

    /// Sends a key on this leg. False if it cannot be.
    pub(crate) fn press(&mut self, id: LegId, press: Press) -> bool {
        // RFC 3261 §8.1.1.6.
        self.inform(id, 70, &[], (press.form.content_type(), &press.body()))
    }

    /// Sends an INFO with these fields and this body.
    fn inform(&mut self, id: LegId, hops: u8, fields: &[(Name, Option<&[u8]>)], (kind, body): (&[u8], &[u8])) -> bool {
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.state == State::Up) else { return false };
        let number = leg.dialog.next_number();
        let dialog = &leg.dialog;
        let sent = self.transactions.request(
            dialog.next_hop(&self.transactions.ground),
            Owner(id.pack()),
            Method::Info,
            dialog.request_uri(),
            hops,
            |mut info| {
                dialog.write(&mut info, Method::Info, number);
                for &(name, value) in fields {
                    if let Some(value) = value {
                        info.field(name, value);
                    }
                }
                if body.is_empty() { info.end() } else { info.body(kind, body) }
            },
        );
        sent.is_some()
    }

    /// The other party's final response to what was passed on, for the one who sent it.
    pub(crate) fn pass_back(&mut self, id: LegId, status: Status) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let server = std::mem::replace(&mut leg.request, Handle::NONE);
        self.transactions.respond(server, status, None, bare);
    }
}

/// The other party's response to what was passed on.
pub(super) fn settled(response: &Message<'_>) -> Option<LegEvent> {
    let status = response.status()?;
    (!status.is_provisional()).then_some(LegEvent::PassSettled(status.code()))
}
