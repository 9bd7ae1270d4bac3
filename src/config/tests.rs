use super::*;
use std::path::PathBuf;
use std::time::Duration;
use switchyard_engine::base::limits::{LINES, ORBITS};
use switchyard_engine::settings::{
    Algorithm, CompletionForwarded, CompletionOffer, Dtmf, KeyOperation, KeySettings, LampState, MediaWay, Privacy,
    Secret, Transport,
};

/// Reads a text as if it stood in `directory`.
fn read_text(text: &str, directory: &Path) -> (Option<Config>, Log) {
    let log = Log::default();
    let config = read(&Source::new("pbx.toml", text.to_owned()), directory, &log);
    (config, log)
}

fn problems(text: &str) -> String {
    let (_, log) = read_text(text, Path::new(""));
    let problems: Vec<String> = log.into_problems().iter().map(ToString::to_string).collect();
    problems.join("\n")
}

fn good(text: &str) -> Config {
    let (config, log) = read_text(text, Path::new(""));
    assert_eq!(log.into_problems(), [], "{text}");
    config.unwrap()
}

fn settings(text: &str) -> Settings {
    good(text).settings
}

fn shipped() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/pbx.toml")).unwrap()
}

/// Whether a line of the shipped file shows a default.
fn is_default(line: &str) -> bool {
    let key = line.strip_prefix("# ").and_then(|rest| rest.split_once(" = ")).map(|(key, _)| key);
    key.is_some_and(|key| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
}

#[test]
fn taking_the_comment_from_a_default_changes_nothing() {
    let text = shipped();
    let expected = format!("{:?}", good(&text));
    let lines: Vec<&str> = text.lines().collect();
    let defaults: Vec<usize> = (0..lines.len()).filter(|&i| is_default(lines[i])).collect();
    assert!(defaults.len() > 25);
    for &i in &defaults {
        let mut changed = lines.clone();
        changed[i] = &lines[i][2..];
        assert_eq!(format!("{:?}", good(&changed.join("\n"))), expected, "{}", lines[i]);
    }
}

#[test]
fn the_shipped_file_shows_every_key_and_its_examples_are_good() {
    let directory = std::env::temp_dir().join(format!("switchyard-shipped-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("line-1006.password"), "secret\n").unwrap();
    let uncommented: Vec<String> = shipped()
        .lines()
        .map(|line| match line.strip_prefix("#: ") {
            Some(example) => example.to_owned(),
            None if is_default(line) => line[2..].to_owned(),
            None => line.to_owned(),
        })
        .collect();
    let (config, log) = read_text(&uncommented.join("\n"), &directory);
    std::fs::remove_dir_all(&directory).unwrap();
    let missing: Vec<String> = log.keys.borrow().iter().filter(|(_, found)| !**found).map(|(k, _)| k.clone()).collect();
    // What stands in the profile of feature codes is explained there.
    let missing: Vec<String> =
        missing.into_iter().filter(|key| !key.starts_with("codes.") && !key.starts_with("keys.")).collect();
    assert_eq!(missing, Vec::<String>::new());
    assert_eq!(log.into_problems(), []);
    let settings = config.unwrap().settings;
    assert_eq!(settings.lots[0].overflow, Some(1));
    assert!(matches!(&settings.lines[5].secret, Secret::Password(password) if password == "secret"));
}

#[test]
fn what_is_left_out_has_its_default() {
    let settings = settings("");
    assert_eq!(settings.domain, "pbx.test");
    assert_eq!(settings.listeners[0].address, "127.0.0.1:5060".parse().unwrap());
    assert_eq!(settings.digest, [Algorithm::Md5]);
    assert_eq!(settings.codes.iter().filter(|code| code.operation.is_built()).count(), 26);
    assert_eq!(settings.codes.iter().filter(|code| code.name == "conference_room").count(), 10);
}

#[test]
fn the_standard_profile_knows_every_operation() {
    use switchyard_engine::settings::Operation;
    let codes = settings("").codes;
    for operation in Operation::ALL {
        assert!(codes.iter().any(|code| code.operation == *operation), "{operation:?}");
    }
}

#[test]
fn listeners_and_trunks_have_a_transport_udp_unless_said() {
    let table = [
        ("", "", [Transport::Udp; 3]),
        ("transport = \"udp\"", "transport = \"udp\"", [Transport::Udp; 3]),
        ("transport = \"tcp\"", "", [Transport::Udp, Transport::Tcp, Transport::Udp]),
        ("transport = \"tcp\"", "transport = \"tcp\"", [Transport::Udp, Transport::Tcp, Transport::Tcp]),
    ];
    for (listener, trunk, expected) in table {
        let settings = settings(&format!(
            "[[listen]]\naddress = \"127.0.0.1:5060\"\n[[listen]]\naddress = \"127.0.0.1:5070\"\n{listener}\n\
             [trunks.a]\naddress = \"127.0.0.1:7062\"\nprefix = \"8\"\n{trunk}"
        ));
        let listeners = settings.listeners.iter().map(|listener| listener.transport);
        let found: Vec<_> = listeners.chain(settings.trunks.iter().map(|trunk| trunk.transport)).collect();
        assert_eq!(found, expected, "{listener} {trunk}");
    }
}

#[test]
fn phones_behind_a_nat_are_asked_every_half_minute_unless_said() {
    for (text, seconds) in [
        ("", 30),
        ("registrar.keep_alive = \"20s\"", 20),
        ("registrar.keep_alive = \"2m\"", 120),
        ("registrar.keep_alive = \"0s\"", 0),
    ] {
        assert_eq!(settings(text).registrar.keep_alive, Duration::from_secs(seconds), "{text}");
    }
}

#[test]
fn algorithms_are_offered_strongest_first() {
    let settings = settings("server.digest = [\"MD5\", \"SHA-256\", \"MD5\"]");
    assert_eq!(settings.digest, [Algorithm::Sha256, Algorithm::Md5]);
}

#[test]
fn a_profile_is_found_by_name_beside_or_above_and_by_path() {
    let root = std::env::temp_dir().join(format!("switchyard-profile-{}", std::process::id()));
    let config = root.join("config");
    std::fs::create_dir_all(root.join("feature-codes")).unwrap();
    std::fs::create_dir_all(&config).unwrap();
    let profile = "[codes.park]\ncode = [\"*5\", \"*6\"]\n";
    std::fs::write(root.join("feature-codes/ours.toml"), profile).unwrap();
    std::fs::write(config.join("own.toml"), profile.replace("*5", "*7")).unwrap();
    let codes = |name: &str, directory: &PathBuf| {
        let (config, log) = read_text(&format!("server.feature_codes = \"{name}\""), directory);
        let codes = config.map(|config| config.settings.codes.into_iter().map(|code| code.code).collect::<Vec<_>>());
        (codes.unwrap_or_default(), log.into_problems().len())
    };
    assert_eq!(codes("ours", &config), (vec!["*5".into(), "*6".into()], 0));
    assert_eq!(codes("ours", &root), (vec!["*5".into(), "*6".into()], 0));
    assert_eq!(codes("own.toml", &config), (vec!["*7".into(), "*6".into()], 0));
    assert_eq!(codes("theirs", &config), (vec![], 1));
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn keys_do_one_thing_each() {
    let root = std::env::temp_dir().join(format!("switchyard-keys-{}", std::process::id()));
    std::fs::create_dir_all(&root).unwrap();
    let read = |profile: &str| {
        std::fs::write(root.join("ours.toml"), profile).unwrap();
        let (config, log) = read_text("server.feature_codes = \"ours.toml\"", &root);
        let keys = config.map(|config| config.settings.keys).unwrap_or_default();
        let problems: Vec<String> = log.into_problems().into_iter().map(|problem| problem.what).collect();
        (keys, problems)
    };
    let code = |keys: &str, operation| KeySettings { keys: keys.into(), operation };
    let (keys, problems) = read("[keys.park]\nkeys = \"#72\"\n[keys.also]\nkeys = \"#7\"\noperation = \"hang_up\"\n");
    assert_eq!((keys.len(), problems), (2, vec![]), "one may begin with the other");
    assert!(keys.contains(&code("#72", KeyOperation::Park)) && keys.contains(&code("#7", KeyOperation::HangUp)));
    let twice = read("[keys.park]\nkeys = \"#7\"\n[keys.hang_up]\nkeys = \"#7\"\n").1;
    assert_eq!(twice, ["the keys #7 mean two things"]);
    assert_eq!(read("[keys.prak]\nkeys = \"#7\"\n").1, ["there is no operation \"prak\" for keys"]);
    let wrong = read("[keys.park]\nkeys = \"7x\"\n").1;
    assert_eq!(wrong, ["\"7x\" is not 1 to 8 keys of a phone: 0 to 9, * and #, A to D"]);
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn the_way_out_of_an_orbit_is_0_unless_said() {
    let lot = "[lines.1]\npassword = \"x\"\n[lots.a]\nnumber = \"700\"\norbits = \"701\"\n";
    let exit = |more: &str| settings(&format!("{lot}{more}")).lots[0].exit_digit;
    assert_eq!((exit(""), exit("exit_destination = \"1\"")), (None, Some('0')));
    assert_eq!(exit("exit_destination = \"1\"\nexit_digit = \"#\""), Some('#'));
    assert!(problems(&format!("{lot}exit_digit = \"1\"")).contains("`exit_digit` without an `exit_destination`"));
    assert!(problems(&format!("{lot}exit_destination = \"999\"")).contains("999"));
}

#[test]
fn as_many_as_there_may_be() {
    let text = "[line_ranges.x]\nnumbers = \"00000000-15999999\"\npassword = \"x\"\n\
                [lots.a]\nnumber = \"5\"\norbits = \"60000-69999\"";
    assert_eq!(problems(text), "");
    let settings = settings(text);
    let range = &settings.line_ranges[0];
    assert_eq!((range.last - range.first + 1, settings.lots[0].orbits.len()), (LINES as u64, ORBITS));
}

#[test]
fn who_may_transfer_where() {
    let defaults = settings("").transfers;
    assert_eq!((defaults.groups, defaults.from_trunks, defaults.trunk_to_trunk), (vec![], false, false));
    let line = "[lines.1]\npassword = \"x\"\ngroups = [\"staff\"]\n";
    let said = format!(
        "[transfer]\ngroups = [\"staff\"]\nfrom_trunks = true\ntrunk_to_trunk = true\nrecall = false\n\
         recall_ring = \"10s\"\nrecall_display = \"Back: {{name}}\"\n{line}"
    );
    let transfers = settings(&said).transfers;
    assert_eq!((transfers.groups, transfers.from_trunks, transfers.trunk_to_trunk), (vec!["staff".into()], true, true));
    assert_eq!((transfers.recall, transfers.recall_ring), (false, Duration::from_secs(10)));
    assert_eq!(transfers.recall_display, "Back: {name}");
    assert_eq!(
        problems(&format!("[transfer]\ngroups = [\"stuff\"]\n{line}")),
        "pbx.toml:2:11: no line is a member of group `stuff`\n    hint: did you mean `staff`?"
    );
}

#[test]
fn who_may_see_what() {
    let defaults = settings("").lamps;
    let said = (defaults.min_expires, defaults.max_expires, defaults.colleagues_only, defaults.privacy);
    assert_eq!(said, (Duration::from_secs(60), Duration::from_secs(3600), false, Privacy::Full));
    let rest = "[lines.1]\npassword = \"x\"\ngroups = [\"staff\"]\n[lots.a]\nnumber = \"70\"\norbits = \"71\"\n";
    let text = format!(
        "[lamps]\nmin_expires = \"30s\"\nmax_expires = \"2h\"\ncolleagues_only = true\nprivacy = \"none\"\n\
         [lamps.groups.staff]\nprivacy = \"name\"\n{rest}view_groups = [\"staff\"]\nlamp_state = \"early\"\n\
         lamp_on_reminder = \"early\"\n"
    );
    let settings = settings(&text);
    let (lamps, lot) = (settings.lamps, &settings.lots[0]);
    let said = (lamps.min_expires, lamps.max_expires, lamps.colleagues_only, lamps.privacy);
    assert_eq!(said, (Duration::from_secs(30), Duration::from_secs(7200), true, Privacy::None));
    assert_eq!(lamps.privacy_of, [("staff".to_owned(), Privacy::Name)]);
    assert_eq!(lot.view_groups, ["staff"]);
    assert_eq!((lot.lamp_state, lot.lamp_on_reminder), (LampState::Early, LampState::Early));
    for (text, told) in [
        ("[lamps]\nprivacy = \"some\"\n", "pbx.toml:2:11: \"some\" is none of \"full\", \"name\", \"none\""),
        ("[lamps]\nmin_expires = \"2h\"\n", "pbx.toml:1:2: `min_expires` is longer than `max_expires`"),
        ("[lamps.groups.stuff]\nprivacy = \"full\"\n", "pbx.toml:1:15: no line is a member of group `stuff`"),
        ("[lamps.groups.staff]\n", "pbx.toml:1:15: `privacy` is missing"),
    ] {
        assert_eq!(problems(&format!("{text}{rest}")).lines().next(), Some(told));
    }
}

#[test]
fn callbacks_are_read_as_they_are_written() {
    let defaults = settings("").completion;
    assert_eq!((defaults.enabled, defaults.offer, defaults.camp_on), (true, CompletionOffer::Silent, false));
    let said = settings(
        "[callback]\nenabled = false\noffer = \"answer\"\nkey = \"*\"\nprompt_window = \"10s\"\noffer_window = \"20s\"\n\
         busy_lifetime = \"1h\"\nno_reply_lifetime = \"2h\"\nnot_registered_lifetime = \"24h\"\ntarget_guard = \"0s\"\n\
         recall_ring = \"9s\"\nrecall_attempts = 3\nrecall_pause = \"1m\"\nmax_per_requester = 1\nmax_per_target = 2\n\
         max_total = 3\nmax_per_hour = 4\nretain = false\nchain_no_reply = true\ntoggle = true\ncancel = \"last\"\n\
         announce = false\nforwarded = \"wait\"\noverride_dnd = true\nreserve_target = true\nfree_below_limit = true\n\
         tell_ringing = true\ncamp_on = true\ndisplay = \"Back: {number}\"\nalert_info = \"\"\n\
         [lines.1]\npassword = \"x\"\ncallback = false\n[lines.2]\npassword = \"x\"\n\
         [line_ranges.r]\nnumbers = \"30-39\"\npassword = \"x\"\ncallback_target = false\n",
    );
    let completion = &said.completion;
    assert_eq!((completion.offer, completion.key), (CompletionOffer::Answered, '*'));
    let secs = |secs| Duration::from_secs(secs);
    assert_eq!([completion.prompt_window, completion.offer_window], [secs(10), secs(20)]);
    let lifetimes = [completion.busy_lifetime, completion.no_reply_lifetime, completion.not_registered_lifetime];
    assert_eq!(lifetimes, [secs(3_600), secs(7_200), secs(86_400)]);
    let pauses = [completion.target_guard, completion.recall_ring, completion.recall_pause];
    assert_eq!((pauses, completion.recall_attempts), ([secs(0), secs(9), secs(60)], 3));
    let most = [completion.max_per_requester, completion.max_per_target, completion.max_total, completion.max_per_hour];
    assert_eq!(most, [1, 2, 3, 4]);
    let switched = [completion.chain_no_reply, completion.toggle, completion.cancel_last, completion.camp_on];
    let off = [completion.enabled, completion.retain, completion.announce];
    assert_eq!((switched, off), ([true; 4], [false; 3]));
    assert_eq!((completion.override_dnd, completion.reserve_target), (true, true));
    assert_eq!((completion.free_below_limit, completion.tell_ringing), (true, true));
    assert_eq!((defaults.free_below_limit, defaults.tell_ringing), (false, false));
    assert_eq!((defaults.forwarded, completion.forwarded), (CompletionForwarded::Reject, CompletionForwarded::Wait));
    assert_eq!((&*completion.display, &*completion.alert_info), ("Back: {number}", ""));
    let rights = [&said.lines[0].callbacks, &said.lines[1].callbacks, &said.line_ranges[0].callbacks];
    assert_eq!(rights.map(|rights| (rights.ask, rights.give)), [(false, true), (true, true), (true, false)]);
    assert_eq!(
        problems("[callback]\noffer = \"erly\"\nbusy_lifetime = \"25h\"\nmax_total = 0"),
        "pbx.toml:2:9: \"erly\" is none of \"silent\", \"early\", \"answer\"\n    hint: did you mean `early`?\n\
         pbx.toml:3:17: \"25h\" is out of range: 1s to 86400s\npbx.toml:4:13: expected a whole number from 1 to 100000"
    );
}

#[test]
fn every_problem_is_told_with_its_place() {
    let table = [
        ("a = ", "pbx.toml:1:5: string values must be quoted, expected literal string"),
        ("[server]\ndomian = \"x\"", "pbx.toml:2:1: unknown key `domian`\n    hint: did you mean `domain`?"),
        ("[sever]", "pbx.toml:1:2: unknown key `sever`\n    hint: did you mean `server`?"),
        ("server = 3", "pbx.toml:1:10: expected a table, found a whole number"),
        ("server.no_answer = 60", "pbx.toml:1:20: expected a text in quotes, found a whole number"),
        ("server.session_expires = \"89s\"", "pbx.toml:1:26: 89s is out of range: 90s to 86400s"),
        ("server.no_answer = \"0s\"", "pbx.toml:1:20: \"0s\" is out of range: 1s to 86400s"),
        (
            "server.feature_codes = \"standrad\"",
            "pbx.toml:1:24: there are no feature codes \"standrad\"\n    hint: did you mean `standard`?",
        ),
        ("[[listen]]", "pbx.toml:1:1: `address` is missing"),
        (
            "[[listen]]\ntransport = \"tls\"\naddress = \"127.0.0.1:1\"",
            "pbx.toml:2:13: transport \"tls\" is not built yet, only \"udp\" and \"tcp\" are",
        ),
        ("[[listen]]\ntransport = \"sctp\"\naddress = \"127.0.0.1:1\"", "pbx.toml:2:13: \"sctp\" is no transport"),
        (
            "[[listen]]\ntransport = \"tcp\"\naddress = \"127.0.0.1:1\"\n[[listen]]\naddress = \"127.0.0.1:1\"\n\
             [[listen]]\ntransport = \"tcp\"\naddress = \"127.0.0.1:1\"",
            "pbx.toml:8:11: 127.0.0.1:1 is listened on twice\n    pbx.toml:3:11: here first",
        ),
        (
            "[trunks.a]\naddress = \"127.0.0.1:1\"\nprefix = \"8\"\ntransport = \"wss\"",
            "pbx.toml:4:13: transport \"wss\" is not built yet, only \"udp\" and \"tcp\" are",
        ),
        (
            "[[listen]]\ntransport = \"tcp\"\naddress = \"[::1]:5060\"\n\
             [trunks.a]\naddress = \"127.0.0.1:1\"\nprefix = \"8\"\ntransport = \"tcp\"",
            "pbx.toml:6:10: 127.0.0.1:1 is called by tcp, and nothing listens on that\n    \
             hint: add a [[listen]] with transport = \"tcp\" and an IPv4 address",
        ),
        ("media.language = \"../de\"", "pbx.toml:1:18: a language is letters, digits, - and _, such as \"en\""),
        ("registrar.keep_alive = 30", "pbx.toml:1:24: expected a text in quotes, found a whole number"),
        (
            "registrar.keep_alive = \"30\"",
            "pbx.toml:1:24: \"30\" is not a duration: write it as \"90s\", \"30m\" or \"1h\"",
        ),
        ("registrar.keep_alive = \"25h\"", "pbx.toml:1:24: \"25h\" is out of range: 0s to 86400s"),
        (
            "registrar.keepalive = \"30s\"",
            "pbx.toml:1:11: unknown key `keepalive`\n    hint: did you mean `keep_alive`?",
        ),
        (
            "lines.1001.name = \"Alice\"",
            "pbx.toml:1:7: line 1001 cannot prove itself\n    hint: give it a `password`, `ha1`, `password_file` or `trusted_address`",
        ),
        (
            "[lines.a]\npassword = \"x\"\nha1 = \"0123456789abcdef0123456789abcdef\"",
            "pbx.toml:1:8: line a cannot prove itself\n    hint: give it a `password`, `ha1`, `password_file` or `trusted_address`\n\
             pbx.toml:3:7: `ha1` beside a password: one of them is enough",
        ),
        (
            "[numbers]\nemergency = [\"112\"]",
            "pbx.toml:2:14: emergency numbers need a trunk to go to\n    hint: name it in `emergency_trunk`",
        ),
        (
            "[trunks.a]\naddress = \"127.0.0.1:1\"\nprefix = \"8\"\n[trunks.b]\naddress = \"127.0.0.1:1\"\nprefix = \"8\"",
            "pbx.toml:6:10: 8 is both trunk `a` and trunk `b`\n    pbx.toml:3:10: trunk `a`",
        ),
        (
            "[lines.gate]\ntrusted_address = \"192.0.2.1:5060\"\n[trunks.a]\naddress = \"192.0.2.1:5060\"\nprefix = \"8\"",
            "pbx.toml:5:10: 192.0.2.1 is trusted as line gate and as trunk `a`\n    pbx.toml:1:8: line gate",
        ),
        (
            "[line_ranges.x]\nnumbers = \"98-102\"\npassword = \"x\"",
            "pbx.toml:2:11: \"98-102\": both ends of a range need the same letters and as many digits",
        ),
        (
            "[line_ranges.x]\nnumbers = \"00000000-16000000\"\npassword = \"x\"",
            "pbx.toml:2:11: too many lines: 16000001 of at most 16000000",
        ),
        ("[lots.a]\nnumber = \"6\"\norbits = \"60000-70000\"", "pbx.toml:3:10: too many numbers: at most 10000"),
        (
            "[lots.a]\nnumber = \"7#\"\norbits = [\"71\"]\nfallback = \"voicemail:x\"\npick = \"nxt\"",
            "pbx.toml:2:10: warning: 7#: some phones cannot dial #\n\
             pbx.toml:4:12: fallback \"voicemail:x\" is not built yet: a number, \"keep\" and \"announce_drop\" are\n\
             pbx.toml:5:8: \"nxt\" is none of \"lowest\", \"next\", \"random\", \"longest_free\"\n    hint: did you mean `next`?",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(problems(text), expected, "{text}");
    }
}

#[test]
fn music_is_found_beside_the_configuration_or_built_in() {
    let directory = std::env::temp_dir().join(format!("switchyard-music-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("sounds/music")).unwrap();
    std::fs::write(directory.join("sounds/own.wav"), "").unwrap();
    let own = directory.join("sounds/own.wav");
    let music = |text: &str| {
        let (config, log) = read_text(text, &directory);
        (config.unwrap().music.remove(0), log.into_problems())
    };
    let path = |music: Music| match music {
        Music::File { path, .. } => Some(path),
        Music::BuiltIn | Music::Silence => None,
    };
    assert_eq!(music(""), (Music::BuiltIn, vec![]));
    assert_eq!(music("media.music = \"\""), (Music::Silence, vec![]));
    let (relative, problems) = music("media.music = \"own.wav\"");
    assert_eq!((path(relative.clone()), problems), (Some(own.clone()), vec![]));
    let (absolute, _) = music(&format!("# elsewhere\nmedia.music = \"{}\"", own.display()));
    assert!(absolute != relative && absolute.plays_as(&relative) && !absolute.plays_as(&Music::Silence));
    let (silence, problems) = music("media.music = \"other.wav\"");
    assert_eq!((silence, problems.len(), problems[0].severity), (Music::Silence, 1, Severity::Warning));
    assert!(problems[0].to_string().starts_with("pbx.toml:1:15: warning: there is no "), "{}", problems[0]);
    std::fs::write(directory.join("sounds/music/default.wav"), "").unwrap();
    assert_eq!(path(music("").0), Some(directory.join("sounds/music/default.wav")));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn lots_and_lines_have_music_of_their_own_each_loaded_once() {
    let directory = std::env::temp_dir().join(format!("switchyard-own-music-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("sounds")).unwrap();
    std::fs::write(directory.join("sounds/own.wav"), "").unwrap();
    let read = |lots: &str| {
        let text = format!("[lines.1]\npassword = \"x\"\nmusic = \"own.wav\"\n[lines.2]\npassword = \"x\"\n{lots}");
        let (config, log) = read_text(&text, &directory);
        assert_eq!(log.into_problems(), []);
        config.unwrap()
    };
    let lot = |name: &str, number: u32, music: &str| {
        let orbit = number + 1;
        format!("[lots.{name}]\nnumber = \"{number}\"\norbits = \"{orbit}\"\nmusic = \"{music}\"\n")
    };
    let numbers = |config: &Config| -> Vec<Option<u16>> {
        let lots = config.settings.lots.iter().map(|lot| lot.music);
        config.settings.lines.iter().map(|line| line.music).chain(lots).map(|music| music.map(|no| no.0)).collect()
    };
    let first = read(&[lot("a", 70, ""), lot("b", 80, "own.wav"), lot("c", 90, "music/default.wav")].concat());
    assert_eq!(numbers(&first), [Some(1), None, Some(2), Some(1), Some(0)]);
    assert!(matches!(&first.music[..], [Music::BuiltIn, Music::File { .. }, Music::Silence]));
    // Read again in another order: by the numbers that are loaded. What is not loaded is the default until the next start.
    let mut again = read(&[lot("b", 80, "music/default.wav"), lot("a", 70, "")].concat());
    assert!(again.renumber_music(&first.music));
    assert_eq!(numbers(&again), [Some(1), None, Some(0), Some(2)]);
    std::fs::write(directory.join("sounds/new.wav"), "").unwrap();
    let mut new = read(&[lot("a", 70, "new.wav"), lot("b", 80, "")].concat());
    assert!(!new.renumber_music(&first.music));
    assert_eq!(numbers(&new), [Some(1), None, None, Some(2)]);
    let range = "[line_ranges.r]\nnumbers = \"30-39\"\npassword = \"x\"\nmusic = \"new.wav\"\n".to_owned();
    let mut many = read(&(range + &lot("a", 70, "")));
    let of_range = |config: &Config| config.settings.line_ranges[0].music.map(|no| no.0);
    assert_eq!((numbers(&many), of_range(&many)), (vec![Some(1), None, Some(3)], Some(2)));
    assert_eq!((many.renumber_music(&first.music), of_range(&many)), (false, None));
    let mut other = read("[media]\nmusic = \"own.wav\"");
    assert!(!other.renumber_music(&first.music), "another default");
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn media_goes_past_us_unless_a_line_a_range_or_a_trunk_says_otherwise() {
    let read = settings(
        "media.lines = \"direct\"\n[lines.1]\npassword = \"x\"\nmedia = \"relay\"\n[lines.2]\npassword = \"x\"\n\
         [line_ranges.r]\nnumbers = \"30-39\"\npassword = \"x\"\nmedia = \"auto\"\n\
         [trunks.a]\naddress = \"127.0.0.1:7062\"\nmedia = \"relay\"\n[trunks.b]\naddress = \"127.0.0.1:7063\"\n",
    );
    assert_eq!(read.media.lines, MediaWay::Direct);
    assert_eq!([&read.lines[0], &read.lines[1]].map(|line| line.media), [Some(MediaWay::Relay), None]);
    assert_eq!(read.line_ranges[0].media, Some(MediaWay::Auto));
    assert_eq!([&read.trunks[0], &read.trunks[1]].map(|trunk| trunk.media), [MediaWay::Relay, MediaWay::Direct]);
    assert_eq!(settings("").media.lines, MediaWay::Auto);
}

#[test]
fn a_line_a_range_or_a_trunk_may_be_told_keys_in_one_way_only() {
    let read = settings(
        "[lines.1]\npassword = \"x\"\ndtmf = \"info\"\n[lines.2]\npassword = \"x\"\n\
         [line_ranges.r]\nnumbers = \"30-39\"\npassword = \"x\"\ndtmf = \"rfc4733\"\n\
         [trunks.a]\naddress = \"127.0.0.1:7062\"\ndtmf = \"info\"\n[trunks.b]\naddress = \"127.0.0.1:7063\"\ndtmf = \"auto\"\n",
    );
    assert_eq!([&read.lines[0], &read.lines[1]].map(|line| line.dtmf), [Dtmf::Info, Dtmf::Auto]);
    assert_eq!(read.line_ranges[0].dtmf, Dtmf::Rfc4733);
    assert_eq!([&read.trunks[0], &read.trunks[1]].map(|trunk| trunk.dtmf), [Dtmf::Info, Dtmf::Auto]);
}
