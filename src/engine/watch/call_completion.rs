//! Whether a line can be called again: `application/call-completion` (RFC 6910 §10).
use super::sight::Callback;
use crate::base::text::hex8;

pub(super) const TYPE: &[u8] = b"application/call-completion";

/// Writes the document. Its URI stands for this very place in the queue.
pub(super) fn write(out: &mut Vec<u8>, domain: &str, callback: &Callback) {
    let state: &[u8] = if callback.ready { b"cc-state: ready\r\n" } else { b"cc-state: queued\r\n" };
    out.extend_from_slice(state);
    if callback.retains {
        out.extend_from_slice(b"cc-service-retention: true\r\n");
    }
    out.extend_from_slice(b"cc-URI: sip:cc-");
    for word in [96, 64, 32, 0].map(|shift| (callback.id >> shift) as u32) {
        out.extend_from_slice(&hex8(word));
    }
    out.push(b'@');
    out.extend_from_slice(domain.as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_queued_or_ready() {
        let written = |ready, retains| {
            let mut out = Vec::new();
            write(&mut out, "pbx.test", &Callback { id: 0xff, ready, retains });
            String::from_utf8(out).unwrap()
        };
        let uri = "cc-URI: sip:cc-000000000000000000000000000000ff@pbx.test\r\n";
        assert_eq!(written(false, true), format!("cc-state: queued\r\ncc-service-retention: true\r\n{uri}"));
        assert_eq!(written(true, false), format!("cc-state: ready\r\n{uri}"));
    }
}
