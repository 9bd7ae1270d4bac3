//! Whether a line can be reached: `application/pidf+xml` (RFC 3863), and whether somebody talks there, in words that phones know
//! (RFC 4480 §3.2, and a note for those that do not).
use super::sight::Sight;
use super::xml;

pub(super) const TYPE: &[u8] = b"application/pidf+xml";

/// Writes the document.
pub(super) fn write(out: &mut Vec<u8>, domain: &str, sight: &Sight) {
    out.extend_from_slice(xml::HEAD);
    out.extend_from_slice(
        b"<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
          xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"",
    );
    xml::address(out, &sight.number, domain);
    let basic: &[u8] = if sight.open { b"open" } else { b"closed" };
    out.extend_from_slice(b"\">\r\n<tuple id=\"line\"><status><basic>");
    out.extend_from_slice(basic);
    out.extend_from_slice(b"</basic></status>");
    if sight.open {
        out.extend_from_slice(b"<contact>");
        xml::address(out, &sight.number, domain);
        out.extend_from_slice(b"</contact>");
    }
    out.extend_from_slice(b"</tuple>\r\n");
    if sight.busy {
        out.extend_from_slice(b"<note>On the phone</note>\r\n");
        out.extend_from_slice(
            b"<dm:person id=\"person\"><rpid:activities><rpid:on-the-phone/></rpid:activities></dm:person>\r\n",
        );
    }
    out.extend_from_slice(b"</presence>\r\n");
}
