//! URIs: parts and whole, and which are the same (RFC 3261 §19.1.4).
use crate::place;
use switchyard_engine::wire::text::{split_once, unescaped};
use switchyard_engine::wire::{NameAddr, Scheme, Uri, params};

/// One URI, or two with a line end between them.
pub fn uri(bytes: &[u8]) {
    let (one, other) = split_once(bytes, b'\n').unwrap_or((bytes, b""));
    let one = Uri::parse(one).ok().inspect(is_whole);
    let other = Uri::parse(other).ok().inspect(is_whole);
    let (Some(one), Some(other)) = (one, other) else { return };
    assert_eq!(one.equivalent(&other), other.equivalent(&one), "both ways or not at all");
    if one.equivalent(&other) && one.is_sip() {
        assert_eq!((one.scheme, one.port), (other.scheme, other.port));
        assert!(one.host.eq_ignore_ascii_case(other.host) || one.ip().is_some() && one.ip() == other.ip());
        let user = |uri: &Uri<'_>| unescaped(uri.user.unwrap_or_default()).collect::<Vec<_>>();
        assert_eq!(user(&one), user(&other), "users are compared letter by letter, escapes undone");
        assert_eq!(one.param("transport").is_some(), other.param("transport").is_some());
    }
}

fn is_whole(uri: &Uri<'_>) {
    for part in [uri.scheme_text, uri.host, uri.params, uri.headers] {
        place(uri.text, part);
    }
    for part in uri.user.into_iter().chain(uri.password) {
        place(uri.text, part);
    }
    assert!(!uri.text.iter().any(|byte| byte.is_ascii_whitespace() || b"<>\"".contains(byte)));
    assert!(uri.equivalent(uri), "everything is the same as itself");
    assert!(uri.user.is_none_or(|user| !user.is_empty()));
    let (name, tail) = uri.user_params();
    assert!(name.len() + tail.len() <= uri.user.unwrap_or_default().len());
    for (name, _) in params(uri.params) {
        assert!(std::str::from_utf8(name).is_err() || uri.param(&String::from_utf8_lossy(name)).is_some());
    }
    for (name, _) in uri.headers() {
        place(uri.headers, name);
    }
    is_put_together_again(uri);
    // Between brackets it is an address of its own.
    let address = [b"<", uri.text, b">;tag=x"].concat();
    let address = NameAddr::parse(&address).expect("an address");
    assert_eq!((address.uri().map(|found| found.text), address.tag()), (Ok(uri.text), Some(&b"x"[..])));
}

/// The parts, written one behind the other, are read as the same parts.
fn is_put_together_again(uri: &Uri<'_>) {
    let mut text = [uri.scheme_text, b":"].concat();
    match uri.scheme {
        Scheme::Sip | Scheme::Sips => {
            // With `@` behind the host there was one before it, too, be there a user or not.
            let later = uri.params.contains(&b'@') || uri.headers.contains(&b'@');
            if uri.user.is_some() || uri.password.is_some() || later {
                text.extend_from_slice(uri.user.unwrap_or_default());
                if let Some(password) = uri.password {
                    text.push(b':');
                    text.extend_from_slice(password);
                }
                text.push(b'@');
            }
            text.extend_from_slice(uri.host);
            if let Some(port) = uri.port {
                text.extend_from_slice(format!(":{port}").as_bytes());
            }
        }
        Scheme::Tel => text.extend_from_slice(uri.user.unwrap_or_default()),
        Scheme::Other => text.extend_from_slice(uri.host),
    }
    for (mark, part) in [(b';', uri.params), (b'?', uri.headers)] {
        if !part.is_empty() {
            text.push(mark);
            text.extend_from_slice(part);
        }
    }
    let again = Uri::parse(&text).expect("its parts make a URI");
    assert_eq!(again, Uri { text: &text, ..*uri });
}
