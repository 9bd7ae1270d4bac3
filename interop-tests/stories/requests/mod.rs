//! Requests outside any call: what the server can do, and how it says what it cannot.
use crate::story::{SIPP, story};

/// A request of line 1001, and what it is answered.
fn answered(method: &str, header: &str, status: &str, answer: &str) {
    let words = [("to", "1001"), ("method", method), ("header", header), ("status", status), ("answer", answer)];
    story(&[SIPP], |pbx| pbx.new_phone("1001").does("requests/request", &words));
}

#[test]
fn options_tell_what_the_server_can_do() {
    answered("OPTIONS", "Accept: application/sdp", "200", "Allow: .*INVITE.*REFER");
}

#[test]
fn an_event_that_nobody_knows_is_refused_and_the_known_ones_are_told() {
    answered("SUBSCRIBE", "Event: weather", "489", "Allow-Events: ");
}

#[test]
fn a_method_that_nobody_knows_is_refused() {
    answered("DANCE", "", "501", ".");
}

#[test]
fn a_bye_for_no_call_is_told_so() {
    answered("BYE", "", "481", ".");
}

#[test]
fn a_transfer_of_no_call_is_refused() {
    answered("REFER", "Refer-To: <sip:701@pbx.test>", "403", ".");
}
