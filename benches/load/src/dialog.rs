//! What a dialog needs beyond its number: the other end's tag, where its requests go, and the route there.
//!
//! Nearly all dialogs of a run go to the same target by the same route. That one is kept once; others are kept with their call.
use crate::ends::{Ends, Peer, Side};
use crate::glance::{Glance, uri_of};
use crate::slots::Buffers;
use std::net::SocketAddr;

/// What is kept in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialog<'d> {
    pub(crate) tag: &'d [u8],
    pub(crate) target: &'d [u8],
    /// Route fields, as they are written.
    pub(crate) routes: &'d [u8],
}

/// The target and route of most.
#[derive(Debug, Default)]
pub(crate) struct Usual {
    target: Vec<u8>,
    routes: Vec<u8>,
    scratch: Vec<u8>,
}

impl Usual {
    /// What a 200 says, in a buffer if it is not the usual. `inline` is how long a tag may be that the call keeps itself.
    /// `reversed`: we sent the request, so the route goes the other way round (RFC 3261 §12.1.2).
    pub(crate) fn keep(
        &mut self,
        message: &Glance<'_>,
        tag: &[u8],
        reversed: bool,
        inline: usize,
        buffers: &mut Buffers,
    ) -> u32 {
        let target = uri_of(message.contact);
        let mut routes = std::mem::take(&mut self.scratch);
        routes.clear();
        write_routes(message, reversed, &mut routes);
        if self.target.is_empty() {
            self.target.extend_from_slice(target);
            self.routes.extend_from_slice(&routes);
        }
        let mut kept = Buffers::NONE;
        if tag.len() > inline || target != self.target || routes != self.routes {
            kept = buffers.take();
            if let Some(buffer) = buffers.get_mut(kept) {
                pack([tag, target, &routes], buffer);
            }
        }
        self.scratch = routes;
        kept
    }

    /// The dialog again; `tag` is what the call has kept itself.
    pub(crate) fn dialog<'d>(&'d self, tag: &'d [u8], kept: u32, buffers: &'d Buffers) -> Dialog<'d> {
        let whole = unpack(buffers.get(kept)).map(|[tag, target, routes]| Dialog { tag, target, routes });
        whole.unwrap_or(Dialog { tag, target: &self.target, routes: &self.routes })
    }
}

impl Dialog<'_> {
    /// Where its requests go: the first route, or the target; the server itself if that is no address.
    pub(crate) fn next_hop(&self, ends: &mut Ends, side: Side, server: Peer) -> Peer {
        let first = self.routes.strip_prefix(b"Route: ").map(uri_of);
        match address_of(first.unwrap_or(self.target)) {
            Some(address) if server != Peer::Address(address) => match ends.peer(side, address) {
                // Over streams the server is reached on the connection that there is.
                Peer::Connection(_) => server,
                peer @ Peer::Address(_) => peer,
            },
            Some(_) | None => server,
        }
    }
}

/// The route set that a message gives, as Route fields. `reversed`: we sent the request (RFC 3261 §12.1.2).
pub(crate) fn write_routes(message: &Glance<'_>, reversed: bool, out: &mut Vec<u8>) {
    let mut add = |values: &[u8]| {
        out.extend_from_slice(b"Route: ");
        out.extend_from_slice(values);
        out.extend_from_slice(b"\r\n");
    };
    if reversed {
        for values in message.routes().iter().rev() {
            split(values).rev().for_each(&mut add);
        }
    } else {
        message.routes().iter().for_each(|values| add(values));
    }
}

/// Several texts in one buffer.
pub(crate) fn pack<const N: usize>(texts: [&[u8]; N], out: &mut Vec<u8>) {
    for text in texts {
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(text);
    }
}

/// The texts of a buffer, if there are so many.
pub(crate) fn unpack<const N: usize>(mut bytes: &[u8]) -> Option<[&[u8]; N]> {
    let mut texts = [&b""[..]; N];
    for text in &mut texts {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        (*text, bytes) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    }
    Some(texts)
}

/// The values of a list of addresses; commas between brackets do not count.
fn split(values: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let mut inside = false;
    let values = values.split(move |&byte| {
        inside = (inside || byte == b'<') && byte != b'>';
        byte == b',' && !inside
    });
    // Split has no state that runs backwards with it.
    let mut found = [&b""[..]; 8];
    let mut count = 0;
    for value in values.take(found.len()) {
        found[count] = value.trim_ascii();
        count += 1;
    }
    found.into_iter().take(count)
}

/// The address in a URI, if it has one.
pub(crate) fn address_of(uri: &[u8]) -> Option<SocketAddr> {
    let behind = uri.get(memchr::memchr(b':', uri)? + 1..)?;
    let host = memchr::memchr(b'@', behind).map_or(behind, |at| &behind[at + 1..]);
    let end = host.iter().position(|byte| matches!(byte, b';' | b'?' | b'>')).unwrap_or(host.len());
    let host = std::str::from_utf8(&host[..end]).ok()?;
    let with_port = || host.parse().ok();
    let bare = || Some(SocketAddr::new(host.trim_matches(['[', ']']).parse().ok()?, 5060));
    with_port().or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(contact: &str, routes: &[&str]) -> String {
        let routes: String = routes.iter().map(|route| format!("Record-Route: {route}\r\n")).collect();
        format!(
            "SIP/2.0 200 OK\r\nFrom: f\r\nTo: t;tag=x\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: {contact}\r\n{routes}\r\n"
        )
    }

    #[test]
    fn the_usual_target_is_kept_once() {
        let (mut usual, mut buffers) = (Usual::default(), Buffers::default());
        let mut keep = |contact: &str, routes: &[&str], tag: &[u8]| {
            let text = accepted(contact, routes);
            let glance = Glance::read(text.as_bytes()).unwrap();
            let kept = usual.keep(&glance, tag, true, 4, &mut buffers);
            let dialog = usual.dialog(tag, kept, &buffers);
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            (kept == Buffers::NONE, text(dialog.tag), text(dialog.target), text(dialog.routes))
        };
        let route = "Route: <sip:h;lr>\r\nRoute: <sip:g;lr,x>\r\n".to_owned();
        let lists = ["<sip:g;lr,x>, <sip:h;lr>"];
        assert_eq!(keep("<sip:s@h:1>", &lists, b"abcd"), (true, "abcd".into(), "sip:s@h:1".into(), route.clone()));
        assert_eq!(keep("sip:s@h:1;x", &lists, b"abcd"), (true, "abcd".into(), "sip:s@h:1".into(), route.clone()));
        assert_eq!(keep("<sip:z@h>", &lists, b"abcd"), (false, "abcd".into(), "sip:z@h".into(), route.clone()));
        assert_eq!(keep("<sip:s@h:1>", &lists, b"abcde"), (false, "abcde".into(), "sip:s@h:1".into(), route));
        assert_eq!(keep("<sip:s@h:1>", &[], b"a"), (false, "a".into(), "sip:s@h:1".into(), String::new()));
    }

    #[test]
    fn addresses_in_uris() {
        let address = |uri: &str| address_of(uri.as_bytes()).map(|address| address.to_string());
        assert_eq!(address("sip:a@127.0.0.1:7;lr"), Some("127.0.0.1:7".into()));
        assert_eq!(address("sip:127.0.0.1"), Some("127.0.0.1:5060".into()));
        assert_eq!(address("sip:[::1]:9;x"), Some("[::1]:9".into()));
        assert_eq!((address("sip:host"), address("nonsense")), (None, None));
    }
}
