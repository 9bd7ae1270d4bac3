//! Messages that wait: `application/simple-message-summary` (RFC 3842 §5.2). As long as there is no mailbox, there are none.
use crate::base::text::Number;
use crate::wire::uri::write_user;

pub(super) const TYPE: &[u8] = b"application/simple-message-summary";

/// Writes the body.
pub(super) fn write(out: &mut Vec<u8>, domain: &str, number: &Number) {
    out.extend_from_slice(b"Messages-Waiting: no\r\nMessage-Account: sip:");
    write_user(number, out);
    out.push(b'@');
    out.extend_from_slice(domain.as_bytes());
    out.extend_from_slice(b"\r\nVoice-Message: 0/0 (0/0)\r\n");
}
