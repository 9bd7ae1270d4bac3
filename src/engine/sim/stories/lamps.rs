//! What lamps show: lines, orbits and lots (RFC 4235), and what can be done with it.
use super::office::*;
use super::park::parked;
use super::phone::{Dial, Stage, Subscribe};
use super::reload::reload;
use super::world::{End, Who, World};
use super::xml::{Light, Lights, Node};
use crate::settings::{LampState, Privacy, ReminderTarget, Settings};

/// The lamp's only call.
pub(super) fn light(office: &World, lamp: End) -> Light {
    let mut shows = office.lamp(lamp).shows();
    assert_eq!(shows.lights.len(), 1, "{shows:?}");
    shows.lights.remove(0)
}

pub(super) fn state(office: &World, lamp: End) -> String {
    light(office, lamp).state
}

/// Direction and states of the lamp's calls.
fn states(office: &World, lamp: End) -> Vec<(String, String)> {
    office.lamp(lamp).shows().lights.into_iter().map(|light| (light.direction, light.state)).collect()
}

/// `who` dials, and wants the place of the call that a lamp shows.
fn replaces(office: &mut World, who: Who, number: &str, light: &Light) -> End {
    office.dials_so(who, number, &Dial { lines: format!("Replaces: {}\r\n", light.replaces()), ..Dial::default() })
}

/// The user part of a target.
fn user(target: &str) -> String {
    target.strip_prefix("sip:").and_then(|rest| rest.split_once('@')).map_or("", |(user, _)| user).to_owned()
}

/// Empty, taken, empty again: always one node, and when it is over the same.
#[test]
fn an_orbit_from_empty_to_empty() {
    let mut office = office();
    let lamp = office.watches(CAROL, "701");
    assert_eq!(office.lamp(lamp).answered, Some((200, "OK".into())));
    let shows = office.lamp(lamp).shows();
    assert_eq!((shows.version, shows.entity.as_str()), (0, "sip:701@pbx.test"));
    let empty = light(&office, lamp);
    assert_eq!((empty.id.as_str(), empty.state.as_str()), ("701", "terminated"));
    office.passes(secs(2));
    let alice = parked(&mut office, "701");
    let stay = office.engine.features.stays().remove(0);
    let call = office.call(alice);
    let (own, theirs, call_id) = (call.named(), call.named_from_afar(), call.call_id.clone());
    office.passes(secs(42));
    // A refresh is told all of it again.
    office.watches_on(lamp, 3600);
    let shown = light(&office, lamp);
    let id = format!("{:032x}", stay.park_id);
    assert_eq!((&shown.id, shown.state.as_str(), shown.direction.as_str()), (&id, "confirmed", "recipient"));
    assert!((42..=45).contains(&shown.duration.unwrap()), "{:?}", shown.duration);
    assert_eq!(shown.call_id, call_id);
    // Local is the orbit's side, so who turns it round names the parked phone's own dialog.
    assert!([own, theirs].contains(&shown.replaces()), "{}", shown.replaces());
    let (local, remote) = (shown.local.unwrap(), shown.remote.unwrap());
    assert_eq!((local.display.as_str(), local.identity.as_str()), ("Park 701", "sip:701@pbx.test"));
    assert_eq!(local.target, "sip:701@pbx.test");
    assert_eq!((remote.display.as_str(), remote.identity.as_str()), ("Alice", "sip:1001@pbx.test"));
    assert_eq!(remote.target, format!("sip:701@pbx.test;pid={id}"));
    let dave = office.dials(CAROL, "701");
    office.talk(alice, dave);
    office.passes(secs(2));
    let over = light(&office, lamp);
    assert_eq!((over.id, over.state.as_str()), (id, "terminated"));
    let versions: Vec<u32> =
        office.lamp(lamp).told.iter().map(|told| Lights::read(&told.body).unwrap().version).collect();
    assert_eq!(versions, [0, 1, 2, 3], "one document for each change, and one for the refresh");
    office.ends();
}

