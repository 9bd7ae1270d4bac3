//! Pull: a call goes on at another telephone of the same line (`*59`), over either transport.
use crate::story::{BARESIP, SIPP, story};

#[test]
fn a_call_is_pulled_to_another_telephone() {
    for transport in ["udp", "tcp"] {
        story(&[BARESIP, SIPP], |pbx| {
            let (alice, bob) = (pbx.baresip_over("1001", transport), pbx.baresip("1002"));
            alice.dials("1002");
            bob.rings();
            bob.answers();
            bob.talks();
            alice.is_connected();
            // The workshop's telephone, which hangs up after a moment.
            let workshop = pbx.new_phone("1002");
            workshop.does("calling/call", &[("to", "*59"), ("answer", "m=audio")]);
            bob.is_hung_up();
            alice.is_hung_up();
            pbx.shows("pbx_handoffs_total kind=pull result=ok", 1);
        });
    }
}
