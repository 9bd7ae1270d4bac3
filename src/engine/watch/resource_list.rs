//! A lot as the list of its orbits: RFC 4662 §5, in one body of many parts (RFC 2387).
use super::dialog_info::{self, About};
use super::sight::Sight;
use super::xml;
use crate::base::text::Number;
use crate::dialog::Names;

/// The list itself, which is the first part; how Accept may say so as well.
pub(super) const TYPE: &[u8] = b"application/rlmi+xml";

/// The body's type. Nothing that stands in the parts can be this line: they have no line of their own that begins so.
pub(super) const MULTIPART: &[u8] =
    b"multipart/related;type=\"application/rlmi+xml\";start=\"<list@lot>\";boundary=\"switchyard-list\"";
const BOUNDARY: &[u8] = b"--switchyard-list";

/// Writes the list, and one document for each of its members: all of them, every time.
pub(super) fn write<'n>(
    out: &mut Vec<u8>,
    about: About<'_>,
    sight: &'n Sight,
    names: &impl Fn(u64) -> Option<Names<'n>>,
) {
    begin_part(out, TYPE, None);
    out.extend_from_slice(xml::HEAD);
    out.extend_from_slice(b"<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"");
    xml::address(out, &sight.number, about.domain);
    out.extend_from_slice(b"\" version=\"");
    xml::decimal(out, about.version.into());
    out.extend_from_slice(b"\" fullState=\"true\">\r\n");
    for member in &sight.members {
        out.extend_from_slice(b"<resource uri=\"");
        xml::address(out, member, about.domain);
        out.extend_from_slice(b"\"><instance id=\"1\" state=\"active\" cid=\"");
        write_part_id(out, member);
        out.extend_from_slice(b"\"/></resource>\r\n");
    }
    out.extend_from_slice(b"</list>\r\n");
    for member in &sight.members {
        begin_part(out, dialog_info::TYPE, Some(member));
        let calls = sight.calls.iter().filter(|call| call.at == *member);
        dialog_info::write(out, About { last: None, ..about }, member, calls, names);
    }
    out.extend_from_slice(BOUNDARY);
    out.extend_from_slice(b"--\r\n");
}

fn begin_part(out: &mut Vec<u8>, kind: &[u8], member: Option<&Number>) {
    out.extend_from_slice(BOUNDARY);
    out.extend_from_slice(b"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <");
    match member {
        Some(member) => write_part_id(out, member),
        None => out.extend_from_slice(b"list@lot"),
    }
    out.extend_from_slice(b">\r\nContent-Type: ");
    out.extend_from_slice(kind);
    out.extend_from_slice(b";charset=\"UTF-8\"\r\n\r\n");
}

/// What a part is called: by its orbit, digit for digit, since an orbit may have a star or a hash in it.
fn write_part_id(out: &mut Vec<u8>, member: &Number) {
    let safe = |byte: u8| if byte.is_ascii_alphanumeric() { vec![byte] } else { format!("-{byte:02x}").into_bytes() };
    out.extend(member.bytes().flat_map(safe));
    out.extend_from_slice(b"@orbits");
}
