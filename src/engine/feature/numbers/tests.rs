use super::*;
use crate::base::limits::NUMBER_BYTES;
use crate::settings::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

fn settings() -> Settings {
    Settings::new("pbx.test")
}

fn line(number: &str) -> LineSettings {
    LineSettings {
        number: number.into(),
        name: String::new(),
        secret: Secret::None,
        groups: Vec::new(),
        trusted: Vec::new(),
        contact: None,
        max_contacts: None,
        busy_limit: None,
        media: None,
        dtmf: Dtmf::Auto,
        profile: None,
        music: None,
        digest: None,
        incall_features: false,
        callbacks: CallbackRights::default(),
    }
}

fn range(prefix: &str, first: u64, last: u64, width: usize) -> LineRange {
    LineRange {
        prefix: prefix.into(),
        first,
        last,
        width,
        secret: Secret::None,
        groups: Vec::new(),
        music: None,
        incall_features: false,
        callbacks: CallbackRights::default(),
        media: None,
        dtmf: Dtmf::Auto,
    }
}

fn trunk(prefix: &str, strip: usize) -> TrunkSettings {
    TrunkSettings {
        name: format!("to{prefix}"),
        address: ([127, 0, 0, 1], 7062).into(),
        transport: Transport::Udp,
        trusted: Vec::new(),
        prefix: Some(prefix.into()),
        strip,
        media: MediaWay::Direct,
        dtmf: Dtmf::Auto,
    }
}

fn lot(number: &str, orbits: &[&str]) -> LotSettings {
    LotSettings::new(number, number, orbits.iter().map(|&orbit| orbit.to_owned()))
}

fn code(code: &str, argument: Argument, operation: Operation) -> CodeSettings {
    CodeSettings { name: code.into(), code: code.into(), argument, operation }
}

fn office() -> Settings {
    Settings {
        lines: vec![line("1001"), line("alice")],
        line_ranges: vec![
            range("", 200_000, 299_999, 6),
            range("u", 0, 9_999, 5),
            range("", 300, 399, 6),
            range("", 100_000_000, 100_999_999, 9),
        ],
        trunks: vec![trunk("8", 0), trunk("81", 1), trunk("x", 1)],
        lots: vec![lot("700", &["701", "702", "0703"])],
        codes: vec![
            code("*68", Argument::Optional, Operation::Park),
            code("*85", Argument::Required, Operation::Retrieve),
            code("*8", Argument::None, Operation::PickupGroup),
        ],
        emergency: vec!["811".into()],
        emergency_trunk: Some(0),
        ..settings()
    }
}

#[test]
fn each_number_leads_where_the_plan_says() {
    let (plan, clashes) = Plan::new(&office());
    assert!(clashes.iter().all(|clash| clash.kind != ClashKind::Same), "{clashes:?}");
    // Lines with a section of their own are numbered from 0, those of ranges from 2^24.
    let line = |n| Target::Line(LineNo(n));
    let many = |n: u32| Target::Line(LineNo((1 << 24) + n));
    let code = |code, operation, argument| Target::Code { code, operation, argument: Number::from(argument).unwrap() };
    let table = [
        ("1001", line(0)),
        ("alice", line(1)),
        ("Alice", Target::Nothing),
        ("200000", many(0)),
        ("299999", many(99_999)),
        ("300000", Target::Nothing),
        ("0200000", Target::Nothing),
        ("u00000", many(100_000)),
        ("u09999", many(109_999)),
        ("u10000", Target::Nothing),
        ("u0000", Target::Nothing),
        ("000300", many(110_000)),
        ("100000000", many(110_100)),
        ("700", Target::Lot(0)),
        ("702", Target::Orbit { lot: 0, orbit: 1 }),
        ("0703", Target::Orbit { lot: 0, orbit: 2 }),
        ("703", Target::Nothing),
        ("*68", code(0, Operation::Park, "")),
        ("*68701", code(0, Operation::Park, "701")),
        ("*85", Target::Nothing),
        ("*85701", code(1, Operation::Retrieve, "701")),
        ("*8", code(2, Operation::PickupGroup, "")),
        ("*81", Target::Nothing),
        ("811", Target::Emergency { trunk: 0 }),
        ("8", Target::Trunk { trunk: 0, strip: 0 }),
        ("8111", Target::Trunk { trunk: 1, strip: 1 }),
        ("81", Target::Trunk { trunk: 1, strip: 1 }),
        ("x", Target::Nothing),
        ("xé", Target::Trunk { trunk: 2, strip: 1 }),
        ("", Target::Nothing),
        ("99999999999999999999999999", Target::Nothing),
    ];
    for (dialled, expected) in table {
        assert_eq!(plan.resolve(dialled), expected, "{dialled}");
    }
    assert_eq!(plan.resolve(&format!("*68{}", "1".repeat(NUMBER_BYTES + 1))), Target::Nothing);
}

