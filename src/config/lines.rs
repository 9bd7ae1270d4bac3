//! Who can be reached: lines, ranges of lines, trunks.
use super::Places;
use super::music::Names;
use super::problem::Problem;
use super::section::{Placed, Section, Value};
use super::value::{self, NumberRange};
use std::path::Path;
use switchyard_engine::base::limits;
use switchyard_engine::settings::{Algorithm, LineRange, LineSettings, MediaWay, Secret, Transport, TrunkSettings};

type Named<'t> = Vec<(Placed<String>, Section<'t>)>;

/// `[lines.*]`
pub(super) fn lines(
    sections: Named<'_>,
    directory: &Path,
    music: &mut Names,
    places: &mut Places,
) -> Vec<LineSettings> {
    let mut lines = Vec::new();
    for (number, mut section) in sections {
        if let Err(what) = value::dialable(&number.value) {
            section.log.error(&number.place, what);
        }
        let trusted = section.get("trusted_address", value::list(value::trusted)).unwrap_or_default();
        let secret = secret(&mut section, directory);
        if secret.is_none() && trusted.is_empty() {
            let problem = Problem::error(&number.place, format!("line {} cannot prove itself", number.value));
            section.log.note(problem.hint("give it a `password`, `ha1`, `password_file` or `trusted_address`"));
        }
        let digest = section.get("digest", |value| digest(value, secret.as_ref()));
        lines.push(LineSettings {
            name: section.get("name", value::name).unwrap_or_else(|| number.value.clone()),
            number: number.value,
            secret: secret.unwrap_or(Secret::None),
            groups: section.get("groups", value::list(value::name)).unwrap_or_default(),
            trusted,
            contact: section.get("contact", value::contact),
            max_contacts: section.get("max_contacts", value::count(1..=limits::FORKS)),
            busy_limit: section.get("busy_limit", value::count(1..=100_000)),
            music: section.placed("music", value::text).map(|name| music.number(name)),
            digest,
            incall_features: section.get("incall_features", value::switch).unwrap_or(false),
            callbacks: super::callback::rights(&mut section),
            media: section.get("media", value::media_way),
            dtmf: section.get("dtmf", value::dtmf).unwrap_or_default(),
            profile: super::forward::profile(&mut section, &mut places.forwards),
        });
        places.lines.push(number.place);
        section.finish();
    }
    lines
}

/// `[line_ranges.*]`
pub(super) fn ranges(sections: Named<'_>, directory: &Path, music: &mut Names, places: &mut Places) -> Vec<LineRange> {
    let mut ranges = Vec::new();
    for (name, mut section) in sections {
        let numbers = section.required("numbers", range);
        let secret = password(&mut section, directory).map(Secret::Password);
        let groups = section.get("groups", value::list(value::name)).unwrap_or_default();
        let music = section.placed("music", value::text).map(|name| music.number(name));
        let incall_features = section.get("incall_features", value::switch).unwrap_or(false);
        let callbacks = super::callback::rights(&mut section);
        let media = section.get("media", value::media_way);
        let dtmf = section.get("dtmf", value::dtmf).unwrap_or_default();
        if secret.is_none() {
            section.log.error(&name.place, format!("range `{}` needs a `password` or a `password_file`", name.value));
        }
        section.finish();
        if let Some(Placed { value: NumberRange { prefix, first, last, width }, place }) = numbers {
            let secret = secret.unwrap_or(Secret::None);
            ranges.push(LineRange {
                prefix,
                first,
                last,
                width,
                secret,
                groups,
                music,
                incall_features,
                callbacks,
                media,
                dtmf,
            });
            places.ranges.push(Placed { value: name.value, place });
        }
    }
    ranges
}

/// `[trunks.*]`
pub(super) fn trunks(sections: Named<'_>, places: &mut Places) -> Vec<TrunkSettings> {
    let mut trunks = Vec::new();
    for (name, mut section) in sections {
        let address = section.required("address", value::address);
        let prefix = section.placed("prefix", value::number);
        trunks.push(TrunkSettings {
            transport: section.get("transport", super::basics::transport).unwrap_or(Transport::Udp),
            address: address.map_or_else(|| ([127, 0, 0, 1], 5060).into(), |address| address.value),
            trusted: section.get("trusted_address", value::list(value::trusted)).unwrap_or_default(),
            prefix: prefix.as_ref().map(|prefix| prefix.value.clone()),
            strip: section.get("strip", value::count(0..=64)).unwrap_or(0),
            media: section.get("media", value::media_way).unwrap_or(MediaWay::Direct),
            dtmf: section.get("dtmf", value::dtmf).unwrap_or_default(),
            name: name.value,
        });
        places.trunks.push(prefix.map_or(name.place, |prefix| prefix.place));
        section.finish();
    }
    trunks
}

fn range(value: Value<'_>) -> Option<NumberRange> {
    let text = value::text(value)?;
    match value::number_range(&text) {
        Some(Ok(range)) => Some(range),
        Some(Err(what)) => value.wrong(what),
        None => value.wrong(format!("\"{text}\" is not a range such as \"200000-299999\"")),
    }
}

/// The one of `password`, `password_file` and `ha1` that is given.
fn secret(section: &mut Section<'_>, directory: &Path) -> Option<Secret> {
    let ha1 = section.placed("ha1", ha1);
    let password = password(section, directory);
    match (password, ha1) {
        (Some(_), Some(ha1)) => {
            section.log.error(&ha1.place, "`ha1` beside a password: one of them is enough");
            None
        }
        (Some(password), None) => Some(Secret::Password(password)),
        (None, Some(ha1)) => Some(Secret::Ha1(ha1.value)),
        (None, None) => None,
    }
}

fn password(section: &mut Section<'_>, directory: &Path) -> Option<String> {
    let inline = section.get("password", filled);
    let file = section.placed("password_file", |value| password_file(value, directory));
    if let (Some(_), Some(file)) = (&inline, &file) {
        section.log.error(&file.place, "`password_file` beside `password`: one of them is enough");
    }
    inline.or(file.map(|file| file.value))
}

fn filled(value: Value<'_>) -> Option<String> {
    let text = value::text(value)?;
    if text.is_empty() { value.wrong("a password must not be empty") } else { Some(text) }
}

fn password_file(value: Value<'_>, directory: &Path) -> Option<String> {
    let path = directory.join(value::text(value)?);
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim_end().is_empty() => value.wrong(format!("{} is empty", path.display())),
        Ok(text) => Some(text.trim_end().to_owned()),
        Err(error) => value.wrong(format!("{} cannot be read: {error}", path.display())),
    }
}

fn ha1(value: Value<'_>) -> Option<String> {
    let text = value::text(value)?;
    if matches!(text.len(), 32 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some(text.to_ascii_lowercase());
    }
    value.wrong("expected 32 (MD5) or 64 (SHA-256) hexadecimal digits")
}

/// A line's own algorithms; one that its secret cannot serve is an error.
fn digest(value: Value<'_>, secret: Option<&Secret>) -> Option<Vec<Algorithm>> {
    let algorithms = value::algorithms(value)?;
    let served = match secret {
        Some(Secret::Ha1(ha1)) if ha1.len() == 32 => Some(Algorithm::Md5),
        Some(Secret::Ha1(_)) => Some(Algorithm::Sha256),
        Some(Secret::Password(_) | Secret::None) | None => None,
    };
    match served {
        Some(served) if algorithms != [served] => {
            value.wrong(format!("the `ha1` given serves {} alone", served.as_str()))
        }
        _ => Some(algorithms),
    }
}
