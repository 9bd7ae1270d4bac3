//! Pull and push: a call goes on at another telephone of the same line (`*59`; a transfer to one's own number).
use crate::peers::{Pbx, Settings};
use crate::phones::Baresip;
use crate::story::{BARESIP, SIPP, story, story_of_a_trunk};

/// Bob's telephones ring. He answers at his desk, goes on in the workshop, and then lets the desk have the call again, which
/// is up with the same other side all the time.
fn the_call_goes_to_the_workshop_and_back(pbx: &Pbx, phones: [&Baresip; 2], who: &str, is_up: impl Fn(&Baresip)) {
    let [desk, workshop] = phones;
    assert_eq!(phones.map(Baresip::rings), [who, who]);
    desk.answers();
    is_up(desk);
    workshop.is_hung_up();
    workshop.dials("*59");
    is_up(workshop);
    desk.is_hung_up();
    pbx.shows("pbx_handoffs_total kind=pull result=ok", 1);
    workshop.transfers_to("1002");
    assert_eq!(desk.rings(), who);
    desk.answers();
    is_up(desk);
    workshop.is_hung_up();
    pbx.shows("pbx_handoffs_total kind=push result=ok", 1);
    pbx.shows("pbx_calls state=answered", 1);
    desk.hangs_up();
}

#[test]
fn a_call_is_pulled_to_another_telephone_and_pushed_back() {
    for [alice, desk, workshop] in [["tcp", "udp", "udp"], ["udp", "udp", "tcp"], ["udp", "tcp", "udp"]] {
        story(&[BARESIP], |pbx| {
            let alice = pbx.baresip_over("1001", alice);
            let [desk, workshop] = [desk, workshop].map(|transport| pbx.baresip_over("1002", transport));
            alice.dials("1002");
            the_call_goes_to_the_workshop_and_back(pbx, [&desk, &workshop], "Alice", Baresip::talks);
            alice.is_hung_up();
        });
    }
}

#[test]
fn a_call_from_outside_is_pulled_and_pushed_back() {
    story_of_a_trunk(&[BARESIP, SIPP], &Settings::default(), |pbx, phones| {
        let [desk, workshop] = ["udp", phones].map(|transport| pbx.baresip_over("1002", transport));
        let calling = pbx.trunk().calls_from_outside("1002");
        the_call_goes_to_the_workshop_and_back(pbx, [&desk, &workshop], "", Baresip::is_connected);
        calling.ends_well();
    });
}
