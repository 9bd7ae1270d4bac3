//! The door: what a message must be before it may climb the stairs, and the answers that need no stairs.
use crate::base::limits;
use crate::base::text::Number;
use crate::counters::{Direction, Excess, Shed};
use crate::ground::{Ground, Hop};
use crate::leg::{ALLOW, Dialled, Identity, SDP, capabilities, not_allowed};
use crate::line::{Caller, Directory, Lines};
use crate::session::{Party, Place};
use crate::transaction::{Arrival, Branch, Transactions};
use crate::wire::{Malformed, Message, Method, Name, NameAddr, Status, bare};

/// Extensions that a request may require (RFC 3261 §8.2.2.3): those that we say we support.
const KNOWN_EXTENSIONS: [&str; 5] = ["100rel", "from-change", "replaces", "tdialog", "timer"];

/// Keep-alives: CRLF, or what STUN sends.
pub(crate) fn is_keep_alive(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

/// What was read. Garbage costs a counter and nothing else; a request that can be answered gets told what is wrong.
pub(crate) fn open<'p, 'a>(
    transactions: &mut Transactions,
    hop: Hop,
    parsed: &'p Result<Message<'a>, Malformed>,
) -> Option<&'p Message<'a>> {
    let message = match parsed {
        Ok(message) => message,
        Err(mistake) => {
            transactions.ground.count_mistake(hop.flow, *mistake);
            return None;
        }
    };
    let mistake = match message.check() {
        Ok(()) if message.bytes().len() > limits::MESSAGE_BYTES => Malformed::TooLarge,
        Ok(()) => return Some(message),
        Err(mistake) => mistake,
    };
    transactions.ground.count_mistake(hop.flow, mistake);
    match message.method() {
        Some(Method::Ack) | None => {}
        Some(method) => {
            transactions.ground.counters.requests.add(method, Direction::In, 1);
            transactions.reply_stateless(message, hop, mistake.status(), Some(mistake.reason()), bare);
        }
    }
    None
}

/// Something on a stream whose end cannot be found. A request that can be answered gets told what is wrong.
pub(crate) fn garbled(transactions: &mut Transactions, hop: Hop, bytes: &[u8], mistake: Malformed) {
    transactions.ground.count_mistake(hop.flow, mistake);
    let Ok(message) = Message::parse(bytes) else { return };
    let Some(method) = message.method().filter(|method| *method != Method::Ack) else { return };
    if message.via().is_ok() && message.call_id().is_ok() && message.cseq().is_ok() {
        transactions.ground.counters.requests.add(method, Direction::In, 1);
        transactions.reply_stateless(&message, hop, mistake.status(), Some(mistake.reason()), bare);
    }
}

/// Refuses what no room could handle: loops, spent hops, unknown extensions, foreign schemes.
pub(crate) fn refuse(transactions: &mut Transactions, request: &Message<'_>, arrival: Arrival) -> bool {
    if request.max_forwards() == Ok(Some(0)) && request.method() != Some(Method::Options) {
        transactions.reply(arrival, request, Status::TOO_MANY_HOPS, None, bare);
        return true;
    }
    if is_loop(transactions, request) {
        transactions.reply(arrival, request, Status::LOOP_DETECTED, None, bare);
        return true;
    }
    // Lists are for who watches (RFC 4662 §4.1): in a call they mean nothing.
    let lists = (request.method() == Some(Method::Subscribe)).then_some("eventlist");
    let known = || KNOWN_EXTENSIONS.into_iter().chain(lists);
    let unknown = |tag: &&[u8]| !known().any(|known| known.as_bytes().eq_ignore_ascii_case(tag));
    if request.values(Name::Require).any(|tag| unknown(&tag)) {
        transactions.reply(arrival, request, Status::BAD_EXTENSION, None, |mut refusal| {
            refusal.open(Name::Unsupported);
            for (place, tag) in request.values(Name::Require).filter(unknown).enumerate() {
                refusal.text(if place == 0 { b"" } else { b", " }).text(tag);
            }
            refusal.close();
            refusal.end()
        });
        return true;
    }
    if !request.request_uri().is_ok_and(|uri| uri.is_sip()) {
        transactions.reply(arrival, request, Status::UNSUPPORTED_URI_SCHEME, None, bare);
        return true;
    }
    false
}

/// A request inside a dialog that we do not know.
pub(crate) fn no_dialog(transactions: &mut Transactions, request: &Message<'_>, arrival: Arrival) {
    transactions.reply(arrival, request, Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST, None, bare);
}

/// A request outside any dialog that is neither a call nor a registration.
pub(crate) fn answer(transactions: &mut Transactions, request: &Message<'_>, arrival: Arrival) {
    match request.method().unwrap_or(Method::Other) {
        Method::Options => transactions.reply(arrival, request, Status::OK, None, capabilities),
        Method::Bye | Method::Update | Method::Info | Method::Notify | Method::Prack => {
            no_dialog(transactions, request, arrival);
        }
        Method::Refer => {
            let words = Some("REFER Outside A Dialog");
            transactions.reply(arrival, request, Status::FORBIDDEN, words, bare);
        }
        Method::Message => transactions.reply(arrival, request, Status::METHOD_NOT_ALLOWED, None, not_allowed),
        Method::Other => transactions.reply(arrival, request, Status::NOT_IMPLEMENTED, None, |mut refusal| {
            refusal.fixed(Name::Allow, ALLOW);
            refusal.end()
        }),
        Method::Invite | Method::Ack | Method::Cancel | Method::Register | Method::Subscribe | Method::Publish => {}
    }
}

/// Whether a request is addressed to us.
pub(crate) fn is_here(
    transactions: &mut Transactions,
    directory: &Directory,
    request: &Message<'_>,
    arrival: Arrival,
) -> bool {
    let local = request.request_uri().is_ok_and(|uri| directory.is_local_host(uri.host, &transactions.ground));
    if !local {
        transactions.reply_stateless(request, arrival.hop, Status::NOT_FOUND, Some("Not Our Domain"), bare);
    }
    local
}

/// Whether an INVITE is addressed to us, and has a body that we can pass on.
pub(crate) fn is_for_us(
    transactions: &mut Transactions,
    directory: &Directory,
    invite: &Message<'_>,
    arrival: Arrival,
) -> bool {
    if !is_here(transactions, directory, invite, arrival) {
        return false;
    }
    let content = invite.header(Name::ContentType).unwrap_or(SDP);
    let kind = crate::wire::text::trim(crate::wire::text::cut(content, b';').0);
    let encoded = invite.header(Name::ContentEncoding).is_some_and(|value| !value.eq_ignore_ascii_case(b"identity"));
    if !invite.body().is_empty() && (!kind.eq_ignore_ascii_case(SDP) || encoded) {
        transactions.reply(arrival, invite, Status::UNSUPPORTED_MEDIA_TYPE, None, |mut refusal| {
            refusal.fixed(Name::Accept, SDP).fixed(Name::AcceptEncoding, b"identity");
            refusal.end()
        });
        return false;
    }
    true
}

/// Whether a REFER names one of our numbers: 701 of another domain is no orbit of ours. A `tel:` number has no host.
pub(crate) fn refers_here(directory: &Directory, ground: &Ground, refer: &Message<'_>) -> bool {
    let target = refer.header(Name::ReferTo).and_then(|value| NameAddr::parse(value).ok());
    target.is_some_and(|to| to.uri().is_ok_and(|uri| !uri.is_sip() || directory.is_local_host(uri.host, ground)))
}

/// New calls are refused, and not remembered: there are more than can be answered.
pub(crate) fn overloaded(transactions: &mut Transactions, invite: &Message<'_>, arrival: Arrival) {
    transactions.ground.counters.shed.up(Shed::Overload);
    transactions.reply_stateless(invite, arrival.hop, Status::SERVICE_UNAVAILABLE, None, |mut refusal| {
        refusal.number(Name::RetryAfter, limits::RETRY_AFTER_SECONDS.into());
        refusal.end()
    });
}

/// New calls are refused: the server is going down.
pub(crate) fn draining(transactions: &mut Transactions, invite: &Message<'_>, arrival: Arrival) {
    transactions.ground.counters.shed.up(Shed::Draining);
    transactions.reply(arrival, invite, Status::SERVICE_UNAVAILABLE, None, |mut refusal| {
        refusal.number(Name::RetryAfter, limits::RETRY_AFTER_SECONDS.into());
        refusal.end()
    });
}

/// Who calls, as others will see them, and what they dialled.
pub(crate) fn who_and_whom(
    transactions: &mut Transactions,
    lines: &Lines,
    caller: Caller,
    invite: &Message<'_>,
    arrival: Arrival,
) -> Option<(Party, Dialled)> {
    let uri = invite.request_uri().ok();
    let Some(dialled) = uri.and_then(|uri| Dialled::read(&uri, b"")) else {
        if uri.and_then(|uri| uri.user).is_some_and(|user| user.len() > limits::NUMBER_BYTES) {
            transactions.ground.counters.excess.up(Excess::Number);
        }
        let words = Some("Number Too Long Or Not Readable");
        transactions.reply(arrival, invite, Status::ADDRESS_INCOMPLETE, words, bare);
        return None;
    };
    let party = match caller {
        Caller::Line(line) => {
            // The line is known: what its phone says of itself does not count, but for its wish to be hidden.
            let private = Identity::of(invite, false).is_some_and(|said| said.private);
            let identity = Identity { private, ..lines.directory.identity(line) };
            Party { identity, place: Place::Line(line) }
        }
        Caller::Trunk(trunk) => {
            let unknown = Identity { number: Number::from("anonymous").unwrap_or_default(), ..Identity::default() };
            Party { identity: Identity::of(invite, true).unwrap_or(unknown), place: Place::Trunk(trunk) }
        }
    };
    Some((party, dialled))
}

/// A request that went out from here has come back with our own branch in its Vias (RFC 3261 §16.3).
fn is_loop(transactions: &Transactions, request: &Message<'_>) -> bool {
    !request.is_only_via()
        && request.vias().skip(1).flatten().any(|via| {
            let ours = via
                .ip()
                .is_some_and(|ip| transactions.ground.is_ours(std::net::SocketAddr::new(ip, via.port.unwrap_or(5060))));
            ours && via
                .branch()
                .and_then(Branch::read)
                .is_some_and(|branch| transactions.sent(branch, request.uri_text()))
        })
}
