//! The dialog of one leg: its ids, sequence numbers, route set and remote target.
use super::route_set;
use crate::base::{Parts, Shelf};
use crate::ground::{Ground, Hop};
use crate::settings::LineNo;
use crate::transaction::Tag;
use crate::wire::{Compose, Message, Method, Name};

pub(crate) use super::route_set::{numeric, way};

const CALL_ID: usize = 0;
const LOCAL: usize = 1;
const REMOTE: usize = 2;
const REMOTE_TAG: usize = 3;
const TARGET: usize = 4;
const ROUTES: usize = 5;

/// The state of a dialog (RFC 3261 §12). Early or confirmed is the leg's affair.
#[derive(Debug)]
pub(crate) struct Dialog {
    /// Our tag.
    pub(crate) tag: Tag,
    parts: Parts<6>,
    local_number: u32,
    remote_number: Option<u32>,
    /// Where the peer was heard from, or called at.
    pub(crate) hop: Hop,
    /// The peer is reached there whatever its Contact says: a phone of this line, behind a NAT.
    pinned: Option<LineNo>,
}

/// A request whose CSeq does not rise: 500 (RFC 3261 §12.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfOrder;

/// Who is who in a dialog that we begin: addresses without tags, `"Alice" <sip:1001@pbx.test>`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parties<'a> {
    pub(crate) call_id: &'a [u8],
    pub(crate) local: &'a [u8],
    pub(crate) remote: &'a [u8],
    pub(crate) target: &'a [u8],
}

/// What a dialog is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Names<'a> {
    pub(crate) call_id: &'a [u8],
    pub(crate) ours: Tag,
    /// Empty before the peer has answered anything.
    pub(crate) theirs: &'a [u8],
}

impl Dialog {
    /// The dialog that an INVITE or a SUBSCRIBE to us will form (§12.1.1).
    pub(crate) fn called(
        shelf: &mut Shelf,
        invite: &Message<'_>,
        tag: Tag,
        hop: Hop,
        line: Option<LineNo>,
    ) -> Option<Self> {
        let from = invite.from().ok()?;
        let target = invite.contact().ok()??.uri;
        let mut routes = Vec::new();
        route_set::collect(invite, false, &mut routes)?;
        let parts = [
            invite.call_id().ok()?,
            without_params(invite.header(Name::To)?),
            without_params(invite.header(Name::From)?),
            from.tag().unwrap_or_default(),
            target,
            &routes,
        ];
        Some(Self {
            tag,
            parts: Parts::new(shelf, parts)?,
            local_number: 0,
            remote_number: invite.cseq().ok().map(|cseq| cseq.number),
            hop,
            pinned: line.filter(|_| routes.is_empty() && is_elsewhere(target, hop)),
        })
    }

    /// The dialog that an INVITE of ours may form (§12.1.2).
    pub(crate) fn calling(
        shelf: &mut Shelf,
        parties: Parties<'_>,
        tag: Tag,
        hop: Hop,
        pinned: Option<LineNo>,
    ) -> Option<Self> {
        let Parties { call_id, local, remote, target } = parties;
        let parts = Parts::new(shelf, [call_id, local, remote, b"", target, b""])?;
        Some(Self { tag, parts, local_number: 0, remote_number: None, hop, pinned })
    }

    /// Another dialog that the same INVITE may form, with this CSeq number (§12.1.2).
    pub(crate) fn fork(&self, shelf: &mut Shelf, number: u32) -> Option<Self> {
        let parts = [self.call_id(), self.local(), self.remote(), b"", self.target(), b""];
        let parts = Parts::new(shelf, parts)?;
        Some(Self { parts, local_number: number, remote_number: None, ..*self })
    }

    /// A response with a To tag came to our INVITE. The last one to come forms the dialog we go on with.
    pub(crate) fn answered(&mut self, shelf: &mut Shelf, response: &Message<'_>) -> bool {
        let Some(tag) = response.to_tag() else { return false };
        let mut fits = self.parts.set(shelf, REMOTE_TAG, tag);
        if let Ok(Some(contact)) = response.contact() {
            fits &= self.parts.set(shelf, TARGET, contact.uri);
        }
        let has_routes = response.has(Name::RecordRoute);
        if has_routes || !self.parts.get(ROUTES).is_empty() {
            let mut routes = Vec::new();
            fits &= route_set::collect(response, true, &mut routes).is_some();
            fits &= self.parts.set(shelf, ROUTES, &routes);
        }
        fits
    }

    /// Whether a message says that it belongs to the same call.
    pub(crate) fn has_call_id(&self, request: &Message<'_>) -> bool {
        request.call_id().is_ok_and(|id| id == self.call_id())
    }

    /// Whether this dialog is the one that a message with our tag belongs to.
    pub(crate) fn owns(&self, request: &Message<'_>) -> bool {
        request.call_id().is_ok_and(|id| id == self.call_id())
            && request.from_tag().unwrap_or_default() == self.remote_tag()
    }

    /// A request inside the dialog: its number must rise (§12.2.2).
    pub(crate) fn sequence(&mut self, request: &Message<'_>) -> Result<(), OutOfOrder> {
        let number = request.cseq().map_err(|_| OutOfOrder)?.number;
        if self.remote_number.is_some_and(|last| number <= last) {
            return Err(OutOfOrder);
        }
        self.remote_number = Some(number);
        Ok(())
    }