/// As the phones of both sides have it: who calls, who is called, and who holds.
#[test]
fn a_line_from_idle_to_idle() {
    let mut office = office();
    let [caller, called] = ["1001", "1002"].map(|number| office.watches(CAROL, number));
    assert_eq!([caller, called].map(|lamp| state(&office, lamp)), ["terminated", "terminated"]);
    office.passes(secs(2));
    let alice = office.dials(ALICE, "1002");
    office.passes(secs(2));
    let (to, from) = (light(&office, caller), light(&office, called));
    assert_eq!((to.direction.as_str(), to.state.as_str()), ("initiator", "early"));
    assert_eq!((from.direction.as_str(), from.state.as_str()), ("recipient", "early"));
    assert_eq!(to.remote.unwrap().display, "Bob");
    let remote = from.remote.unwrap();
    assert_eq!(
        (remote.display.as_str(), remote.identity.as_str(), remote.target.as_str()),
        ("Alice", "sip:1001@pbx.test", "sip:1001@pbx.test")
    );
    assert_eq!(from.local.unwrap().identity, "sip:1002@pbx.test");
    let bob = office.answers(BOB);
    office.passes(secs(2));
    assert_eq!([caller, called].map(|lamp| state(&office, lamp)), ["confirmed", "confirmed"]);
    // Who holds says so on its own side; the other lamp has it on the far one (RFC 4235 §5.2).
    office.holds(bob);
    office.passes(secs(2));
    let rendering = |office: &World, lamp| {
        let shown = light(office, lamp);
        (shown.local.unwrap().rendering, shown.remote.unwrap().rendering)
    };
    assert_eq!(rendering(&office, called), (Some("no".into()), None));
    assert_eq!(rendering(&office, caller), (None, Some("no".into())));
    office.resumes(bob);
    office.passes(secs(2));
    assert_eq!(rendering(&office, called), (None, None));
    let id = light(&office, called).id;
    office.hangs_up(alice);
    office.passes(secs(2));
    let over = light(&office, called);
    assert_eq!((over.id, over.state.as_str()), (id, "terminated"));
    office.ends();
}

