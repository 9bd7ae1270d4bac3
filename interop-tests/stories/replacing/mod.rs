//! INVITE with Replaces (RFC 3891): a colleague steps into a call, or is told why not.
use crate::peers::{Pbx, Playing, Settings, side_by_side};
use crate::story::{SIPP, story_of_a_trunk, story_over_both};

const ANY: (&str, &str) = ("answer", ".");
const AUDIO: (&str, &str) = ("offer", "m=audio");
const TO_BOB: (&str, &str) = ("to", "1002");

/// A call as the phone that was called knows it, for a Replaces that somebody else sends: its To tag is the far end's.
fn named(called: &Playing) -> String {
    let tag = |field: String| field.rsplit_once("tag=").unwrap().1.to_owned();
    let [far, own] = [called.field("From", "tag="), called.field("To", "tag=")].map(tag);
    format!("{};to-tag={own};from-tag={far}", called.field("Call-ID", ""))
}

/// A phone of this line calls over this transport with this Replaces, and is refused.
fn refused(pbx: &Pbx, transport: &'static str, line: &str, [replaces, status, why]: [&str; 3]) {
    let replaces = format!("Replaces: {replaces}");
    let words = [("to", "1001"), ("more", replaces.as_str()), ("status", status), ("why", why)];
    pbx.new_phone_over(line, transport).does("calling/refused", &words);
}

/// Carol steps into the place of the phone that was called, has a word, and hangs up.
fn carol_takes_over(pbx: &Pbx, transport: &'static str, talking: Playing, calling: Playing) {
    talking.sees("ACK sip:");
    let replaces = format!("Replaces: {}", named(&talking));
    let carol = pbx.phone_over("1003", transport);
    carol.does("calling/call", &[("to", "1002"), ("more", &replaces), ("answer", "m=audio")]);
    side_by_side([talking, calling]);
    assert_eq!(pbx.sum("pbx_calls_ended_total cause=normal"), 1);
}

#[test]
fn a_colleague_takes_a_call_over() {
    story_over_both(&[SIPP], &Settings::default(), |pbx, transport| {
        let [alice, bob] = ["1001", "1002"].map(|line| pbx.phone_over(line, transport));
        let talking = bob.plays("calling/answer", &[AUDIO]);
        let calling = alice.plays("replacing/caller", &[TO_BOB]);
        carol_takes_over(pbx, transport, talking, calling);
    });
}

#[test]
fn a_colleague_takes_a_call_from_outside_over() {
    story_of_a_trunk(&[SIPP], &Settings::default(), |pbx, phones| {
        let talking = pbx.phone_over("1002", phones).plays("calling/answer", &[AUDIO]);
        let calling = pbx.trunk().calls_from_outside("1002");
        carol_takes_over(pbx, phones, talking, calling);
    });
}

#[test]
fn what_cannot_be_taken_over() {
    story_over_both(&[SIPP], &Settings::default(), |pbx, transport| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let talking = bob.plays("calling/answer_until_told", &[AUDIO]);
        let calling = alice.plays("calling/call_until_over", &[TO_BOB, ANY]);
        talking.sees("ACK sip:");
        let call = named(&talking);
        refused(pbx, transport, "1003", ["nobody;to-tag=1;from-tag=2", "481", "No Call To Replace"]);
        refused(pbx, transport, "1003", [&format!("{call};early-only"), "486", "The Call Was Answered"]);
        refused(pbx, transport, "1003", [&format!("{call}\nReplaces: {call}"), "400", "One Replaces"]);
        refused(pbx, transport, "1004", [&call, "403", "You may not take this call over"]);
        bob.acts(&talking);
        talking.ends_well();
        calling.ends_well();
        refused(pbx, transport, "1003", [&call, "603", "The Call To Replace Has Ended"]);
    });
}

/// Nobody joins a call here (RFC 3911): who requires it is told that nothing here knows of it, before anybody asks who that
/// is; who only wishes it, that calls are not joined.
#[test]
fn a_call_is_not_joined() {
    story_over_both(&[SIPP], &Settings::default(), |pbx, transport| {
        let carol = pbx.new_phone_over("1003", transport);
        let join = "Join: nobody;to-tag=1;from-tag=2";
        let required = format!("{join}\nRequire: join");
        let words = [("to", "1002"), ("more", &*required), ("status", "420"), ("why", "Unsupported: join")];
        carol.does("replacing/unknown_here", &words);
        let why = "Calls Are Not Joined Here";
        carol.does("calling/refused", &[("to", "1002"), ("more", join), ("status", "488"), ("why", why)]);
    });
}
