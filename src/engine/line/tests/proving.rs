//! Who proves to be whom: challenges, passwords, nonces, guessers.
use super::*;

#[test]
fn challenges_name_every_algorithm_the_strongest_first() {
    let mut world = World::new();
    for (user, algorithms) in [
        ("1001", &["SHA-256", "MD5"][..]),
        ("nobody", &["SHA-256", "MD5"]),
        ("1002", &["MD5"]),
        ("alice", &["MD5"]),
        ("gate", &["SHA-256", "MD5"]),
    ] {
        let mut phone = Phone { named: user, ..Phone::new(user, "") };
        for method in ["REGISTER", "INVITE"] {
            let request = phone.request(&mut world, method, "Authorization: Other x=y\r\n");
            let (caller, answer) = world.receive(PHONE, &request);
            let answer = answer.unwrap();
            let nonce = nonce(&answer);
            let wanted = algorithms.iter().map(|algorithm| {
                format!("Digest realm=\"pbx.test\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"")
            });
            assert_eq!(fields(&answer, "WWW-Authenticate"), wanted.collect::<Vec<_>>(), "{user}");
            assert_eq!(caller, None);
        }
    }
}

#[test]
fn right_passwords_are_let_in() {
    let mut world = World::new();
    for (number, user, password, algorithm, place) in [
        ("1001", "1001", "one", Algorithm::Md5, 0),
        ("1001", "1001", "one", Algorithm::Sha256, 0),
        ("1001", "1001@pbx.test", "one", Algorithm::Sha256, 0),
        ("1001", "1001@198.51.100.1", "one", Algorithm::Md5, 0),
        ("1002", "1002", "two", Algorithm::Md5, 1),
        ("alice", "alice", "wonderland", Algorithm::Md5, 2),
        ("u00042", "u00042", "many", Algorithm::Md5, RANGES + 42),
    ] {
        let mut phone = Phone { named: number, algorithm, ..Phone::new(user, password) };
        let (caller, answer) = phone.send(&mut world, "INVITE", "");
        assert_eq!((caller, answer), (Some(Caller::Line(LineNo(place))), None), "{user}");
        assert_eq!(phone.register(&mut world, "").0, "200 OK", "{user}");
    }
    assert_eq!(world.transactions.ground.counters.auth_call.count(Algorithm::Sha256, AuthResult::Ok), 2);
}

#[test]
fn everything_else_is_refused_and_nothing_leaks() {
    let mut world = World::new();
    let mut outlines = Vec::new();
    for (named, user, password, algorithm) in [
        ("1001", "1001", "wrong", Algorithm::Md5),
        ("nobody", "nobody", "wrong", Algorithm::Md5),
        ("gate", "gate", "", Algorithm::Md5),
        ("1001", "1002", "two", Algorithm::Md5), // Somebody else's, though right.
    ] {
        for method in ["REGISTER", "INVITE"] {
            let mut phone = Phone { named, algorithm, ..Phone::new(user, password) };
            let (caller, answer) = phone.send(&mut world, method, "");
            assert_eq!(caller, None, "{named}");
            let answer = answer.unwrap();
            assert_eq!(status(&answer), "403 Forbidden", "{named}");
            outlines.push((method, outline(&answer)));
        }
    }
    for (method, outline) in &outlines[2..] {
        assert!(outlines[..2].contains(&(method, outline.clone())), "{outline}");
    }
    let foreign = Phone::new("1001", "").request(&mut world, "INVITE", "").replace("1001@pbx.test", "1001@else.where");
    let foreign = world.receive(PHONE, &foreign).1.unwrap();
    let ours = Phone::new("nobody", "").request(&mut world, "INVITE", "");
    let ours = world.receive(PHONE, &ours).1.unwrap();
    assert_eq!(outline(&foreign), outline(&ours));
}

#[test]
fn what_was_not_offered_is_not_taken() {
    let mut world = World::new();
    let mut phone = Phone { algorithm: Algorithm::Sha256, ..Phone::new("1002", "two") };
    assert_eq!(phone.register(&mut world, "").0, "401 Unauthorized", "a line with an algorithm of its own");
    let mut phone = Phone::new("1001", "one");
    for (from, to, wanted) in [
        ("qop=auth,", "qop=auth-int,", "401 Unauthorized"),
        ("qop=auth,", "", "403 Forbidden"), // RFC 2069's digest is another.
        ("algorithm=MD5", "algorithm=MD5-sess", "401 Unauthorized"),
        ("response=\"", "response=\"x\", x=\"", "403 Forbidden"),
        ("cnonce=\"c\"", "cnonce=\"c\", cnonce=\"c\"", "400 Malformed Authorization"),
        ("realm=\"pbx.test\"", "realm=\"else.where\"", "401 Unauthorized"),
        ("realm=\"pbx.test\"", "realm=\"\\p\\bx.test\"", "200 OK"),
        ("username=\"1001\"", "username=\"10\\01\"", "200 OK"),
    ] {
        world.wait(100);
        let nonce = phone.challenged(&mut world, "REGISTER");
        let credentials = phone.credentials("REGISTER", &nonce, 1).replace(from, to);
        let request = phone.request(&mut world, "REGISTER", &credentials);
        assert_eq!(status(&world.receive(PHONE, &request).1.unwrap()), wanted, "{to}");
        // Who was refused does it right; nothing is held against them.
        assert_eq!(phone.register(&mut world, "").0, "200 OK");
    }
    let blank =
        "Authorization: Digest username=\"1001\", realm=\"pbx.test\", nonce=\"\", uri=\"sip:x\", response=\"\"\r\n";
    let request = phone.request(&mut world, "REGISTER", blank);
    assert_eq!(status(&world.receive(PHONE, &request).1.unwrap()), "401 Unauthorized");
}

#[test]
fn nonces_are_used_with_rising_counts_and_for_five_minutes() {
    let mut world = World::new();
    let mut phone = Phone::new("1001", "one");
    let nonce = phone.challenged(&mut world, "REGISTER");
    let stale = |answer: &str| fields(answer, "WWW-Authenticate").iter().all(|field| field.contains(", stale=true,"));
    for (wait, count, wanted) in [
        (0, 1, "200 OK"),
        (0, 1, "401 Unauthorized"),
        (0, 2, "200 OK"),
        (200, 16, "200 OK"),
        (0, 10, "401 Unauthorized"),
        (100, 17, "401 Unauthorized"),
    ] {
        world.wait(wait);
        let request = phone.request(&mut world, "REGISTER", &phone.credentials("REGISTER", &nonce, count));
        let answer = world.receive(PHONE, &request).1.unwrap();
        assert_eq!(status(&answer), wanted, "{count}");
        assert!(wanted == "200 OK" || stale(&answer), "{answer}");
    }
    let auth = &world.transactions.ground.counters.auth_register;
    let auth = |result| auth.count(Algorithm::Md5, result);
    assert_eq!([AuthResult::Ok, AuthResult::Replayed, AuthResult::Stale].map(auth), [3, 2, 1]);
    assert_eq!(world.gauges().2, 0, "the password was right");
}

#[test]
fn guessers_wait_and_owners_do_not() {
    let mut world = World::new();
    let mut guesser = Phone::new("1001", "guess");
    let mut answered = Vec::new();
    for second in 0..20 {
        let (caller, answer) = guesser.send(&mut world, "INVITE", "");
        assert_eq!(caller, None);
        if let Some(answer) = answer {
            assert_eq!(status(&answer), "403 Forbidden");
            answered.push(second);
        }
        world.wait(1);
    }
    assert_eq!(answered, [0, 1, 3, 7, 15]);
    assert_eq!(world.gauges().2, 1);
    let counters = &world.transactions.ground.counters;
    assert_eq!(counters.auth_call.count(Algorithm::Md5, AuthResult::Penalty), 15);
    assert_eq!(counters.rate_limited.count(Method::Invite, ()), 15);
    // Elsewhere, or under another name, nobody pays for it.
    for mut other in [Phone { source: "192.0.2.77:5060", ..guesser.clone() }, Phone::new("1002", "guess")] {
        assert!(other.send(&mut world, "INVITE", "").1.is_some());
    }
    let mut owner = Phone::new("1001", "one");
    assert_eq!(owner.send(&mut world, "INVITE", "").0, Some(Caller::Line(LineNo(0))));
    assert_eq!(world.gauges().2, 0);
    assert!(guesser.send(&mut world, "INVITE", "").1.is_some(), "counted anew");
}

/// The right password at the end of a dictionary is not listened to; elsewhere it is, and here when all is forgotten.
#[test]
fn a_dictionary_does_not_open_the_door() {
    let mut world = World::new();
    let mut guesser = Phone::new("1001", "guess");
    for _ in 0..30 {
        guesser.send(&mut world, "INVITE", "");
    }
    let mut found = Phone::new("1001", "one");
    assert_eq!(found.send(&mut world, "INVITE", ""), (None, None), "neither let in nor answered");
    let counters = &world.transactions.ground.counters;
    assert_eq!((counters.bans, world.gauges().2), (1, 1));
    let mut owner = Phone { source: "192.0.2.77:5060", ..Phone::new("1001", "one") };
    assert_eq!(owner.send(&mut world, "INVITE", "").0, Some(Caller::Line(LineNo(0))));
    world.wait(601);
    assert_eq!(found.send(&mut world, "INVITE", "").0, Some(Caller::Line(LineNo(0))));
}

/// More nonces than are remembered: the oldest is stale before its time, and its phone is only asked again.
#[test]
fn a_nonce_that_was_forgotten_is_asked_for_again() {
    let mut world = World::with(Limits { nonces: 2, ..Limits::default() });
    let mut phones = ["one", "one", "one"].map(|password| Phone::new("1001", password));
    let nonces: Vec<String> = phones.iter_mut().map(|phone| phone.challenged(&mut world, "INVITE")).collect();
    for (phone, nonce) in phones.iter_mut().zip(&nonces) {
        let credentials = phone.credentials("INVITE", nonce, 1);
        let request = phone.request(&mut world, "INVITE", &credentials);
        assert_eq!(world.receive(phone.source, &request).0, Some(Caller::Line(LineNo(0))));
    }
    assert_eq!(world.forgotten(Excess::Nonces), 1);
    let credentials = phones[0].credentials("INVITE", &nonces[0], 2);
    let request = phones[0].request(&mut world, "INVITE", &credentials);
    let answer = world.receive(phones[0].source, &request).1.unwrap();
    assert!(answer.contains("stale=true"), "{answer}");
    assert_eq!(phones[0].send(&mut world, "INVITE", "").0, Some(Caller::Line(LineNo(0))), "and is let in");
}

/// More guessers than are remembered: the oldest begins anew, the others are kept waiting.
#[test]
fn a_guesser_who_was_forgotten_begins_anew() {
    let mut world = World::with(Limits { failed_authentications: 2, ..Limits::default() });
    let sources = ["192.0.2.71:5060", "192.0.2.72:5060", "192.0.2.73:5060"];
    let guess = |world: &mut World, source| {
        Phone { source, ..Phone::new("1001", "guess") }.send(world, "INVITE", "").1.is_some()
    };
    let answered = sources.map(|source| [(); 3].map(|()| guess(&mut world, source)));
    assert_eq!(answered, [[true, true, false]; 3]);
    assert_eq!(world.forgotten(Excess::FailedAuthentications), 1);
    assert!(!guess(&mut world, sources[2]), "the latest is remembered");
    assert!(guess(&mut world, sources[0]), "the first is not");
    assert_eq!(world.gauges().2, 1);
    world.wait(601);
    assert!(sources.iter().all(|source| guess(&mut world, source)), "ten minutes later nobody is");
}
