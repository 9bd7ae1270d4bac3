//! Credentials: the answer to a challenge (RFC 7616 §3.4), with MD5.
use crate::digits;
use crate::glance::{Glance, Method, parameter};
use md5::{Digest, Md5};

type Hex = [u8; 32];

/// Who answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account<'a> {
    pub(crate) user: &'a [u8],
    pub(crate) password: &'a [u8],
}

/// Adds the field that answers this challenge, with its line end. Whether it could be answered.
pub(crate) fn write_answer(
    refusal: &Glance<'_>,
    account: Account<'_>,
    method: Method,
    uri: &[u8],
    count: u32,
    out: &mut Vec<u8>,
) -> bool {
    let challenge = refusal.challenge;
    let (Some(realm), Some(nonce)) = (parameter(challenge, b"realm"), parameter(challenge, b"nonce")) else {
        return false;
    };
    let qualities = parameter(challenge, b"qop");
    let offers_auth =
        |list: &[u8]| list.split(|&byte| byte == b',').any(|one| one.trim_ascii().eq_ignore_ascii_case(b"auth"));
    if qualities.is_some_and(|list| !offers_auth(list)) {
        return false;
    }
    let method: &[u8] = if method == Method::Register { b"REGISTER" } else { b"INVITE" };
    let ha1 = hash(&[account.user, realm, account.password]);
    let ha2 = hash(&[method, uri]);
    let count = digits::hexadecimal(count);
    // What makes it differ is the nonce: the client's own part may be the same for all.
    let own = b"10ad10ad";
    let response = match qualities {
        Some(_) => hash(&[&ha1, nonce, &count, own, b"auth", &ha2]),
        None => hash(&[&ha1, nonce, &ha2]),
    };
    let name: &[u8] = if refusal.by_proxy { b"Proxy-Authorization" } else { b"Authorization" };
    let mut add = |texts: &[&[u8]]| texts.iter().for_each(|text| out.extend_from_slice(text));
    add(&[name, b": Digest username=\"", account.user, b"\", realm=\"", realm, b"\", nonce=\"", nonce]);
    add(&[b"\", uri=\"", uri, b"\", response=\"", &response, b"\", algorithm=MD5"]);
    if qualities.is_some() {
        add(&[b", qop=auth, nc=", &count, b", cnonce=\"", own, b"\""]);
    }
    if let Some(opaque) = parameter(challenge, b"opaque") {
        add(&[b", opaque=\"", opaque, b"\""]);
    }
    add(&[b"\r\n"]);
    true
}

/// H(a:b:c), in digits.
fn hash(parts: &[&[u8]]) -> Hex {
    let mut digest = Md5::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    let mut hex = [0; 32];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(digest.finalize()) {
        pair.copy_from_slice(&[byte >> 4, byte & 15].map(|nibble| b"0123456789abcdef"[usize::from(nibble)]));
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2617 §3.5, hashed by hand.
    #[test]
    fn the_rfc_s_example() {
        let ha1 = hash(&[b"Mufasa", b"testrealm@host.com", b"Circle Of Life"]);
        let ha2 = hash(&[b"GET", b"/dir/index.html"]);
        let nonce = b"dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let response = hash(&[&ha1, nonce, b"00000001", b"0a4f113b", b"auth", &ha2]);
        assert_eq!(&response, b"6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn the_answer_repeats_what_was_asked() {
        let refusal = |challenge: &str| {
            format!(
                "SIP/2.0 407 No\r\nFrom: f\r\nTo: t\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nProxy-Authenticate: {challenge}\r\n\r\n"
            )
        };
        let answer = |challenge: &str| {
            let text = refusal(challenge);
            let glance = Glance::read(text.as_bytes()).unwrap();
            let mut out = Vec::new();
            let account = Account { user: b"r0000001", password: b"load" };
            let done = write_answer(&glance, account, Method::Invite, b"sip:1@h", 1, &mut out);
            (done, String::from_utf8(out).unwrap())
        };
        let (done, field) = answer("Digest realm=\"h\", nonce=\"n\", qop=\"auth-int,auth\", opaque=\"o\"");
        assert!(
            done && field.starts_with("Proxy-Authorization: Digest username=\"r0000001\", realm=\"h\", nonce=\"n\"")
        );
        assert!(field.ends_with("qop=auth, nc=00000001, cnonce=\"10ad10ad\", opaque=\"o\"\r\n"), "{field}");
        assert!(!answer("Digest realm=\"h\", nonce=\"n\"").1.contains("qop"));
        assert!(!answer("Digest realm=\"h\", nonce=\"n\", qop=\"auth-int\"").0);
        assert!(!answer("Digest realm=\"h\", nonce=\"n\", algorithm=SHA-256").0);
    }
}
