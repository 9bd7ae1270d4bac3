//! Digests: what credentials must say to be right (RFC 7616 §3.4, RFC 8760 §2).
//!
//! Knows: hashes. Never: whose secret it is, nonces' ages.
use crate::settings::{Algorithm, Secret};
use crate::wire::Credentials;
use crate::wire::text::{hexadecimal, unquoted_eq};
use arrayvec::ArrayVec;
use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Lower-case hexadecimal digits: 32 of MD5, 64 of SHA-256.
pub(super) type Hex = ArrayVec<u8, 64>;

/// What a client protects its answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quality {
    /// `qop=auth`, and the nonce count.
    Auth(u32),
    /// None: a client of RFC 2069.
    None,
}

/// The algorithm that credentials name; MD5 if they name none (RFC 7616 §3.4).
pub(super) fn algorithm(credentials: &Credentials<'_>) -> Option<Algorithm> {
    let Some(named) = credentials.algorithm.map(between_quotes) else { return Some(Algorithm::Md5) };
    [Algorithm::Md5, Algorithm::Sha256].into_iter().find(|known| named.eq_ignore_ascii_case(known.as_str().as_bytes()))
}

/// The quality of protection; nothing if it is one that was not offered, or lacks what it needs.
pub(super) fn quality(credentials: &Credentials<'_>) -> Option<Quality> {
    let Some(qop) = credentials.qop else { return Some(Quality::None) };
    let offered = between_quotes(qop).eq_ignore_ascii_case(b"auth");
    let count = hexadecimal(between_quotes(credentials.nc?))?;
    (offered && credentials.cnonce.is_some()).then_some(Quality::Auth(count))
}

/// H(user:realm:password), or what the settings have in its place. The work is the same whether there is a secret or not:
/// for those who have none the decoy is hashed.
pub(super) fn ha1(algorithm: Algorithm, user: &[u8], realm: &[u8], secret: &Secret, decoy: &[u8]) -> Hex {
    let password = match secret {
        Secret::Password(password) => password.as_bytes(),
        Secret::Ha1(_) | Secret::None => decoy,
    };
    let hashed = hash(algorithm, &[user, realm, password]);
    match secret {
        Secret::Ha1(ha1) => ha1.bytes().take(hashed.capacity()).map(|digit| digit.to_ascii_lowercase()).collect(),
        Secret::Password(_) | Secret::None => hashed,
    }
}

/// Whether the response is the one that knows HA1 (RFC 7616 §3.4.1; without qop, §3.4.1 of RFC 2617 for RFC 2069's sake).
pub(super) fn is_right(algorithm: Algorithm, ha1: &Hex, credentials: &Credentials<'_>, method: &[u8]) -> bool {
    let expected = response(algorithm, ha1, credentials, method);
    let given: Hex =
        between_quotes(credentials.response).iter().take(expected.capacity()).map(u8::to_ascii_lowercase).collect();
    expected.as_slice().ct_eq(&given).into()
}

fn response(algorithm: Algorithm, ha1: &Hex, credentials: &Credentials<'_>, method: &[u8]) -> Hex {
    // The digest-uri as it was written: phones put in what they like, and proxies change the Request-URI (RFC 3261 §22.4).
    let ha2 = hash(algorithm, &[method, between_quotes(credentials.uri)]);
    let nonce = between_quotes(credentials.nonce);
    match (credentials.qop, credentials.nc, credentials.cnonce) {
        (Some(qop), Some(nc), Some(cnonce)) => {
            let [qop, nc, cnonce] = [qop, nc, cnonce].map(between_quotes);
            hash(algorithm, &[ha1, nonce, nc, cnonce, qop, &ha2])
        }
        (_, _, _) => hash(algorithm, &[ha1, nonce, &ha2]),
    }
}

/// The text between the quotes, backslashes and all (`unq` of RFC 7616 §3.4.1).
fn between_quotes(text: &[u8]) -> &[u8] {
    match text {
        [b'"', inner @ .., b'"'] => inner,
        _ => text,
    }
}

/// Whether credentials were sent without an answer, as IMS phones do to say who they are before they are asked.
pub(super) fn is_blank(credentials: &Credentials<'_>) -> bool {
    unquoted_eq(credentials.nonce, b"") || unquoted_eq(credentials.response, b"")
}