#[test]
fn a_line_is_found_by_its_number_and_the_number_by_the_line() {
    let (plan, _) = Plan::new(&office());
    assert_eq!(plan.line_count(), 2 + 100_000 + 10_000 + 100 + 1_000_000);
    for number in ["1001", "alice", "200000", "299999", "u00042", "000399", "100999999"] {
        let line = plan.line(number).unwrap();
        assert_eq!(plan.line_number(line).unwrap().as_str(), number);
    }
    assert_eq!(plan.line("700"), None);
    assert_eq!(plan.line_number(LineNo(2)), None, "behind the last of its kind");
    assert_eq!(plan.line_number(LineNo((1 << 24) + 1_110_100)), None);
    assert_eq!(plan.lot("700"), Some(0));
    assert_eq!(plan.orbit("702"), Some((0, 1)));
    assert_eq!((plan.lot("702"), plan.orbit("700")), (None, None));
}

type ClashCase = (&'static str, Settings, ClashKind, &'static str, Entry, Entry);

fn assert_clashes(table: Vec<ClashCase>) {
    for (case, settings, kind, number, first, second) in table {
        let (_, clashes) = Plan::new(&settings);
        assert_eq!(clashes, [Clash { kind, number: number.into(), first, second }], "{case}");
    }
}

#[test]
fn equal_claims_name_both_entries() {
    use ClashKind::Same;
    use Entry::{Code, Emergency, Line, Lot, Orbit, Range, Trunk};
    let park = |literal, argument| code(literal, argument, Operation::Park);
    assert_clashes(vec![
        (
            "a lot that covers a line",
            Settings { lines: vec![line("701")], lots: vec![lot("700", &["701"])], ..settings() },
            Same,
            "701",
            Line(0),
            Orbit { lot: 0, orbit: 0 },
        ),
        (
            "a lot inside a range",
            Settings { line_ranges: vec![range("", 600, 799, 3)], lots: vec![lot("700", &["901"])], ..settings() },
            Same,
            "700",
            Range(0),
            Lot(0),
        ),
        (
            "two codes",
            Settings { codes: vec![park("*5", Argument::None), park("*5", Argument::Optional)], ..settings() },
            Same,
            "*5",
            Code(0),
            Code(1),
        ),
        (
            "two codes with arguments",
            Settings { codes: vec![park("*5", Argument::Required), park("*5", Argument::Optional)], ..settings() },
            Same,
            "*5",
            Code(0),
            Code(1),
        ),
        (
            "a code that is an emergency number",
            Settings {
                codes: vec![park("112", Argument::None)],
                emergency: vec!["112".into()],
                emergency_trunk: Some(0),
                trunks: vec![trunk("9", 0)],
                ..settings()
            },
            Same,
            "112",
            Emergency(0),
            Code(0),
        ),
        (
            "two prefixes",
            Settings { trunks: vec![trunk("9", 0), trunk("9", 1)], ..settings() },
            Same,
            "9",
            Trunk(0),
            Trunk(1),
        ),
        (
            "overlapping ranges, one far behind",
            Settings { line_ranges: vec![range("u", 400, 500, 3), range("u", 100, 450, 3)], ..settings() },
            Same,
            "u400",
            Range(0),
            Range(1),
        ),
    ]);
}

#[test]
fn shadows_name_both_entries() {
    use ClashKind::{Hides, Takes};
    use Entry::{Line, Lot, Range, Trunk};
    assert_clashes(vec![
        (
            "a prefix behind a prefix",
            Settings { trunks: vec![trunk("9", 0), trunk("91", 1)], ..settings() },
            Takes,
            "91",
            Trunk(0),
            Trunk(1),
        ),
        (
            "a line behind a prefix",
            Settings { trunks: vec![trunk("9", 0)], lines: vec![line("9001")], ..settings() },
            Takes,
            "9001",
            Trunk(0),
            Line(0),
        ),
        (
            "a range behind a prefix",
            Settings { trunks: vec![trunk("85", 0)], line_ranges: vec![range("", 8000, 8999, 4)], ..settings() },
            Takes,
            "8500",
            Trunk(0),
            Range(0),
        ),
        (
            "lots of which one begins the other",
            Settings { lots: vec![lot("70", &["71"]), lot("700", &["801"])], ..settings() },
            Hides,
            "700",
            Lot(0),
            Lot(1),
        ),
    ]);
}

#[test]
fn one_warning_stands_for_its_like() {
    let orbits: Vec<String> = (71..=79).map(|n| n.to_string()).collect();
    let orbits: Vec<&str> = orbits.iter().map(String::as_str).collect();
    let settings = Settings { lots: vec![lot("7", &orbits)], ..settings() };
    let (_, clashes) = Plan::new(&settings);
    assert_eq!(clashes.len(), 1);
}

