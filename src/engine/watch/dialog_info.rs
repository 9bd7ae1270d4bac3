//! Calls, as a lamp shows them: `application/dialog-info+xml` (RFC 4235 §4), always the full state.
use super::sight::{Shown, Side, Stage, Who};
use super::xml;
use crate::base::Time;
use crate::base::text::{Number, hex8};
use crate::dialog::Names;

pub(super) const TYPE: &[u8] = b"application/dialog-info+xml";

/// What a document says besides the calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub(super) domain: &'a str,
    pub(super) version: u32,
    pub(super) now: Time,
    /// The call that was shown last, by its id.
    pub(super) last: Option<u128>,
}

/// Writes the document of one number.
pub(super) fn write<'n>(
    out: &mut Vec<u8>,
    about: About<'_>,
    number: &Number,
    calls: impl Iterator<Item = &'n Shown>,
    names: &impl Fn(u64) -> Option<Names<'n>>,
) {
    out.extend_from_slice(xml::HEAD);
    out.extend_from_slice(b"<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"");
    xml::decimal(out, about.version.into());
    out.extend_from_slice(b"\" state=\"full\" entity=\"");
    xml::address(out, number, about.domain);
    out.extend_from_slice(b"\">\r\n");
    let mut some = false;
    for call in calls {
        some = true;
        write_call(out, about, call, names(call.whose));
    }
    if !some {
        // There is always a node: some phones go by nothing else.
        out.extend_from_slice(b"<dialog id=\"");
        match about.last {
            Some(last) => write_id(out, last),
            None => xml::text(out, number),
        }
        out.extend_from_slice(b"\">\r\n<state>terminated</state>\r\n</dialog>\r\n");
    }
    out.extend_from_slice(b"</dialog-info>\r\n");
}

fn write_call(out: &mut Vec<u8>, about: About<'_>, call: &Shown, names: Option<Names<'_>>) {
    out.extend_from_slice(b"<dialog id=\"");
    write_id(out, call.id);
    if let Some(names) = names {
        out.extend_from_slice(b"\" call-id=\"");
        xml::bytes(out, names.call_id);
        // Local is the watched side; whoever replaces the call turns them round (RFC 5359 §2.16).
        let (tag, none) = (names.ours.text(), &b""[..]);
        let (local, remote) = if call.ours { (&tag[..], names.theirs) } else { (names.theirs, &tag[..]) };
        // Before the phone has said anything it has no tag.
        for (name, tag) in [(&b"\" local-tag=\""[..], local), (b"\" remote-tag=\"", remote)] {
            if tag != none {
                out.extend_from_slice(name);
                xml::bytes(out, tag);
            }
        }
    }
    let direction: &[u8] = if call.initiator { b"initiator" } else { b"recipient" };
    out.extend_from_slice(b"\" direction=\"");
    out.extend_from_slice(direction);
    out.extend_from_slice(b"\">\r\n<state>");
    out.extend_from_slice(match call.stage {
        Stage::Trying => b"trying",
        Stage::Early => b"early",
        Stage::Confirmed => b"confirmed",
    });
    out.extend_from_slice(b"</state>\r\n");
    if let Some(since) = call.since {
        out.extend_from_slice(b"<duration>");
        xml::decimal(out, about.now.since(since).as_secs());
        out.extend_from_slice(b"</duration>\r\n");
    }
    write_side(out, about, b"local", &call.local);
    if let Some(remote) = &call.remote {
        write_side(out, about, b"remote", remote);
    }
    out.extend_from_slice(b"</dialog>\r\n");
}

fn write_side(out: &mut Vec<u8>, about: About<'_>, name: &[u8], side: &Side) {
    let tag = |out: &mut Vec<u8>, begin: &[u8]| {
        out.extend_from_slice(begin);
        out.extend_from_slice(name);
        out.push(b'>');
    };
    tag(out, b"<");
    if let Some(Who { name, number }) = &side.who {
        out.extend_from_slice(b"<identity");
        if !name.is_empty() {
            out.extend_from_slice(b" display=\"");
            xml::text(out, name);
            out.push(b'"');
        }
        out.push(b'>');
        match number {
            Some(number) => xml::address(out, number, about.domain),
            None => out.extend_from_slice(b"sip:anonymous@anonymous.invalid"),
        }
        out.extend_from_slice(b"</identity>");
    }
    out.extend_from_slice(b"<target uri=\"");
    xml::address(out, &side.target, about.domain);
    if let Some(park_id) = side.park_id {
        out.extend_from_slice(b";pid=");
        write_id(out, park_id);
    }
    if side.holds {
        // Who holds does not render what it is sent (RFC 4235 §5.2).
        out.extend_from_slice(b"\"><param pname=\"+sip.rendering\" pval=\"no\"/></target>");
    } else {
        out.extend_from_slice(b"\"/>");
    }
    tag(out, b"</");
    out.extend_from_slice(b"\r\n");
}

/// 32 hexadecimal digits.
fn write_id(out: &mut Vec<u8>, id: u128) {
    for shift in [96, 64, 32, 0] {
        out.extend_from_slice(&hex8((id >> shift) as u32));
    }
}
