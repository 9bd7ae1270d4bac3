//! Ways that a forwarded call has taken: in circles, and to somebody who is told of them.
use super::chooses;
use crate::peers::Settings;
use crate::story::{BARESIP, SIPP, story_over_both};

/// Alice and Bob each send all calls to the other: Carol's phone is told where hers went. Then Bob sends his to Dave, whose
/// phone is told the whole way, line by line.
#[test]
fn a_call_that_goes_in_circles_is_refused_and_one_that_arrives_tells_its_way() {
    story_over_both(&[BARESIP, SIPP], &Settings::default(), |pbx, transport| {
        let [alice, bob] = ["1001", "1002"].map(|line| pbx.baresip_over(line, transport));
        let (carol, dave) = (pbx.phone_over("1003", transport), pbx.phone_over("1004", transport));
        chooses(&alice, "*721002");
        chooses(&bob, "*721001");
        let why = "Forwarded in circles: 1001→1002→1001";
        carol.does("forwarding/refused", &[("to", "1001"), ("status", "482"), ("why", why)]);
        pbx.shows("pbx_forwards_total result=loop", 1);
        chooses(&bob, "*721004");
        let diversion = "sip:1002@pbx.test>;reason=unconditional;counter=1";
        let history = "sip:1001@pbx.test>;reason=unconditional.*sip:1001@pbx.test>;index=1[^.].*\
                       sip:1002@pbx.test;cause=302>;index=1.1;mp=1[^.].*sip:1004@pbx.test;cause=302>;index=1.1.1;mp=1.1";
        let called = dave.plays("forwarding/called", &[("diversion", diversion), ("history", history)]);
        carol.does("forwarding/refused", &[("to", "1001"), ("status", "486"), ("why", ".")]);
        called.ends_well();
    });
}
