use super::*;

fn uri(text: &str) -> Uri<'_> {
    Uri::parse(text.as_bytes()).unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn parts() {
    type Row<'a> = (&'a str, Option<&'a str>, &'a str, Option<u16>, &'a str, &'a str);
    let table: [Row<'_>; 13] = [
        ("sip:john.doe@example.com", Some("john.doe"), "example.com", None, "", ""),
        ("sip:example.com", None, "example.com", None, "", ""),
        ("sips:b@[2001:db8::1]:5061;lr", Some("b"), "[2001:db8::1]", Some(5061), "lr", ""),
        ("sip:[2001:db8::10:5070]", None, "[2001:db8::10:5070]", None, "", ""),
        ("sip:b@h?Replaces=a", Some("b"), "h", None, "", "Replaces=a"),
        ("sip:b@h;x=y?Replaces=a@h&b=c", Some("b"), "h", None, "x=y", "Replaces=a@h&b=c"),
        ("sip:b@h;maddr=[::1];transport=quic", Some("b"), "h", None, "maddr=[::1];transport=quic", ""),
        ("sip:a;b=c.d@h", Some("a;b=c.d"), "h", None, "", ""),
        ("SIP:*21#@h", Some("*21#"), "h", None, "", ""),
        ("sip:@h", None, "h", None, "", ""),
        ("tel:+49-30-1;phone-context=x", Some("+49-30-1"), "", None, "phone-context=x", ""),
        ("urn:service:sos", None, "service:sos", None, "", ""),
        ("soap.beep://192.0.2.103:3002", None, "//192.0.2.103:3002", None, "", ""),
    ];
    for (whole, user, host, port, params, headers) in table {
        let found = uri(whole);
        assert_eq!(
            (found.user.map(text), text(found.host), found.port, text(found.params), text(found.headers)),
            (user, host, port, params, headers),
            "{whole}"
        );
    }
}

#[test]
fn odd_parts() {
    let odd = uri("sip:1_u.URI~(t!s)&i't+$/c?,/;;*:&it+has=1,w!*pas$wo~d(d'-i)@example.com");
    assert_eq!(
        (odd.user.map(text), odd.password.map(text)),
        (Some("1_u.URI~(t!s)&i't+$/c?,/;;*"), Some("&it+has=1,w!*pas$wo~d(d'-i)"))
    );
    assert_eq!(odd.user_params(), (&b"1_u.URI~(t!s)&i't+$/c?,/"[..], &b";*"[..]));
    assert_eq!(uri("sip:h?a=b&Replaces=c%40d").header("replaces"), Some(&b"c%40d"[..]));
    assert_eq!(uri("sip:192.0.2.1").ip(), Some("192.0.2.1".parse().unwrap()));
    assert_eq!(uri("sip:[::1]").ip(), Some("::1".parse().unwrap()));
    assert_eq!((uri("sip:h").ip(), uri("sip:1.2.3").ip()), (None, None));
}

#[test]
fn what_is_no_uri() {
    for wrong in [
        "",
        "sip",
        "sip:",
        ":h",
        "1x:h",
        "sip:a@",
        "sip:a b@h",
        "sip:a@h:",
        "sip:a@h:0",
        "sip:a@h:70000",
        "sip:a@h:x",
        "<sip:a@h>",
        "sip:2001:db8::10",
        "sip:a@[2001:db8:::1]",
        "sip:a@[::1",
        "sip:a@[::1]x",
        "sip:a%4@h",
        "sip:a@h\u{e9}",
        "sip:a@h;x=a@b",
        "sip:a\"@h",
        "tel:",
        "tel:+",
        "tel:alice",
        "sip:a@h\r\n",
        "urn:",
    ] {
        assert_eq!(Uri::parse(wrong.as_bytes()), Err(Malformed::Uri), "{wrong}");
    }
}

/// The examples of RFC 3261 §19.1.4, and some more.
#[test]
fn equivalence() {
    for (one, other, same) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true),
        ("sip:carol@chicago.com;security=off", "sip:carol@chicago.com;security=on", false),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            true,
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            true,
        ),
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false),
        ("sip:bob@h", "sips:bob@h", false),
        ("sip:bob@h", "sip:h", false),
        ("sip:bob:x@h", "sip:bob@h", false),
        ("sip:a%40b@h", "sip:a%40b@h", true),
        ("sip:a%2Cb@h", "sip:a,b@h", false),
        ("sip:a%2cb@h", "sip:a%2Cb@h", true),
        ("sip:a@[2001:db8:0::1]", "sip:a@[2001:DB8::1]", true),
        ("sip:a@h;maddr=x", "sip:a@h", false),
        ("sip:a@h;user=phone", "sip:a@h", false),
        ("sip:a@h;x=1;x=2", "sip:a@h;x=1;x=2", true),
        ("tel:+49-30-12", "tel:+493012", true),
        ("tel:12;phone-context=a", "tel:12", false),
        ("tel:12", "sip:12@h", false),
        ("urn:service:sos", "URN:service:sos", true),
    ] {
        assert_eq!(uri(one).equivalent(&uri(other)), same, "{one} {other}");
        assert_eq!(uri(other).equivalent(&uri(one)), same, "{other} {one}");
    }
}