/// H(a:b:c).
fn hash(algorithm: Algorithm, parts: &[&[u8]]) -> Hex {
    match algorithm {
        Algorithm::Md5 => joined::<Md5>(parts),
        Algorithm::Sha256 => joined::<Sha256>(parts),
    }
}

fn joined<D: Digest>(parts: &[&[u8]]) -> Hex {
    let mut digest = D::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
    digest.finalize().iter().flat_map(|&byte| [digit(byte >> 4), digit(byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MUFASA: &str = "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", \
        nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, \
        cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, \
        opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

    fn judged(text: &str, secret: &Secret) -> bool {
        let credentials = Credentials::parse(text.as_bytes()).unwrap();
        let algorithm = algorithm(&credentials).unwrap();
        let ha1 = ha1(algorithm, b"Mufasa", b"http-auth@example.org", secret, b"decoy");
        is_right(algorithm, &ha1, &credentials, b"GET")
    }

    /// RFC 7616 §3.9.1.
    #[test]
    fn the_rfcs_examples() {
        let life = Secret::Password("Circle of Life".into());
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let text = format!("{MUFASA}, algorithm={algorithm}, response=\"{response}\"");
            assert!(judged(&text, &life), "{algorithm}");
            assert!(judged(&text.replace(response, &response.to_uppercase()), &life), "{algorithm} in capitals");
            assert!(!judged(&text, &Secret::Password("circle of life".into())), "{algorithm}");
            assert!(!judged(&text, &Secret::None), "{algorithm}");
            assert!(!judged(&text.replace("00000001", "00000002"), &life), "{algorithm}: the count is protected");
            assert!(!judged(&text.replace(response, &response[1..]), &life), "{algorithm}: one digit short");
            assert!(!judged(&text.replace(response, ""), &life), "{algorithm}: nothing");
        }
    }

    #[test]
    fn a_stored_digest_is_as_good_as_the_password() {
        let stored = hash(Algorithm::Md5, &[b"Mufasa", b"http-auth@example.org", b"Circle of Life"]);
        let stored = String::from_utf8(stored.to_vec()).unwrap().to_uppercase();
        let text = format!("{MUFASA}, response=\"8ca523f5e9506fed4657c9700eebdbec\"");
        assert!(judged(&text, &Secret::Ha1(stored)), "no algorithm named: MD5");
    }

    /// RFC 2617 §3.2.2.1 without qop; the numbers are those of RFC 2069's errata 749.
    #[test]
    fn clients_without_qop() {
        let text = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
            nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", \
            response=\"1949323746fe6a43ef61f9606e7febea\"";
        let credentials = Credentials::parse(text.as_bytes()).unwrap();
        assert_eq!(quality(&credentials), Some(Quality::None));
        let secret = Secret::Password("CircleOfLife".into());
        let ha1 = ha1(Algorithm::Md5, b"Mufasa", b"testrealm@host.com", &secret, b"");
        assert!(is_right(Algorithm::Md5, &ha1, &credentials, b"GET"));
    }

    #[test]
    fn what_was_not_offered() {
        let base = "Digest username=u,realm=r,nonce=n,uri=u,response=r";
        for (more, expected) in [
            ("", Some(Quality::None)),
            (",qop=auth,nc=0000000a,cnonce=c", Some(Quality::Auth(10))),
            (",qop=\"auth\",nc=\"1\",cnonce=c", Some(Quality::Auth(1))),
            (",qop=auth-int,nc=1,cnonce=c", None),
            (",qop=auth,nc=1", None),
            (",qop=auth,cnonce=c", None),
            (",qop=auth,nc=x,cnonce=c", None),
        ] {
            let text = format!("{base}{more}");
            assert_eq!(quality(&Credentials::parse(text.as_bytes()).unwrap()), expected, "{text}");
        }
        for (more, expected) in [
            ("", Some(Algorithm::Md5)),
            (",algorithm=md5", Some(Algorithm::Md5)),
            (",algorithm=\"SHA-256\"", Some(Algorithm::Sha256)),
            (",algorithm=MD5-sess", None),
        ] {
            let text = format!("{base}{more}");
            assert_eq!(algorithm(&Credentials::parse(text.as_bytes()).unwrap()), expected, "{text}");
        }
    }
}
