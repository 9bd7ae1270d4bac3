//! The office that most stories play in: a few people with phones, a carrier, two park lots.
use super::network::Weather;
use super::world::{Who, World, address};
use crate::settings::*;
use std::time::Duration;

pub(super) const ALICE: Who = Who(0);
pub(super) const BOB: Who = Who(1);
pub(super) const CAROL: Who = Who(2);
pub(super) const DAVE: Who = Who(3);
/// Bob's second phone; not on the desk from the start.
pub(super) const CARRIER: Who = Who(4);

/// The people of the office: number, name, groups.
const PEOPLE: [(&str, &str, &str); 4] =
    [("1001", "Alice", "staff"), ("1002", "Bob", "staff"), ("1003", "Carol", "staff"), ("1004", "Dave", "guests")];

pub(super) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(super) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The settings of the office; stories change what they are about.
pub(super) fn settings() -> Settings {
    let line = |number: &str, name: &str, group: &str| LineSettings {
        number: number.into(),
        name: name.into(),
        secret: Secret::Password(format!("secret-{number}")),
        groups: vec![group.into()],
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
    };
    Settings {
        listeners: vec![Listener {
            transport: Transport::Udp,
            address: address(super::world::SERVER),
            advertise: None,
            prefix: None,
        }],
        lines: PEOPLE.map(|(number, name, group)| line(number, name, group)).into(),
        line_ranges: vec![LineRange {
            prefix: String::new(),
            first: 2000,
            last: 2099,
            width: 4,
            secret: Secret::Password("many".into()),
            groups: vec!["staff".into()],
            music: None,
            incall_features: false,
            callbacks: CallbackRights::default(),
            media: None,
            dtmf: Dtmf::Auto,
        }],
        trunks: vec![TrunkSettings {
            name: "carrier".into(),
            address: address("10.0.9.1:5060"),
            transport: Transport::Udp,
            trusted: Vec::new(),
            prefix: Some("8".into()),
            strip: 1,
            media: MediaWay::Direct,
            dtmf: Dtmf::Auto,
        }],
        lots: vec![lot("main", "700", 701..=705), lot("back", "710", 711..=712)],
        codes: vec![
            code("park", "*68", Argument::Optional, Operation::Park),
            code("retrieve", "*88", Argument::Optional, Operation::Retrieve),
            code("night_mode", "*28", Argument::None, Operation::NightMode),
            code("echo_test", "*43", Argument::None, Operation::EchoTest),
            code("say_number", "*65", Argument::None, Operation::SayNumber),
        ],
        emergency: vec!["112".into()],
        emergency_trunk: Some(0),
        media: MediaSettings {
            address: None,
            ports: 30_000..=30_199,
            codecs: Codec::USUAL.to_vec(),
            lines: MediaWay::Auto,
            hold_music: false,
            rtp_timeout_hold: Duration::from_secs(600),
        },
        seed: [7; 32],
        ..Settings::new("pbx.test")
    }
}

fn code(name: &str, code: &str, argument: Argument, operation: Operation) -> CodeSettings {
    CodeSettings { name: name.into(), code: code.into(), argument, operation }
}

/// The codes of pickup.
pub(super) fn with_pickup(settings: &mut Settings) {
    settings.codes.push(code("pickup_group", "*8", Argument::None, Operation::PickupGroup));
    settings.codes.push(code("pickup_directed", "**", Argument::Required, Operation::PickupDirected));
}

/// The codes by which people choose what becomes of their calls.
pub(super) fn with_choices(settings: &mut Settings) {
    use Argument::{None, Optional, Required};
    let codes = [
        ("*59", Optional, Operation::Pull),
        ("*72", Required, Operation::ForwardAll),
        ("*73", None, Operation::ForwardAllOff),
        ("*90", Required, Operation::ForwardBusy),
        ("*91", None, Operation::ForwardBusyOff),
        ("*92", Required, Operation::ForwardNoAnswer),
        ("*93", None, Operation::ForwardNoAnswerOff),
        ("*94", Required, Operation::ForwardUnregistered),
        ("*95", None, Operation::ForwardUnregisteredOff),
        ("*78", None, Operation::DoNotDisturbOn),
        ("*79", None, Operation::DoNotDisturbOff),
        ("*76", None, Operation::DoNotDisturbToggle),
        ("*70", None, Operation::NoCallWaiting),
        ("*67", Required, Operation::HideNumber),
        ("*82", Required, Operation::ShowNumber),
        ("*69", None, Operation::CallBackLast),
        ("*870", None, Operation::Redial),
    ];
    settings
        .codes
        .extend(codes.map(|(literal, argument, operation)| code(operation.as_str(), literal, argument, operation)));
}

