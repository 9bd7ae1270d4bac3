//! Where requests inside a dialog go: the route set and the remote target (RFC 3261 §§12.1, 12.2.1.1).
use crate::base::limits;
use crate::settings::Transport;
use crate::wire::{Message, Name, NameAddr, Uri};
use std::net::SocketAddr;

/// The Record-Route values of a message as one Route value, in the order a dialog uses them: as they stand for who
/// was called, reversed for who called. Nothing if there are more than we keep.
pub(super) fn collect(message: &Message<'_>, reversed: bool, out: &mut Vec<u8>) -> Option<()> {
    let mut values = [&b""[..]; limits::ROUTES];
    let mut count = 0;
    for value in message.values(Name::RecordRoute) {
        *values.get_mut(count)? = value;
        count += 1;
    }
    let values = values.get_mut(..count)?;
    if reversed {
        values.reverse();
    }
    for value in values.iter() {
        if !out.is_empty() {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(value);
    }
    Some(())
}

/// The first entry of a route set: its URI, and whether it is a loose router.
pub(super) fn first(routes: &[u8]) -> Option<(&[u8], bool)> {
    let first = crate::wire::text::list(routes).next()?;
    let address = NameAddr::parse(first).ok()?;
    Some((address.uri, address.uri().is_ok_and(|uri| uri.param("lr").is_some())))
}

/// Everything after the first entry.
pub(super) fn rest(routes: &[u8]) -> &[u8] {
    let (_, rest) = crate::wire::text::cut(routes, b',');
    rest.unwrap_or_default()
}

/// The address that a URI with an IP address for a host names, and the transport if it names one of ours.
pub(crate) fn way(uri: &[u8]) -> Option<(SocketAddr, Option<Transport>)> {
    let uri = Uri::parse(uri).ok()?;
    let transport = uri.param("transport").and_then(Transport::named);
    Some((SocketAddr::new(uri.ip()?, uri.port.unwrap_or(5060)), transport))
}

/// The address that a URI with an IP address for a host names.
pub(crate) fn numeric(uri: &[u8]) -> Option<SocketAddr> {
    let uri = Uri::parse(uri).ok()?;
    Some(SocketAddr::new(uri.ip()?, uri.port.unwrap_or(5060)))
}
