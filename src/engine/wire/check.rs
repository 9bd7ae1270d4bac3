//! What must hold before a message is acted upon (RFC 3261 §§8.1.1, 8.2, 20).

use super::{
    header::{CSeq, Contacts, NameAddr},
    malformed::Malformed,
    message::{Message, Start},
    method::Method,
    name::Name,
};

/// The first thing that is wrong with a message.
pub(super) fn check(message: &Message<'_>) -> Result<(), Malformed> {
    if let Some(fault) = message.fault() {
        return Err(fault);
    }
    stand_once(message)?;
    message.via()?;
    if !message.is_only_via() {
        message.vias().skip(1).try_for_each(|via| via.map(drop))?;
    }
    let (from, to) = (message.from()?, message.to()?);
    // Inside a dialog the tags say who is who, and nobody looks at the URIs (RFC 3261 §12.2.2). A REGISTER has none.
    if message.to_tag().is_none() || message.method() == Some(Method::Register) {
        address(from, Malformed::From)?;
        address(to, Malformed::To)?;
    }
    message.call_id()?;
    let cseq = message.cseq()?;
    message.max_forwards()?;
    routes(message)?;
    match message.start() {
        Start::Request { method, method_text, .. } => request(message, method, method_text, cseq),
        // A response's other fields are judged by whoever needs them.
        Start::Response { .. } => Ok(()),
    }
}

fn request(message: &Message<'_>, method: Method, method_text: &[u8], cseq: CSeq<'_>) -> Result<(), Malformed> {
    if cseq.method_text != method_text {
        return Err(Malformed::CSeqMethod);
    }
    // Headers in a Request-URI must not be obeyed, so the request is refused (RFC 3261 §19.1.1, RFC 4475 §3.1.2.11).
    if !message.request_uri()?.headers.is_empty() {
        return Err(Malformed::RequestUri);
    }
    let contacts = message.contacts()?;
    if needs_contact(method) {
        match contacts {
            Contacts::Star => return Err(Malformed::Contact),
            // Exactly one (RFC 3261 §8.1.1.8).
            Contacts::List(list) => match list.len() {
                // RFC 2543 let it be left out.
                0 if message.via()?.has_cookie() => return Err(Malformed::MissingContact),
                0 | 1 => {}
                _ => return Err(Malformed::Contact),
            },
        }
    }
    if method == Method::Refer {
        refer_to(message)?;
    }
    Ok(())
}

/// The tables of RFC 3261 §20, RFC 3311 §10.2, RFC 3515 §2.1, RFC 6665 §8.2 say `m`.
const fn needs_contact(method: Method) -> bool {
    match method {
        Method::Invite | Method::Subscribe | Method::Notify | Method::Refer | Method::Update => true,
        Method::Ack
        | Method::Bye
        | Method::Cancel
        | Method::Options
        | Method::Register
        | Method::Prack
        | Method::Publish
        | Method::Info
        | Method::Message
        | Method::Other => false,
    }
}

/// Fields whose repetition leaves open which of them holds (RFC 4475 §3.3.8).
fn stand_once(message: &Message<'_>) -> Result<(), Malformed> {
    for (name, fault) in [
        (Name::From, Malformed::RepeatedFrom),
        (Name::To, Malformed::RepeatedTo),
        (Name::CallId, Malformed::RepeatedCallId),
        (Name::CSeq, Malformed::RepeatedCSeq),
        (Name::MaxForwards, Malformed::RepeatedMaxForwards),
    ] {
        if message.slots.is_repeated(name) {
            return Err(fault);
        }
    }
    Ok(())
}

fn routes(message: &Message<'_>) -> Result<(), Malformed> {
    for (name, fault) in [(Name::Route, Malformed::Route), (Name::RecordRoute, Malformed::RecordRoute)] {
        for value in message.values(name) {
            address(NameAddr::parse(value).map_err(|_| fault)?, fault)?;
        }
    }
    Ok(())
}

/// A REFER has exactly one Refer-To (RFC 3515 §2.4.2).
fn refer_to(message: &Message<'_>) -> Result<(), Malformed> {
    let mut values = message.values(Name::ReferTo);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Malformed::ReferTo);
    };
    address(NameAddr::parse(value).map_err(|_| Malformed::ReferTo)?, Malformed::ReferTo)
}

fn address(address: NameAddr<'_>, fault: Malformed) -> Result<(), Malformed> {
    address.uri().map(drop).map_err(|_| fault)
}