    /// A target refresh (§12.2.2): the peer says where it is now.
    pub(crate) fn refresh(&mut self, shelf: &mut Shelf, message: &Message<'_>, from: Option<Hop>) {
        if let Ok(Some(contact)) = message.contact() {
            self.parts.set(shelf, TARGET, contact.uri);
        }
        if let Some(hop) = from
            && self.pinned.is_some()
        {
            self.hop = hop;
        }
    }

    /// A peer that is reached only where it was heard may be elsewhere now: remembers where.
    pub(crate) fn follow(&mut self, ground: &Ground) {
        let now = ground.way_back_to(self.hop, self.pinned);
        if ground.is_up(now) {
            self.hop = now;
        }
    }

    /// Who we say we are from now on (RFC 4916).
    pub(crate) fn rename(&mut self, shelf: &mut Shelf, local: &[u8]) {
        self.parts.set(shelf, LOCAL, local);
    }

    pub(crate) fn names(&self) -> Names<'_> {
        Names { call_id: self.call_id(), ours: self.tag, theirs: self.remote_tag() }
    }

    pub(crate) fn call_id(&self) -> &[u8] {
        self.parts.get(CALL_ID)
    }

    pub(crate) fn remote_tag(&self) -> &[u8] {
        self.parts.get(REMOTE_TAG)
    }

    pub(crate) fn local(&self) -> &[u8] {
        self.parts.get(LOCAL)
    }

    pub(crate) fn remote(&self) -> &[u8] {
        self.parts.get(REMOTE)
    }

    /// The peer's Contact.
    pub(crate) fn target(&self) -> &[u8] {
        self.parts.get(TARGET)
    }

    /// The number of the next request.
    pub(crate) fn next_number(&mut self) -> u32 {
        self.local_number += 1;
        self.local_number
    }

    /// The Request-URI of requests in this dialog (§12.2.1.1).
    pub(crate) fn request_uri(&self) -> &[u8] {
        match route_set::first(self.parts.get(ROUTES)) {
            Some((strict, false)) => strict,
            Some((_, true)) | None => self.target(),
        }
    }

    /// Where they are sent: to the first route, else to the target; where that is a name or unreachable from here,
    /// to where the peer was heard from.
    pub(crate) fn next_hop(&self, ground: &Ground) -> Hop {
        let routes = self.parts.get(ROUTES);
        let way = match route_set::first(routes) {
            Some((uri, _)) => route_set::way(uri),
            None if self.pinned.is_some() => None,
            None => route_set::way(self.target()),
        };
        match way {
            Some((address, transport)) => ground.way_to(self.hop, address, transport),
            None => ground.way_back_to(self.hop, self.pinned),
        }
    }

    /// Writes Route, From, To, Call-ID and CSeq of a request.
    pub(crate) fn write(&self, request: &mut Compose<'_>, method: Method, number: u32) {
        self.write_routes(request);
        request.open(Name::From).text(self.local()).word(b";tag=");
        request.hex8(self.tag.slot).hex8(self.tag.secret).close();
        request.open(Name::To).text(self.remote());
        if !self.remote_tag().is_empty() {
            request.word(b";tag=").text(self.remote_tag());
        }
        request.close().field(Name::CallId, self.call_id());
        request.open(Name::CSeq).decimal(number.into()).word(b" ").word(method.as_str().as_bytes()).close();
    }

    fn write_routes(&self, request: &mut Compose<'_>) {
        let routes = self.parts.get(ROUTES);
        match route_set::first(routes) {
            None => {}
            Some((_, true)) => {
                request.field(Name::Route, routes);
            }
            // A strict router stands in the Request-URI; the target goes to the end of the list.
            Some((_, false)) => {
                let rest = route_set::rest(routes);
                let separator: &[u8] = if rest.is_empty() { b"" } else { b", " };
                request.parts(Name::Route, &[rest, separator, b"<", self.target(), b">"]);
            }
        }
    }

    /// Gives its memory back.
    pub(crate) fn put_back(self, shelf: &mut Shelf) {
        self.parts.put_back(shelf);
    }
}

/// The Contact that we give in a dialog.
pub(crate) fn write_contact(message: &mut Compose<'_>, told: &[u8]) {
    message.open(Name::Contact).word(b"<sip:").ours(told).word(b">").close();
}

/// `"Alice" <sip:1001@pbx.test>;tag=x` without what follows the address.
pub(crate) fn without_params(value: &[u8]) -> &[u8] {
    match crate::wire::NameAddr::parse(value) {
        Ok(address) => {
            let end = value.len() - address.params.len();
            let kept = value.get(..end).unwrap_or(value);
            crate::wire::text::trim(kept.strip_suffix(b";").unwrap_or(kept))
        }
        Err(_) => value,
    }
}

/// Whether the Contact's address is not the one that the request came from.
fn is_elsewhere(target: &[u8], hop: Hop) -> bool {
    numeric(target).is_some_and(|said| said.ip() != hop.address.ip())
}
