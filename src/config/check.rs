//! Whether the parts of a configuration fit: numbers that clash, references that lead nowhere.
use super::Places;
use super::lots::References;
use super::problem::{Place, Problem};
use super::section::{Log, Placed};
use std::collections::HashMap;
use std::net::SocketAddr;
use switchyard_engine::base::limits::LINES;
use switchyard_engine::feature::numbers::{Clash, ClashKind, Entry, Plan, Target};
use switchyard_engine::settings::{Fallback, Listener, Settings, Transport};
use switchyard_engine::wire::Uri;

/// Looks up every reference, and notes what does not fit.
pub(super) fn all(
    mut settings: Settings,
    lots: Vec<References>,
    emergency_trunk: Option<Placed<String>>,
    places: &Places,
    log: &Log,
) -> Settings {
    if let Some(name) = emergency_trunk {
        let trunks = settings.trunks.iter().map(|trunk| trunk.name.as_str());
        settings.emergency_trunk = named("trunk", &name, trunks, log);
    }
    for (lot, references) in lots.iter().enumerate() {
        let Some(name) = &references.overflow else { continue };
        let overflow = named("lot", name, settings.lots.iter().map(|lot| lot.name.as_str()), log);
        if overflow == Some(lot) {
            log.error(&name.place, "a lot cannot overflow into itself");
        }
        settings.lots[lot].overflow = overflow;
    }
    for references in &lots {
        groups(&settings, &references.groups, log);
    }
    trusted_addresses(&settings, places, log);
    ways(&settings, places, log);
    let (plan, clashes) = Plan::new(&settings);
    if plan.line_count() > LINES
        && let Some(last) = places.ranges.last()
    {
        log.error(&last.place, format!("too many lines: {} of at most {LINES}", plan.line_count()));
    }
    for clash in &clashes {
        log.note(told(clash, &settings, places));
    }
    for references in &lots {
        destinations(references, &plan, log);
    }
    for forward in &places.forwards {
        destination(&forward.place, &forward.value, &plan, log);
    }
    settings
}

/// The place of a name in a list.
fn named<'a>(
    kind: &str,
    name: &Placed<String>,
    known: impl Iterator<Item = &'a str> + Clone,
    log: &Log,
) -> Option<usize> {
    let place = known.clone().position(|known| known == name.value);
    if place.is_none() {
        let problem = Problem::error(&name.place, format!("there is no {kind} `{}`", name.value));
        log.note(problem.did_you_mean(&name.value, known));
    }
    place
}

/// A group is there if a line is a member.
pub(super) fn groups(settings: &Settings, named: &[Placed<String>], log: &Log) {
    let of_lines = settings.lines.iter().map(|line| &line.groups);
    let of_ranges = settings.line_ranges.iter().map(|range| &range.groups);
    let mut known: Vec<&str> = of_lines.chain(of_ranges).flatten().map(String::as_str).collect();
    known.sort_unstable();
    known.dedup();
    for group in named {
        if !known.contains(&group.value.as_str()) {
            let problem = Problem::error(&group.place, format!("no line is a member of group `{}`", group.value));
            log.note(problem.did_you_mean(&group.value, known.iter().copied()));
        }
    }
}

/// What is called by TCP needs a listener that connections can go out from.
fn ways(settings: &Settings, places: &Places, log: &Log) {
    let trunks = settings.trunks.iter().zip(&places.trunks);
    let trunks = trunks.map(|(trunk, place)| (trunk.address, trunk.transport, place));
    let lines = settings.lines.iter().zip(&places.lines);
    let lines = lines.filter_map(|(line, place)| {
        let uri = Uri::parse(line.contact.as_ref()?.as_bytes()).ok()?;
        let transport = uri.param("transport").and_then(Transport::named)?;
        Some((SocketAddr::new(uri.ip()?, uri.port.unwrap_or(5060)), transport, place))
    });
    for (address, transport, place) in trunks.chain(lines) {
        let leads =
            |listener: &Listener| listener.transport == transport && listener.address.is_ipv4() == address.is_ipv4();
        if transport != Transport::Udp && !settings.listeners.iter().any(leads) {
            let (word, family) = (transport.as_str(), if address.is_ipv4() { "IPv4" } else { "IPv6" });
            let problem = Problem::error(place, format!("{address} is called by {word}, and nothing listens on that"));
            log.note(problem.hint(format!("add a [[listen]] with transport = \"{word}\" and an {family} address")));
        }
    }
}

