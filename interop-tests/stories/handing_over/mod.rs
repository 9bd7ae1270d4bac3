//! Pull and push: a call goes on at another telephone of the same line (`*59`; a transfer to one's own number).
use crate::story::{BARESIP, story};

/// Alice calls Bob, who answers at his desk, goes on in the workshop, and then lets the desk have the call again, whatever
/// each of these telephones speaks.
#[test]
fn a_call_is_pulled_to_another_telephone_and_pushed_back() {
    for [alice, desk, workshop] in [["tcp", "udp", "udp"], ["udp", "udp", "tcp"], ["udp", "tcp", "udp"]] {
        story(&[BARESIP], |pbx| {
            let alice = pbx.baresip_over("1001", alice);
            let [desk, workshop] = [desk, workshop].map(|transport| pbx.baresip_over("1002", transport));
            alice.dials("1002");
            assert_eq!([desk.rings(), workshop.rings()], ["Alice", "Alice"]);
            desk.answers();
            desk.talks();
            alice.is_connected();
            workshop.is_hung_up();
            workshop.dials("*59");
            workshop.talks();
            desk.is_hung_up();
            pbx.shows("pbx_handoffs_total kind=pull result=ok", 1);
            workshop.transfers_to("1002");
            assert_eq!(desk.rings(), "Alice");
            desk.answers();
            desk.talks();
            workshop.is_hung_up();
            pbx.shows("pbx_handoffs_total kind=push result=ok", 1);
            pbx.shows("pbx_calls state=answered", 1);
            desk.hangs_up();
            alice.is_hung_up();
        });
    }
}