/// An office where people choose what becomes of their calls, with other settings.
pub(super) fn office_with_choices(change: impl FnOnce(&mut Settings)) -> World {
    office_with(|settings| {
        with_choices(settings);
        change(settings);
    })
}

/// An office where calls can be picked up, with other settings.
pub(super) fn office_with_pickup(change: impl FnOnce(&mut Settings)) -> World {
    office_with(|settings| {
        with_pickup(settings);
        change(settings);
    })
}

/// The codes of callbacks.
pub(super) fn with_callbacks(settings: &mut Settings) {
    settings.codes.push(code("callback_request", "*66", Argument::None, Operation::CallbackRequest));
    settings.codes.push(code("callback_cancel", "*86", Argument::None, Operation::CallbackCancel));
}

/// An office where one is called back, with other settings.
pub(super) fn office_with_callbacks(change: impl FnOnce(&mut Settings)) -> World {
    office_with(|settings| {
        with_callbacks(settings);
        change(settings);
    })
}

/// A lot where nothing is said: most stories are about something else.
fn lot(name: &str, number: &str, orbits: std::ops::RangeInclusive<u32>) -> LotSettings {
    let orbits = orbits.map(|orbit| orbit.to_string());
    LotSettings {
        pick: Pick::Lowest,
        cooldown: Duration::ZERO,
        announce_to: AnnounceTo::Nobody,
        announce_refusals: false,
        ..LotSettings::new(name, number, orbits)
    }
}

/// The lots say what they say unless told otherwise.
pub(super) fn aloud(settings: &mut Settings) {
    for lot in &mut settings.lots {
        (lot.announce_to, lot.announce_refusals) = (AnnounceTo::Parker, true);
    }
}

/// An office on a calm day: everybody is registered.
pub(super) fn office() -> World {
    office_with(|_| {})
}

/// The same with other settings.
pub(super) fn office_with(change: impl FnOnce(&mut Settings)) -> World {
    let mut settings = settings();
    change(&mut settings);
    open(settings, 1)
}

/// An office that listens for connections too, and where these phones have one.
pub(super) fn office_over_tcp(streams: &[Who]) -> World {
    office_over_tcp_with(streams, |_| {})
}

/// The same with other settings.
pub(super) fn office_over_tcp_with(streams: &[Who], change: impl FnOnce(&mut Settings)) -> World {
    let mut settings = settings();
    let listener = Listener { transport: Transport::Tcp, ..settings.listeners[0].clone() };
    settings.listeners.push(listener);
    change(&mut settings);
    open_so(settings, 1, streams)
}

/// An office in this weather, whose chances are those of this seed.
pub(super) fn rough_office(seed: u64) -> World {
    rough_office_with(seed, |_| {})
}

/// The same with other settings.
pub(super) fn rough_office_with(seed: u64, change: impl FnOnce(&mut Settings)) -> World {
    let mut settings = settings();
    change(&mut settings);
    settings.seed = [seed as u8; 32];
    let mut world = open(settings, seed);
    world.network.weather = Weather::ROUGH;
    world
}

fn open(settings: Settings, seed: u64) -> World {
    open_so(settings, seed, &[])
}

fn open_so(settings: Settings, seed: u64, streams: &[Who]) -> World {
    let mut world = World::new(settings, seed);
    for (place, (number, name, _)) in PEOPLE.into_iter().enumerate() {
        let who = world.add(number, name, &format!("10.0.1.{}:5060", place + 1));
        if streams.contains(&who) {
            (world.phones[place].stream, world.phones[place].listens) = (true, true);
        }
        world.with(who, |phone| phone.register());
    }
    let carrier = world.add("4930123", "Carrier", "10.0.9.1:5060");
    assert_eq!(carrier, CARRIER);
    let carrier = &mut world.phones[carrier.0];
    (carrier.stream, carrier.listens) = (streams.contains(&CARRIER), streams.contains(&CARRIER));
    world.settles();
    assert!(world.phones[..4].iter().all(|phone| phone.registered), "everybody is registered");
    world.ladder.clear();
    world
}
