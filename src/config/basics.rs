//! The sections that every deployment has: server, listen, http, registrar, media, numbers.
use super::Places;
use super::language;
use super::music;
use super::problem::{Place, Problem};
use super::section::{Placed, Section, Value};
use super::value::{self, Zero, duration};
use std::net::SocketAddr;
use std::time::Duration;
use switchyard_engine::base::limits;
use switchyard_engine::settings::{Algorithm, Codec, Listener, MediaSettings, MediaWay, RegistrarSettings, Transport};

/// What they say.
pub(super) struct Basics {
    pub(super) domain: String,
    pub(super) data: String,
    pub(super) demo: bool,
    pub(super) feature_codes: Placed<String>,
    pub(super) digest: Vec<Algorithm>,
    pub(super) no_answer: Duration,
    pub(super) key_timeout: Duration,
    pub(super) session_expires: Duration,
    pub(super) listeners: Vec<Listener>,
    pub(super) http: SocketAddr,
    pub(super) registrar: RegistrarSettings,
    pub(super) media: MediaSettings,
    pub(super) music: music::Names,
    pub(super) language: Placed<String>,
}

impl Basics {
    pub(super) fn read(root: &mut Section<'_>) -> Self {
        let mut server = root.section("server");
        let (media, music, language) = media(root.section("media"));
        let default_codes = Placed { value: "standard".to_owned(), place: server.place.clone() };
        let basics = Self {
            domain: server.get("domain", domain).unwrap_or_else(|| "pbx.test".into()),
            data: server.get("data", value::text).unwrap_or_else(|| "data".into()),
            demo: server.get("demo", value::switch).unwrap_or(false),
            feature_codes: server.placed("feature_codes", value::text).unwrap_or(default_codes),
            digest: server.get("digest", value::algorithms).unwrap_or_else(|| vec![Algorithm::Md5]),
            no_answer: server.get("no_answer", duration(Zero::Refused)).unwrap_or(Duration::from_secs(60)),
            key_timeout: server
                .get("key_timeout", value::duration_to(Zero::Refused, 10))
                .unwrap_or(Duration::from_secs(1)),
            session_expires: server
                .get("session_expires", value::session_interval)
                .unwrap_or(Duration::from_secs(1800)),
            listeners: listeners(root.array("listen")),
            http: http(root.section("http")),
            registrar: registrar(root.section("registrar")),
            media,
            music: music::Names::new(music),
            language,
        };
        server.finish();
        basics
    }
}

/// A host name or address, as it stands in addresses of record.
fn domain(value: Value<'_>) -> Option<String> {
    let text = value::text(value)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if text.is_empty() || !text.chars().all(fits) {
        return value.wrong(format!("\"{text}\" is not a domain name"));
    }
    Some(text)
}

fn listeners(sections: Vec<Section<'_>>) -> Vec<Listener> {
    let mut listeners: Vec<(Listener, Place)> = Vec::new();
    for mut section in sections {
        let transport = section.get("transport", transport).unwrap_or(Transport::Udp);
        let address = section.required("address", value::address);
        let advertise = section.get("advertise", value::address);
        let log = section.log;
        section.finish();
        let Some(Placed { value: address, place }) = address else { continue };
        let again = |listener: &Listener| listener.address == address && listener.transport == transport;
        let same = listeners.iter().find(|(listener, _)| again(listener) && address.port() != 0);
        if let Some((_, first)) = same {
            log.note(Problem::error(&place, format!("{address} is listened on twice")).other(first, "here first"));
        }
        listeners.push((Listener { transport, address, advertise, prefix: None }, place));
    }
    if listeners.is_empty() {
        let address = SocketAddr::from(([127, 0, 0, 1], 5060));
        return vec![Listener { transport: Transport::Udp, address, advertise: None, prefix: None }];
    }
    listeners.into_iter().map(|(listener, _)| listener).collect()
}

pub(super) fn transport(value: Value<'_>) -> Option<Transport> {
    let text = value::text(value)?;
    if let Some(transport) = Transport::ALL.iter().find(|transport| transport.as_str() == text) {
        return Some(*transport);
    }
    match text.as_str() {
        "tls" | "ws" | "wss" => {
            value.wrong(format!("transport \"{text}\" is not built yet, only \"udp\" and \"tcp\" are"))
        }
        _ => value.wrong(format!("\"{text}\" is no transport")),
    }
}

fn http(mut section: Section<'_>) -> SocketAddr {
    let address = section.get("address", value::address);
    section.finish();
    address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)))
}

fn registrar(mut section: Section<'_>) -> RegistrarSettings {
    let settings = RegistrarSettings {
        min_expires: section.get("min_expires", duration(Zero::Refused)).unwrap_or(Duration::from_secs(60)),
        max_expires: section.get("max_expires", duration(Zero::Refused)).unwrap_or(Duration::from_secs(3600)),
        keep_alive: section.get("keep_alive", duration(Zero::Never)).unwrap_or(Duration::from_secs(30)),
        max_contacts: section.get("max_contacts", value::count(1..=limits::FORKS)).unwrap_or(10),
    };
    if settings.min_expires > settings.max_expires {
        section.log.error(&section.place, "`min_expires` is longer than `max_expires`");
    }
    section.finish();
    settings
}

/// What the engine must know of media, and the names of the music and of the language.
fn media(mut section: Section<'_>) -> (MediaSettings, Placed<String>, Placed<String>) {
    let settings = MediaSettings {
        address: section.get("address", value::host),
        ports: section.get("ports", value::ports).unwrap_or(10_000..=19_999),
        codecs: Codec::USUAL.to_vec(),
        lines: section.get("lines", value::media_way).unwrap_or(MediaWay::Auto),
        hold_music: section.get("hold_music", value::switch).unwrap_or(true),
        rtp_timeout_hold: section.get("rtp_timeout_hold", duration(Zero::Never)).unwrap_or(Duration::from_secs(600)),
    };
    let place = section.place.clone();
    let default = |value: String| Placed { value, place: place.clone() };
    let (default_music, default_language) = (default(music::DEFAULT.into()), default(language::BUILT_IN.into()));
    let music = section.placed("music", value::text).unwrap_or(default_music);
    // Of a whole folder: its place is the section, said or not.
    let language = section.get("language", language::name).map_or(default_language, default);
    section.finish();
    (settings, music, language)
}

/// The section `numbers`.
pub(super) struct Numbers {
    pub(super) emergency: Vec<String>,
    pub(super) emergency_trunk: Option<Placed<String>>,
}

pub(super) fn numbers(mut section: Section<'_>, places: &mut Places) -> Numbers {
    let emergency = section.get("emergency", value::list(value::placed(value::number))).unwrap_or_default();
    let emergency_trunk = section.placed("emergency_trunk", value::text);
    if emergency_trunk.is_none()
        && let Some(first) = emergency.first()
    {
        let problem = Problem::error(&first.place, "emergency numbers need a trunk to go to");
        section.log.note(problem.hint("name it in `emergency_trunk`"));
    }
    section.finish();
    let (emergency, at) = emergency.into_iter().map(|number| (number.value, number.place)).unzip();
    places.emergency = at;
    Numbers { emergency, emergency_trunk }
}
