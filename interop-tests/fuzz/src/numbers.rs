//! Number plans out of nothing, and what is dialled into them, against a reference that looks at every entry in turn.
use switchyard_engine::feature::numbers::{ClashKind, Plan, Target};
use switchyard_engine::settings::{
    Argument, CallbackRights, CodeSettings, Dtmf, LineNo, LineRange, LineSettings, LotSettings, MediaWay, Operation,
    Secret, Settings, TrunkSettings,
};

/// Entries, then dialled strings: a byte for the kind, and digits up to the next line end each.
pub fn numbers(bytes: &[u8]) {
    let mut settings = empty();
    let mut dialled = Vec::new();
    for line in bytes.split(|&byte| byte == b'\n').take(40) {
        let Some((&kind, rest)) = line.split_first() else { continue };
        let Ok(text) = std::str::from_utf8(rest) else { continue };
        let text: String = text.chars().take(20).collect();
        if kind == b'?' {
            dialled.push(text);
        } else if !text.is_empty() {
            add(&mut settings, kind, text);
        }
    }
    let (plan, clashes) = Plan::new(&settings);
    let reference = Reference::new(&settings);
    let disputed = clashes.iter().any(|clash| clash.kind == ClashKind::Same);
    assert_eq!(disputed, reference.is_disputed(), "{settings:?}\n{clashes:?}");
    for clash in &clashes {
        assert!(clash.first != clash.second && !clash.number.is_empty(), "{clash:?}");
    }
    // Everything there is is dialled as well, alone and with something behind it.
    let known: Vec<String> = reference.exact.iter().map(|(number, _)| (*number).to_owned()).collect();
    let more = known.iter().chain(&dialled).map(|number| format!("{number}7"));
    for number in known.iter().chain(&dialled).cloned().chain(more) {
        let found = plan.resolve(&number);
        if !disputed {
            assert_eq!(found, reference.resolve(&number), "{number} in {settings:?}");
        }
        if let Target::Line(line) = found {
            assert_eq!(plan.line_number(line).as_deref(), Some(&*number), "a line is known by what was dialled");
        }
    }
}

fn add(settings: &mut Settings, kind: u8, text: String) {
    let code = |code: String, argument| {
        let operation = if code.len().is_multiple_of(2) { Operation::Park } else { Operation::Retrieve };
        CodeSettings { name: code.clone(), code, argument, operation }
    };
    match kind {
        b'l' => settings.lines.push(line(text)),
        b'n' => settings.codes.push(code(text, Argument::None)),
        b'o' => settings.codes.push(code(text, Argument::Optional)),
        b'r' => settings.codes.push(code(text, Argument::Required)),
        b'e' => settings.emergency.push(text),
        b't' => settings.trunks.push(trunk(text)),
        // A lot's own number, then its orbits.
        b'p' => {
            let mut numbers = text.split(' ').filter(|number| !number.is_empty()).map(str::to_owned);
            if let Some(number) = numbers.next() {
                settings.lots.push(lot(number, numbers.collect()));
            }
        }
        // First and last, of one width.
        b'R' => {
            let letters: String = text.chars().take_while(|char| !char.is_ascii_digit()).collect();
            let digits = text[letters.len()..].split_once('-');
            let Some((first, last)) = digits.filter(|(first, last)| first.len() == last.len()) else { return };
            if let (Ok(low), Ok(high)) = (first.parse(), last.parse())
                && first.bytes().chain(last.bytes()).all(|byte| byte.is_ascii_digit())
                && low <= high
                && high - low < 1000
            {
                let (prefix, width) = (letters, first.len());
                let (secret, groups) = (Secret::None, Vec::new());
                settings.line_ranges.push(LineRange {
                    prefix,
                    first: low,
                    last: high,
                    width,
                    secret,
                    groups,
                    music: None,
                    incall_features: false,
                    callbacks: CallbackRights::default(),
                    media: None,
                    dtmf: Dtmf::Auto,
                });
            }
        }
        _ => {}
    }
}

/// What a number is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Emergency,
    Line(u32),
    Lot(usize),
    Orbit(usize, usize),
    Code(usize),
}

/// The same plan without an index.
struct Reference<'s> {
    settings: &'s Settings,
    exact: Vec<(&'s str, Claim)>,
    /// All numbers of all ranges, and their lines.
    ranged: Vec<(String, u32)>,
}