/// A phone that says nothing yet is being tried, and has no tag; two calls are two lights.
#[test]
fn a_line_with_several_calls() {
    let mut office = office();
    let lamp = office.watches(CAROL, "1002");
    office.passes(secs(2));
    office.phones[BOB.0].crashed = true;
    let alice = office.dials(ALICE, "1002");
    let tried = light(&office, lamp);
    assert_eq!((tried.state.as_str(), tried.local_tag.as_str()), ("trying", ""));
    assert!(!tried.remote_tag.is_empty() && !tried.call_id.is_empty());
    office.hangs_up(alice);
    office.phones[BOB.0].crashed = false;
    office.passes(secs(70));
    assert_eq!(state(&office, lamp), "terminated");
    let (_, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let second = office.dials(DAVE, "1002");
    office.passes(secs(3));
    let shown = states(&office, lamp);
    let light = |state: &str| ("recipient".to_owned(), state.to_owned());
    assert_eq!(shown, [light("early"), light("confirmed")]);
    office.hangs_up(second);
    office.passes(secs(3));
    assert_eq!(states(&office, lamp), [light("confirmed")]);
    office.ends();
}

/// RFC 5359 §2.16, Call Pickup, with a lamp: Bob's phone rings, Carol's key blinks, and she answers for him; whichever target
/// she calls.
#[test]
fn a_ringing_call_is_picked_up_by_what_its_lamp_shows() {
    for local in [true, false] {
        for caller in [ALICE, CARRIER] {
            let mut office = office();
            let lamp = office.watches(CAROL, "1002");
            office.passes(secs(2));
            let from = office.dials(caller, "1002");
            let rings = office.latest(BOB, Stage::Ringing).unwrap();
            office.passes(secs(2));
            let shown = light(&office, lamp);
            assert_eq!(shown.state, "early");
            let side = if local { &shown.local } else { &shown.remote };
            let number = user(&side.as_ref().unwrap().target);
            let carol = replaces(&mut office, CAROL, &number, &shown);
            office.talk(from, carol);
            assert_eq!(office.ended(rings), "CANCEL SIP;cause=200;text=\"Call completed elsewhere\"");
            office.passes(secs(2));
            assert_eq!(state(&office, lamp), "terminated");
            office.hangs_up(carol);
            office.ends();
        }
    }
}

/// The same where somebody waits: the far end's target leads to the orbit, and to just that stay.
#[test]
fn a_parked_call_is_fetched_by_what_its_lamp_shows() {
    for local in [true, false] {
        let mut office = office();
        let lamp = office.watches(CAROL, "701");
        office.passes(secs(2));
        let alice = parked(&mut office, "701");
        let shown = light(&office, lamp);
        let side = if local { &shown.local } else { &shown.remote };
        let target = side.as_ref().unwrap().target.strip_prefix("sip:").unwrap().to_owned();
        let carol = replaces(&mut office, CAROL, &target, &shown);
        office.talk(alice, carol);
        assert!(office.engine.features.stays().is_empty());
        // Somebody else waits there now: who is late is told so, and does not get a stranger.
        office.hangs_up(carol);
        parked(&mut office, "701");
        let target = shown.remote.unwrap().target.strip_prefix("sip:").unwrap().to_owned();
        let late = office.dials(CAROL, &target);
        assert!(office.ended(late).starts_with("480 Stale"), "{}", office.ended(late));
        office.ends();
    }
}

/// While the parker's phone rings about it the orbit stays lit, or blinks if it is to.
#[test]
fn an_orbit_while_its_parker_is_reminded() {
    let lamp_of = |state, on_reminder| {
        move |settings: &mut Settings| {
            let lot = &mut settings.lots[0];
            (lot.lamp_state, lot.lamp_on_reminder) = (state, on_reminder);
            lot.reminder_chain = vec![ReminderTarget::ParkerDevice];
        }
    };
    use LampState::{Confirmed, Early};
    for (state_set, on_reminder, waiting, reminding) in [
        (Confirmed, Confirmed, "confirmed", "confirmed"),
        (Confirmed, Early, "confirmed", "early"),
        (Early, Confirmed, "early", "early"),
    ] {
        let mut office = office_with(lamp_of(state_set, on_reminder));
        let lamp = office.watches(CAROL, "701");
        office.passes(secs(2));
        let alice = parked(&mut office, "701");
        assert_eq!(state(&office, lamp), waiting);
        let told = office.lamp(lamp).told.len();
        office.passes(secs(92));
        assert!(office.latest(BOB, Stage::Ringing).is_some());
        assert_eq!(state(&office, lamp), reminding);
        // What looks the same is not told again.
        assert_eq!(office.lamp(lamp).told.len() - told, usize::from(waiting != reminding));
        office.passes(secs(22));
        assert_eq!(state(&office, lamp), waiting);
        office.hangs_up(alice);
        office.ends();
    }
}

/// Called while holding, the lot tells an orbit: nobody waits there before the held call does.
#[test]
fn who_hears_an_orbit_does_not_light_it() {
    let mut office = office();
    let lamp = office.watches(CAROL, "701");
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let told = office.dials(BOB, "700");
    office.passes(secs(3));
    assert!(office.engine.features.reserver(0).is_some());
    assert_eq!(state(&office, lamp), "terminated");
    office.hangs_up(told);
    office.passes(secs(2));
    office.hears_music(alice);
    assert_eq!(state(&office, lamp), "confirmed");
    office.ends();
}

/// A lot's own number is lit when somebody waits anywhere in it.
#[test]
fn a_lot_as_one_lamp() {
    let mut office = office();
    let lamp = office.watches(CAROL, "710");
    assert_eq!(office.lamp(lamp).shows().entity, "sip:710@pbx.test");
    assert_eq!(state(&office, lamp), "terminated");
    office.passes(secs(2));
    let (_, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:711@pbx.test>");
    let (_, carol) = office.connects(DAVE, CAROL);
    office.refers(carol, "<sip:712@pbx.test>");
    office.passes(secs(2));
    let shows = office.lamp(lamp).shows();
    let who = |light: &Light| {
        (light.state.clone(), light.local.clone().unwrap().identity, light.remote.clone().unwrap().display)
    };
    let shown: Vec<_> = shows.lights.iter().map(who).collect();
    let light = |orbit: &str, name: &str| ("confirmed".to_owned(), format!("sip:{orbit}@pbx.test"), name.to_owned());
    assert_eq!(shown, [light("711", "Alice"), light("712", "Dave")]);
    office.ends();
}

/// What a list says of each member: its URI, and its document.
fn members(body: &str, content_type: &str) -> (u32, Vec<(String, Lights)>) {
    let boundary = content_type.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let start = content_type.split("start=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let (inside, end) = body.rsplit_once(&format!("--{boundary}--")).unwrap();
    assert_eq!(end, "\r\n");
    let parts: Vec<(String, &str)> = inside
        .split(&format!("--{boundary}\r\n"))
        .skip(1)
        .map(|part| {
            let (head, body) = part.split_once("\r\n\r\n").unwrap();
            let id = head.lines().find_map(|line| line.strip_prefix("Content-ID: ")).unwrap();
            (id.to_owned(), body)
        })
        .collect();
    assert_eq!(parts[0].0, start);
    let list = Node::read(parts[0].1).unwrap();
    assert_eq!((list.name.as_str(), list.attribute("fullState")), ("list", "true"));
    let of = |resource: &Node| {
        let instance = resource.child("instance").unwrap();
        assert_eq!(instance.attribute("state"), "active");
        let id = format!("<{}>", instance.attribute("cid"));
        let (_, body) = parts.iter().find(|(known, _)| *known == id).unwrap();
        (resource.attribute("uri").to_owned(), Lights::read(body).unwrap())
    };
    let members: Vec<_> = list.children.iter().map(of).collect();
    assert_eq!(members.len() + 1, parts.len());
    (list.attribute("version").parse().unwrap(), members)
}

/// Who takes lists is told orbit by orbit (RFC 4662), in full and by one number more each time.
#[test]
fn a_lot_as_a_list() {
    let mut office = office();
    let lines =
        "Supported: eventlist\r\nAccept: application/dialog-info+xml, application/rlmi+xml, multipart/related\r\n";
    let lamp = office.watches_so(CAROL, "710", Subscribe { lines: lines.into(), ..Subscribe::default() });
    let answer = office.answers_to(CAROL, "SUBSCRIBE").pop().unwrap();
    assert_eq!(answer.field("Require"), "eventlist");
    office.passes(secs(2));
    let (_, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:712@pbx.test>");
    office.passes(secs(2));
    let told = &office.lamp(lamp).told;
    for (version, notify) in told.iter().enumerate() {
        assert_eq!(notify.field("Require"), "eventlist");
        let (of_list, members) = members(&notify.body, notify.field("Content-Type"));
        assert_eq!(of_list as usize, version);
        let said = |(uri, lights): &(String, Lights)| {
            assert_eq!((uri, lights.version as usize), (&lights.entity, version));
            (uri.clone(), lights.lights[0].state.clone())
        };
        let member = |orbit: &str, state: &str| (format!("sip:{orbit}@pbx.test"), state.to_owned());
        let second = if version == 0 { "terminated" } else { "confirmed" };
        assert_eq!(members.iter().map(said).collect::<Vec<_>>(), [member("711", "terminated"), member("712", second)]);
    }
    assert_eq!(told.len(), 2);
    // An orbit is no list, whoever asks.
    let orbit = office.watches_so(BOB, "711", Subscribe { lines: lines.into(), ..Subscribe::default() });
    assert_eq!(office.lamp(orbit).told[0].field("Require"), "");
    assert_eq!(state(&office, orbit), "terminated");
    office.ends();
}

/// What watchers see of others: for most a name, for staff everything; who hides is hidden from all.
#[test]
fn who_may_see_whom() {
    let mut office = office_with(|settings| {
        settings.lamps.privacy = Privacy::None;
        settings.lamps.privacy_of = vec![("guests".into(), Privacy::Name), ("staff".into(), Privacy::Full)];
        settings.lines[0].groups.clear();
    });
    let lamps = [ALICE, DAVE, CAROL].map(|who| ["701", "1002"].map(|number| office.watches(who, number)));
    let alice = parked(&mut office, "701");
    office.dials(CARRIER, "1002");
    office.passes(secs(2));
    let remote = |office: &World, lamp: End| light(office, lamp).remote.map(|remote| (remote.display, remote.identity));
    let shown = |name: &str, number: &str| Some((name.to_owned(), format!("sip:{number}@pbx.test")));
    assert_eq!(lamps[0].map(|lamp| remote(&office, lamp)), [Some((String::new(), String::new())), None]);
    assert_eq!(lamps[1].map(|lamp| remote(&office, lamp)), [shown("Alice", "701"), shown("Carrier", "1002")]);
    assert_eq!(lamps[2].map(|lamp| remote(&office, lamp)), [shown("Alice", "1001"), shown("Carrier", "4930123")]);
    // Who may not know the number can fetch the call all the same.
    let target = light(&office, lamps[0][0]).remote.unwrap().target;
    assert!(target.contains(";pid="), "{target}");
    office.hangs_up(alice);
    let hidden = Dial { lines: "Privacy: id\r\n".into(), ..Dial::default() };
    office.dials_so(ALICE, "1002", &hidden);
    office.passes(secs(2));
    let newest = office.lamp(lamps[2][1]).shows().lights.remove(0).remote.unwrap();
    assert_eq!((newest.display.as_str(), newest.identity.as_str()), ("Anonymous", "sip:anonymous@anonymous.invalid"));
    office.ends();
}

/// A configuration read again: no lamp blinks, nobody is dropped; what is gone says so, and when somebody waits there, later.
#[test]
fn a_configuration_read_again() {
    let mut office = office();
    let lamps = ["701", "702", "703", "1002", "700"].map(|number| office.watches(CAROL, number));
    let alice = parked(&mut office, "702");
    office.passes(secs(3));
    let told = |office: &World| lamps.map(|lamp| office.lamp(lamp).told.len());
    let before = told(&office);
    let first = reload(&mut office, &settings(), |_| {});
    office.passes(secs(3));
    assert_eq!(told(&office), before, "nothing is new");
    let second = reload(&mut office, &first, |settings| {
        settings.lots[0].orbits.retain(|orbit| orbit.number != "702" && orbit.number != "703");
        settings.lots[0].reminder_ring = secs(25);
    });
    office.passes(secs(3));
    assert_eq!(office.lamp(lamps[2]).over.as_deref(), Some("terminated;reason=noresource"));
    assert_eq!(light(&office, lamps[1]).state, "confirmed", "somebody waits there still");
    assert!(office.lamp(lamps[1]).is_on());
    let late = office.watches(BOB, "702");
    assert_eq!(state(&office, late), "confirmed");
    let bob = office.dials(BOB, "702");
    office.talk(alice, bob);
    office.passes(secs(3));
    for lamp in [lamps[1], late] {
        assert_eq!(office.lamp(lamp).over.as_deref(), Some("terminated;reason=noresource"));
    }
    assert_eq!([lamps[0], lamps[3], lamps[4]].map(|lamp| office.lamp(lamp).is_on()), [true; 3]);
    // Whoever may not look any more is told so; a line that is gone is gone.
    reload(&mut office, &second, |settings| {
        settings.lots[0].view_groups = vec!["guests".into()];
        settings.lines.retain(|line| line.number != "1002");
    });
    office.passes(secs(3));
    let over = [lamps[0], lamps[4], lamps[3]].map(|lamp| office.lamp(lamp).over.clone().unwrap_or_default());
    assert_eq!(over, ["terminated;reason=rejected", "terminated;reason=rejected", "terminated;reason=noresource"]);
    office.ends();
}

/// A lot that grows while somebody watches it shows who waits in the new orbit.
#[test]
fn a_lot_that_grows() {
    let mut office = office();
    let lamp = office.watches(CAROL, "710");
    reload(&mut office, &settings(), |settings| {
        let another = crate::settings::OrbitSettings { number: "713".into(), ..settings.lots[1].orbits[0].clone() };
        settings.lots[1].orbits.push(another);
    });
    office.passes(secs(2));
    let (_, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:713@pbx.test>");
    office.passes(secs(2));
    assert_eq!(light(&office, lamp).local.unwrap().identity, "sip:713@pbx.test");
    office.ends();
}

/// Whether somebody can be reached, and talks (RFC 3863); and that no message waits (RFC 3842).
#[test]
fn presence_and_messages() {
    let mut office = office();
    let presence = Subscribe { event: "presence".into(), ..Subscribe::default() };
    let lamp = office.watches_so(CAROL, "1002", presence);
    let says = |office: &World| {
        let told = office.lamp(lamp).told.last().unwrap().clone();
        assert_eq!(told.field("Content-Type"), "application/pidf+xml");
        let root = Node::read(&told.body).unwrap();
        assert_eq!((root.name.as_str(), root.attribute("entity")), ("presence", "sip:1002@pbx.test"));
        let basic = root.child("tuple").unwrap().child("status").unwrap().child("basic").unwrap().text.clone();
        let on_the_phone = root
            .child("dm:person")
            .is_some_and(|person| person.child("rpid:activities").unwrap().child("rpid:on-the-phone").is_some());
        assert_eq!(root.child("note").map(|note| note.text.as_str()), on_the_phone.then_some("On the phone"));
        (basic, on_the_phone)
    };
    assert_eq!(says(&office), ("open".into(), false));
    office.passes(secs(2));
    let alice = office.dials(ALICE, "1002");
    office.passes(secs(2));
    assert_eq!(says(&office), ("open".into(), false), "ringing is not talking");
    office.answers(BOB);
    office.passes(secs(2));
    assert_eq!(says(&office), ("open".into(), true));
    let told = office.lamp(lamp).told.len();
    office.hangs_up(alice);
    office.passes(secs(2));
    office.with(BOB, |phone| phone.unregister());
    office.passes(secs(2));
    assert_eq!(says(&office), ("closed".into(), false));
    office.with(BOB, |phone| phone.register());
    office.passes(secs(2));
    assert_eq!(says(&office), ("open".into(), false));
    assert_eq!(office.lamp(lamp).told.len() - told, 3);
    let messages =
        office.watches_so(BOB, "1002", Subscribe { event: "message-summary".into(), ..Subscribe::default() });
    let told = &office.lamp(messages).told[0];
    assert_eq!(told.field("Content-Type"), "application/simple-message-summary");
    let body = "Messages-Waiting: no\r\nMessage-Account: sip:1002@pbx.test\r\nVoice-Message: 0/0 (0/0)\r\n";
    assert_eq!(told.body, body);
    office.ends();
}
