//! Phones behind a NAT that gives them other addresses: who is followed, and where to.
use super::*;

const CONTACT: &str = "Contact: <sip:1001@192.168.1.2:5060>\r\n";
const OLD: &str = "192.0.2.7:1000";
const NEW: &str = "192.0.2.7:2000";

/// Where a call of line 1001 goes whose phone was last heard there.
fn followed(world: &World, at: &str) -> String {
    let hop = Hop { flow: Flow(0), address: at.parse().unwrap() };
    let line = world.lines.directory.line("1001");
    world.transactions.ground.way_back_to(hop, line).address.to_string()
}

fn register(world: &mut World, phone: &mut Phone, source: &'static str, contact: &str) {
    phone.source = source;
    assert_eq!(phone.register(world, contact).0, "200 OK");
}

#[test]
fn it_is_followed_there_and_back() {
    let mut world = World::new();
    let mut phone = Phone::new("1001", "one");
    for (at, of_old, of_new) in [(OLD, OLD, NEW), (NEW, NEW, NEW), (OLD, OLD, OLD)] {
        register(&mut world, &mut phone, at, CONTACT);
        assert_eq!([OLD, NEW].map(|before| followed(&world, before)), [of_old, of_new].map(str::to_owned));
    }
}

/// It starts anew at its first address, with a Call-ID of its own but the same contact: it has not gone from there.
#[test]
fn who_starts_anew_where_it_was_first_has_not_gone() {
    let mut world = World::new();
    let mut phone = Phone::new("1001", "one");
    register(&mut world, &mut phone, OLD, CONTACT);
    register(&mut world, &mut phone, NEW, CONTACT);
    assert_eq!(followed(&world, OLD), NEW);
    let mut anew = Phone { call_id: "anew", ..Phone::new("1001", "one") };
    register(&mut world, &mut anew, OLD, CONTACT);
    assert_eq!(followed(&world, OLD), OLD);
}

/// Two phones of one line behind the same proxy: when one of them goes, the other stays.
#[test]
fn who_shares_a_place_is_left_there() {
    let mut world = World::new();
    let mut first = Phone::new("1001", "one");
    let mut second = Phone { call_id: "second", ..Phone::new("1001", "one") };
    register(&mut world, &mut first, OLD, CONTACT);
    register(&mut world, &mut second, OLD, "Contact: <sip:1001@192.168.1.3:5060>\r\n");
    register(&mut world, &mut first, NEW, CONTACT);
    assert_eq!(followed(&world, OLD), OLD);
    register(&mut world, &mut second, NEW, "Contact: <sip:1001@192.168.1.3:5060>\r\n");
    assert_eq!(followed(&world, OLD), NEW);
}
