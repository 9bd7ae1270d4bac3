//! The REGISTER method: what one asks for, and what it is told (RFC 3261 §10.3).
//!
//! Knows: Contact, Expires and their rules. Never: the bindings themselves.
use crate::base::limits;
use crate::counters::{Excess, RegisterResult};
use crate::ground::Hop;
use crate::settings::RegistrarSettings;
use crate::transaction::{Arrival, Transactions};
use crate::wire::header::Contacts;
use crate::wire::{Message, Name, NameAddr, Status, bare};
use smallvec::SmallVec;

/// A REGISTER, read and found right.
#[derive(Debug)]
pub(crate) struct Register<'a> {
    pub(crate) wish: Wish<'a>,
    pub(crate) call_id: &'a [u8],
    pub(crate) cseq: u32,
    /// Where it came from.
    pub(crate) hop: Hop,
}

/// What it asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Wish<'a> {
    /// Which contacts there are.
    Know,
    /// `*`: none from now on.
    RemoveAll,
    /// These contacts, each for so many seconds; 0 takes one back.
    Bind(SmallVec<[(NameAddr<'a>, u32); 2]>),
}

/// Why a REGISTER changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `*`, and then something else than `Expires: 0`.
    Star,
    /// A contact that no call could be sent to.
    Contact,
    /// A contact of more bytes than are kept.
    TooLong,
    /// Shorter than so many seconds.
    TooBrief(u32),
    /// More contacts at once than the line may have.
    TooMany,
    /// Something newer with the same Call-ID was here before (§10.3 step 7).
    OutOfOrder,
}

/// A binding, as the answer lists it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed<'d> {
    pub(crate) uri: &'d [u8],
    /// Its parameters but for `expires`, as `;q=0.5;reg-id=1`.
    pub(crate) params: &'d [u8],
    /// Seconds left.
    pub(crate) expires: u64,
}

/// Reads a REGISTER of somebody who may send it. All contacts are right, or nothing is done (§10.3, last paragraph).
pub(crate) fn wanted<'a>(
    request: &Message<'a>,
    hop: Hop,
    settings: &RegistrarSettings,
) -> Result<Register<'a>, Refusal> {
    let (Ok(call_id), Ok(cseq)) = (request.call_id(), request.cseq()) else { return Err(Refusal::Contact) };
    let wish = match request.contacts().map_err(|_| Refusal::Contact)? {
        // Only together with Expires: 0 (§10.2.2).
        Contacts::Star if request.expires() == Some(0) => Wish::RemoveAll,
        Contacts::Star => return Err(Refusal::Star),
        Contacts::List(contacts) if contacts.is_empty() => Wish::Know,
        Contacts::List(contacts) => {
            let given = |contact| Ok((contact, granted(request, &contact, settings)?));
            Wish::Bind(contacts.into_iter().map(given).collect::<Result<_, _>>()?)
        }
    };
    Ok(Register { wish, call_id, cseq: cseq.number, hop })
}

/// For how long this contact is bound (§10.3 step 7).
fn granted(request: &Message<'_>, contact: &NameAddr<'_>, settings: &RegistrarSettings) -> Result<u32, Refusal> {
    let uri = contact.uri().map_err(|_| Refusal::Contact)?;
    // Nothing of it may be added to a request that calls it but the URI itself (§19.1.5).
    let usable = uri.is_sip() && uri.headers.is_empty();
    if !usable {
        return Err(Refusal::Contact);
    }
    if contact.uri.len() + contact.params.len() > limits::CONTACT_BYTES {
        return Err(Refusal::TooLong);
    }
    let longest = u32::try_from(settings.max_expires.as_secs()).unwrap_or(u32::MAX);
    let shortest = u32::try_from(settings.min_expires.as_secs()).unwrap_or(u32::MAX);
    let asked = contact.expires().or_else(|| request.expires()).unwrap_or(longest);
    // An hour is never too brief (§10.3 step 7).
    if asked > 0 && asked < shortest.min(3600) {
        return Err(Refusal::TooBrief(shortest));
    }
    Ok(asked.min(longest))
}

/// 200 with all there are.
pub(crate) fn list<'d>(
    transactions: &mut Transactions,
    request: &Message<'_>,
    arrival: Arrival,
    bindings: impl Iterator<Item = Listed<'d>>,
) {
    transactions.ground.counters.register.up(RegisterResult::Ok);
    transactions.reply(arrival, request, Status::OK, None, |mut response| {
        for binding in bindings {
            let field = response.open(Name::Contact).text(b"<").text(binding.uri).text(b">").text(binding.params);
            field.text(b";expires=").decimal(binding.expires).close();
        }
        response.end()
    });
}

/// No, and nothing was changed.
pub(crate) fn refuse(transactions: &mut Transactions, request: &Message<'_>, arrival: Arrival, refusal: Refusal) {
    let (result, status, reason) = match refusal {
        Refusal::Star => (RegisterResult::Refused, Status::BAD_REQUEST, Some("Contact * Needs Expires 0")),
        Refusal::Contact => (RegisterResult::Refused, Status::BAD_REQUEST, Some("Unusable Contact")),
        Refusal::TooLong => {
            transactions.ground.counters.excess.up(Excess::Contact);
            (RegisterResult::Refused, Status::BAD_REQUEST, Some("Contact Too Long"))
        }
        Refusal::TooBrief(_) => (RegisterResult::TooBrief, Status::INTERVAL_TOO_BRIEF, None),
        Refusal::TooMany => (RegisterResult::Limit, Status::FORBIDDEN, Some("Too Many Contacts")),
        Refusal::OutOfOrder => (RegisterResult::Refused, Status::SERVER_INTERNAL_ERROR, Some("CSeq Out Of Order")),
    };
    transactions.ground.counters.register.up(result);
    transactions.reply(arrival, request, status, reason, |mut response| {
        if let Refusal::TooBrief(shortest) = refusal {
            response.number(Name::MinExpires, shortest.into());
        }
        response.end()
    });
}

/// 403 to somebody who proved to be another than they register for (§10.3 step 4).
pub(crate) fn forbid(transactions: &mut Transactions, request: &Message<'_>, arrival: Arrival) {
    transactions.ground.counters.register.up(RegisterResult::Forbidden);
    transactions.reply(arrival, request, Status::FORBIDDEN, None, bare);
}

/// 404 to anybody: it is for another domain (§10.3 steps 1 and 5). Nothing is remembered of it.
pub(crate) fn not_found(transactions: &mut Transactions, request: &Message<'_>, arrival: Arrival) {
    transactions.ground.counters.register.up(RegisterResult::NotFound);
    transactions.reply_stateless(request, arrival.hop, Status::NOT_FOUND, None, bare);
}