/// One address can only stand for one line or trunk; but two trunks may lead to one peer, and its calls are the first one's.
fn trusted_addresses(settings: &Settings, places: &Places, log: &Log) {
    let lines = settings.lines.iter().zip(&places.lines);
    let lines = lines.map(|(line, place)| (format!("line {}", line.number), place, line.trusted.clone(), None));
    let trunks = settings.trunks.iter().zip(&places.trunks);
    let trunks = trunks
        .map(|(trunk, place)| (format!("trunk `{}`", trunk.name), place, trunk.trusted.clone(), Some(trunk.itself())));
    let mut seen: HashMap<_, (String, &Place, bool)> = HashMap::new();
    for (name, place, trusted, itself) in lines.chain(trunks) {
        let all = trusted.into_iter().map(|address| (address, false)).chain(itself.map(|address| (address, true)));
        for (address, implied) in all {
            let key = (address.address, address.prefix, address.port);
            if let Some((first, first_place, first_implied)) = seen.get(&key)
                && *first_place != place
                && !(implied && *first_implied)
            {
                let what = format!("{} is trusted as {first} and as {name}", address.address);
                log.note(Problem::error(place, what).other(first_place, first));
            }
            seen.entry(key).or_insert_with(|| (name.clone(), place, implied));
        }
    }
}

/// Alternates, exits and fallbacks must ring somebody.
fn destinations(references: &References, plan: &Plan, log: &Log) {
    let named = references.alternate.iter().chain(&references.exit);
    let named = named.map(|destination| (&destination.place, &destination.value));
    let fallbacks = references.fallbacks.iter().filter_map(|fallback| match &fallback.value {
        Fallback::Number(number) => Some((&fallback.place, number)),
        Fallback::Keep | Fallback::AnnounceDrop => None,
    });
    for (place, number) in named.chain(fallbacks) {
        if number.contains(':') {
            log.error(place, format!("\"{number}\" is not built yet: the number of a line is"));
        } else {
            destination(place, number, plan, log);
        }
    }
}

fn destination(place: &Place, number: &str, plan: &Plan, log: &Log) {
    if !matches!(plan.resolve(number), Target::Line(_) | Target::Trunk { .. }) {
        log.error(place, format!("{number} is neither a line nor behind a trunk"));
    }
}

fn told(clash: &Clash, settings: &Settings, places: &Places) -> Problem {
    let (first, first_place) = entry(clash.first, settings, places);
    let (second, second_place) = entry(clash.second, settings, places);
    let number = &clash.number;
    let what = match clash.kind {
        ClashKind::Same => format!("{number} is both {first} and {second}"),
        ClashKind::Takes => format!("{number} reaches {second}, although {first} covers it"),
        ClashKind::Hides => {
            format!("{number} ({second}) begins with {first}: phones that send digit by digit may never reach it")
        }
    };
    let problem = |place, what: String| match clash.kind {
        ClashKind::Same => Problem::error(place, what),
        ClashKind::Takes | ClashKind::Hides => Problem::warning(place, what),
    };
    // Codes stand in a profile that others wrote: what can be changed is the entry that met them.
    if matches!(clash.second, Entry::Code(_)) && !matches!(clash.first, Entry::Code(_)) {
        return problem(first_place, what).other(second_place, second);
    }
    problem(second_place, what).other(first_place, first)
}

fn entry<'a>(entry: Entry, settings: &Settings, places: &'a Places) -> (String, &'a Place) {
    match entry {
        Entry::Line(i) => (format!("line {}", settings.lines[i].number), &places.lines[i]),
        Entry::Range(i) => (format!("a line of range `{}`", places.ranges[i].value), &places.ranges[i].place),
        Entry::Lot(i) => (format!("the number of lot `{}`", settings.lots[i].name), &places.lots[i]),
        Entry::Orbit { lot, .. } => (format!("an orbit of lot `{}`", settings.lots[lot].name), &places.orbits[lot]),
        Entry::Code(i) => (format!("code `{}`", settings.codes[i].name), &places.codes[i]),
        Entry::Trunk(i) => (format!("trunk `{}`", settings.trunks[i].name), &places.trunks[i]),
        Entry::Emergency(i) => ("an emergency number".to_owned(), &places.emergency[i]),
    }
}