/// Every entry that a string fits, with its rank (0 wins), by the plainest reading of the rules.
fn fitting(settings: &Settings, dialled: &str) -> Vec<(u8, Entry)> {
    let mut fits = Vec::new();
    for (number, entry) in clash::exact_entries(settings) {
        if number == dialled {
            fits.push((u8::from(!matches!(entry, Entry::Emergency(_))), entry));
        }
    }
    for (i, range) in settings.line_ranges.iter().enumerate() {
        if (range.first..=range.last).any(|n| format!("{}{n:0width$}", range.prefix, width = range.width) == dialled) {
            fits.push((1, Entry::Range(i)));
        }
    }
    for (i, code) in settings.codes.iter().enumerate() {
        if code.argument.may_be_present() && dialled.len() > code.code.len() && dialled.starts_with(&code.code) {
            fits.push((2, Entry::Code(i)));
        }
    }
    for (i, trunk) in settings.trunks.iter().enumerate() {
        if trunk.prefix.as_deref().is_some_and(|prefix| dialled.starts_with(prefix)) {
            fits.push((3, Entry::Trunk(i)));
        }
    }
    fits
}

fn dice_number(dice: &mut ChaCha8Rng) -> String {
    let length = 1 + dice.next_u32() % 3;
    (0..length).map(|_| ['1', '2', '*'][dice.next_u32() as usize % 3]).collect()
}

fn dice_settings(dice: &mut ChaCha8Rng) -> Settings {
    let mut drawn = settings();
    for _ in 0..1 + dice.next_u32() % 4 {
        let number = dice_number(dice);
        match dice.next_u32() % 6 {
            0 => drawn.lines.push(line(&number)),
            1 => drawn.line_ranges.push(range("", 11, 11 + u64::from(dice.next_u32() % 12), 2)),
            2 => drawn.lots.push(lot(&number, &[&dice_number(dice)])),
            3 => drawn.trunks.push(trunk(&number, 0)),
            4 => drawn.codes.push(code(&number, Argument::Optional, Operation::Park)),
            _ => drawn.codes.push(code(&number, Argument::Required, Operation::Park)),
        }
    }
    if !drawn.trunks.is_empty() && dice.next_u32().is_multiple_of(2) {
        drawn.emergency.push(dice_number(dice));
        drawn.emergency_trunk = Some(0);
    }
    drawn
}

fn entry_of(plan: &Plan, settings: &Settings, dialled: &str) -> Option<Entry> {
    Some(match plan.resolve(dialled) {
        Target::Line(LineNo(n)) if (n as usize) < settings.lines.len() => Entry::Line(n as usize),
        Target::Line(_) => Entry::Range(plan.ranges.find(dialled)?.0),
        Target::Trunk { trunk, .. } => Entry::Trunk(trunk),
        Target::Lot(lot) => Entry::Lot(lot),
        Target::Orbit { lot, orbit } => Entry::Orbit { lot, orbit },
        Target::Code { code, .. } => Entry::Code(code),
        Target::Emergency { .. } => Entry::Emergency(0),
        Target::Nothing => return None,
    })
}

/// How much of a string an entry fixes: the longest of equal rank wins.
fn fixed(settings: &Settings, entry: Entry) -> usize {
    match entry {
        Entry::Code(code) => settings.codes[code].code.len(),
        Entry::Trunk(trunk) => settings.trunks[trunk].prefix.as_ref().map_or(0, String::len),
        Entry::Line(_) | Entry::Range(_) | Entry::Lot(_) | Entry::Orbit { .. } | Entry::Emergency(_) => usize::MAX,
    }
}

/// Small plans over a small alphabet, and every string that could matter: what fits two entries was reported, and what
/// was not refused is resolved by rank and length.
#[test]
fn no_string_fits_two_entries_unnoticed() {
    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let mut strings = vec![String::new()];
    for length in 0..4 {
        let longer: Vec<String> = strings.iter().filter(|s| s.len() == length).cloned().collect();
        strings.extend(longer.iter().flat_map(|s| ['1', '2', '*'].map(|c| format!("{s}{c}"))));
    }
    let (mut refused, mut taken) = (0, 0);
    for _ in 0..3_000 {
        let drawn = dice_settings(&mut dice);
        let (plan, clashes) = Plan::new(&drawn);
        let is_refused = clashes.iter().any(|clash| clash.kind == ClashKind::Same);
        refused += usize::from(is_refused);
        for string in &strings {
            let mut fits = fitting(&drawn, string);
            fits.sort_by_key(|&(rank, entry)| (rank, std::cmp::Reverse(fixed(&drawn, entry))));
            if let [(rank, best), (next_rank, next), ..] = fits[..] {
                let meant_to_win = matches!(best, Entry::Emergency(_)) && next_rank > 1;
                let named = |entry| clashes.iter().any(|clash| clash.first == entry || clash.second == entry);
                let equal = rank == next_rank && fixed(&drawn, best) == fixed(&drawn, next);
                assert!(meant_to_win || !equal || is_refused, "{string}: {fits:?} in {drawn:?}");
                assert!(meant_to_win || named(best) || named(next), "{string}: {fits:?} in {drawn:?}");
                taken += 1;
            }
            if !is_refused {
                let best = fits.first().map(|&(_, entry)| entry);
                assert_eq!(entry_of(&plan, &drawn, string), best, "{string} in {drawn:?}");
            }
        }
    }
    assert!(refused > 100 && taken > 1_000, "the dice are too kind: {refused} refused, {taken} strings fit two");
}
