//! Field values: each read as everything it could be, and what was read written and read again.
use crate::place;
use switchyard_engine::wire::header::{Contacts, Credentials, RAck, Via, credentials_scheme};
use switchyard_engine::wire::text::{List, is_blank, list, trim, unquoted, unquoted_eq};
use switchyard_engine::wire::{CSeq, Compose, Method, Name, NameAddr, Reason, Replaces, SubscriptionState, params};

/// The value of a field.
pub fn header(value: &[u8]) {
    is_a_list(value);
    are_params(value);
    is_quoted(value);
    if let Ok(via) = Via::parse(value) {
        is_a_via(value, &via);
    }
    if let Ok(address) = NameAddr::parse(value) {
        is_an_address(value, &address);
    }
    if let Ok(cseq) = CSeq::parse(value) {
        let text = joined(&[cseq.number.to_string().as_bytes(), b" ", cseq.method_text]);
        assert_eq!(CSeq::parse(&text), Ok(cseq));
        assert_eq!(cseq.method, Method::parse(cseq.method_text));
    }
    if let Ok(rack) = RAck::parse(value) {
        let numbers = format!("{} {} ", rack.rseq, rack.cseq.number);
        assert_eq!(RAck::parse(&joined(&[numbers.as_bytes(), rack.cseq.method_text])), Ok(rack));
    }
    if let Ok(credentials) = Credentials::parse(value) {
        are_credentials(value, &credentials);
    }
    if let Ok(named) = Replaces::parse(value) {
        let early: &[u8] = if named.early_only { b";early-only" } else { b"" };
        let tags = [named.call_id, b";to-tag=", named.to_tag, b";from-tag=", named.from_tag, early];
        assert_eq!(Replaces::parse(&joined(&tags)), Ok(named));
    }
    if let Ok(reason) = Reason::parse(value) {
        let mut text = reason.protocol.to_vec();
        if let Some(cause) = reason.cause {
            text.extend_from_slice(format!(";cause={cause}").as_bytes());
        }
        if let Some(words) = reason.text {
            place(value, words);
            text.extend_from_slice(b";text=");
            text.extend_from_slice(words);
        }
        assert_eq!(Reason::parse(&text), Ok(reason));
    }
    if let Ok(state) = SubscriptionState::parse(value) {
        is_a_state(&state);
    }
    if let Ok(Contacts::List(all)) = Contacts::collect(list(value)) {
        assert_eq!(all.len(), list(value).count());
        assert!(all.iter().all(|contact| contact.uri().is_ok() && contact.q() <= 1000));
    }
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn is_a_list(value: &[u8]) {
    let members: Vec<_> = list(value).collect();
    for member in &members {
        place(value, member);
        assert_eq!(*member, trim(member));
        assert!(!member.is_empty());
    }
    // A member whose quote never closes holds all the rest, so it stands last; joined anew they are the same.
    let text = members.join(&b", "[..]);
    let again: List<'_> = list(&text);
    assert!(again.eq(members.iter().copied()));
}

fn are_params(value: &[u8]) {
    let all: Vec<_> = params(value).collect();
    let mut text = Vec::new();
    for (name, given) in &all {
        place(value, name);
        text.push(b';');
        text.extend_from_slice(name);
        if let Some(given) = given {
            text.push(b'=');
            text.extend_from_slice(given);
        }
    }
    assert_eq!(params(&text).collect::<Vec<_>>(), all);
}

/// Any text survives being quoted, but for its control characters.
fn is_quoted(value: &[u8]) {
    let mut out = Vec::new();
    let mut field = Compose::response(&mut out, switchyard_engine::wire::Status::OK, None);
    field.open(Name::Via).text(b"SIP/2.0/UDP h").close();
    field.open(Name::Subject).quoted(value).close();
    let range = field.end();
    let message = switchyard_engine::wire::Message::parse(&out[range]).expect("our own can be read");
    let quoted = message.header(Name::Subject).expect("it was written");
    let blank = |byte: u8| if byte < b' ' && byte != b'\t' || byte == 0x7f { b' ' } else { byte };
    let plain: Vec<u8> = value.iter().map(|&byte| blank(byte)).collect();
    assert!(unquoted(quoted).eq(plain.iter().copied()) && unquoted_eq(quoted, &plain));
}

fn is_a_via(value: &[u8], via: &Via<'_>) {
    for part in [via.transport, via.host, via.params] {
        place(value, part);
    }
    let port = via.port.map_or(String::new(), |port| format!(":{port}"));
    let parts = [b"SIP/2.0/", via.transport, b" ", via.host, port.as_bytes(), b";", via.params];
    assert_eq!(Via::parse(&joined(&parts)), Ok(*via));
    assert!(via.branch().is_none_or(|branch| !branch.is_empty()));
    assert!(via.rport().flatten().is_none_or(|port| port > 0));
    let _ = (via.received_ip(), via.ttl(), via.maddr(), via.has_cookie());
}

fn is_an_address(value: &[u8], address: &NameAddr<'_>) {
    for part in [address.display, address.uri, address.params] {
        place(value, part);
    }
    let parts = [address.display, b" <", address.uri, b">;", address.params];
    assert_eq!(NameAddr::parse(&joined(&parts)), Ok(*address));
    assert!(address.display_chars().all(|char| !char.is_control()));
    assert!(address.tag().is_none_or(|tag| !tag.is_empty() && tag == trim(tag)));
    let mut name = Vec::new();
    address.display_text(&mut name);
    assert!(std::str::from_utf8(&name).is_ok());
    let _ = (address.expires(), address.q());
}

fn are_credentials(value: &[u8], credentials: &Credentials<'_>) {
    let mut text = b"Digest x=y".to_vec();
    for (name, given) in [
        ("username", Some(credentials.username)),
        ("realm", Some(credentials.realm)),
        ("nonce", Some(credentials.nonce)),
        ("uri", Some(credentials.uri)),
        ("response", Some(credentials.response)),
        ("algorithm", credentials.algorithm),
        ("cnonce", credentials.cnonce),
        ("opaque", credentials.opaque),
        ("qop", credentials.qop),
        ("nc", credentials.nc),
        ("userhash", credentials.userhash.then_some(b"true")),
    ] {
        if let Some(given) = given {
            assert!(!given.is_empty() && (given[0] == b'"' || !given.iter().any(|&byte| is_blank(byte))));
            text.extend_from_slice(format!(", {name}=").as_bytes());
            text.extend_from_slice(given);
        }
    }
    assert_eq!(Credentials::parse(&text), Ok(*credentials));
    assert!(credentials_scheme(value).0.eq_ignore_ascii_case(b"digest"));
}

fn is_a_state(state: &SubscriptionState<'_>) {
    let mut text = state.state.to_vec();
    for (name, given) in [("expires", state.expires), ("retry-after", state.retry_after)] {
        if let Some(given) = given {
            text.extend_from_slice(format!(";{name}={given}").as_bytes());
        }
    }
    if let Some(reason) = state.reason {
        text.extend_from_slice(b";reason=");
        text.extend_from_slice(reason);
    }
    assert_eq!(SubscriptionState::parse(&text), Ok(*state));
    assert!(!(state.is_terminated() && state.is_active()));
}