impl<'s> Reference<'s> {
    fn new(settings: &'s Settings) -> Self {
        let mut exact = Vec::new();
        exact.extend(settings.emergency.iter().map(|number| (number.as_str(), Claim::Emergency)));
        exact.extend(settings.lines.iter().zip(0..).map(|(line, no)| (line.number.as_str(), Claim::Line(no))));
        for (lot, lot_settings) in settings.lots.iter().enumerate() {
            exact.push((&lot_settings.number, Claim::Lot(lot)));
            let orbits = lot_settings.orbits.iter().enumerate();
            exact.extend(orbits.map(|(orbit, it)| (it.number.as_str(), Claim::Orbit(lot, orbit))));
        }
        let whole = settings.codes.iter().enumerate().filter(|(_, code)| code.argument != Argument::Required);
        exact.extend(whole.map(|(no, code)| (code.code.as_str(), Claim::Code(no))));
        let mut ranged = Vec::new();
        for range in &settings.line_ranges {
            for value in range.first..=range.last {
                let line = (1 << 24) + ranged.len() as u32;
                ranged.push((format!("{}{value:0width$}", range.prefix, width = range.width), line));
            }
        }
        Self { settings, exact, ranged }
    }

    /// Whether any number has two owners of one rank.
    fn is_disputed(&self) -> bool {
        let mut whole: Vec<&str> = self.exact.iter().map(|(number, _)| *number).collect();
        whole.extend(self.ranged.iter().map(|(number, _)| number.as_str()));
        let literals = self.literals().map(|(_, literal)| literal).collect();
        let prefixes = self.settings.trunks.iter().filter_map(|trunk| trunk.prefix.as_deref()).collect();
        [whole, literals, prefixes].into_iter().any(|mut all| {
            all.sort_unstable();
            all.windows(2).any(|pair| pair[0] == pair[1])
        })
    }

    fn literals(&self) -> impl Iterator<Item = (usize, &'s str)> {
        let codes = self.settings.codes.iter().enumerate().filter(|(_, code)| code.argument != Argument::None);
        codes.map(|(no, code)| (no, code.code.as_str()))
    }

    fn resolve(&self, dialled: &str) -> Target {
        let code = |code: usize, argument: &str| {
            let operation = self.settings.codes[code].operation;
            switchyard_engine::base::text::Number::from(argument).map_or(Target::Nothing, |argument| Target::Code {
                code,
                operation,
                argument,
            })
        };
        if let Some((_, claim)) = self.exact.iter().find(|(number, _)| *number == dialled) {
            return match *claim {
                Claim::Emergency => Target::Emergency { trunk: 0 },
                Claim::Line(line) => Target::Line(LineNo(line)),
                Claim::Lot(lot) => Target::Lot(lot),
                Claim::Orbit(lot, orbit) => Target::Orbit { lot, orbit },
                Claim::Code(no) => code(no, ""),
            };
        }
        if let Some((_, line)) = self.ranged.iter().find(|(number, _)| number == dialled) {
            return Target::Line(LineNo(*line));
        }
        let begins = |beginning: &str| dialled.len() > beginning.len() && dialled.starts_with(beginning);
        let literal = self.literals().filter(|(_, literal)| begins(literal)).max_by_key(|(_, literal)| literal.len());
        if let Some((no, literal)) = literal {
            return code(no, &dialled[literal.len()..]);
        }
        let trunks = self.settings.trunks.iter().enumerate();
        let fits = trunks.filter(|(_, trunk)| {
            let left = dialled.chars().count() > trunk.strip;
            trunk.prefix.as_deref().is_some_and(|prefix| dialled.starts_with(prefix) && left)
        });
        let longest = fits.max_by_key(|(_, trunk)| trunk.prefix.as_deref().map_or(0, str::len));
        longest.map_or(Target::Nothing, |(no, trunk)| Target::Trunk { trunk: no, strip: trunk.strip })
    }
}

fn empty() -> Settings {
    Settings { emergency_trunk: Some(0), ..Settings::new("pbx.test") }
}

fn line(number: String) -> LineSettings {
    LineSettings {
        number,
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

fn trunk(prefix: String) -> TrunkSettings {
    let strip = prefix.len() % 3;
    let (address, trusted) = (([192, 0, 2, 1], 5060).into(), Vec::new());
    TrunkSettings {
        name: prefix.clone(),
        address,
        transport: switchyard_engine::settings::Transport::Udp,
        trusted,
        prefix: Some(prefix),
        strip,
        media: MediaWay::Direct,
        dtmf: Dtmf::Auto,
    }
}

fn lot(number: String, orbits: Vec<String>) -> LotSettings {
    LotSettings::new(&number, &number, orbits)
}
