//! INVITE with Replaces (RFC 3891): a colleague steps into a call, or is told why not.
use crate::peers::{Pbx, Playing};
use crate::story::{SIPP, story};

const ANY: (&str, &str) = ("answer", ".");
const AUDIO: (&str, &str) = ("offer", "m=audio");
const TO_BOB: (&str, &str) = ("to", "1002");

/// A call as the phone that was called knows it, for a Replaces that somebody else sends: its To tag is the far end's.
fn named(called: &Playing) -> String {
    let tag = |field: String| field.rsplit_once("tag=").unwrap().1.to_owned();
    let [far, own] = [called.field("From", "tag="), called.field("To", "tag=")].map(tag);
    format!("{};to-tag={own};from-tag={far}", called.field("Call-ID", ""))
}

/// A phone of this line calls with this Replaces, and is refused.
fn refused(pbx: &Pbx, line: &str, replaces: &str, status: &str, why: &str) {
    let replaces = format!("Replaces: {replaces}");
    let words = [("to", "1001"), ("more", replaces.as_str()), ("status", status), ("why", why)];
    pbx.new_phone(line).does("calling/refused", &words);
}

#[test]
fn a_colleague_takes_a_call_over() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let talking = bob.plays("calling/answer", &[AUDIO]);
        let calling = alice.plays("replacing/caller", &[TO_BOB]);
        talking.sees("ACK sip:");
        let replaces = format!("Replaces: {}", named(&talking));
        let carol = pbx.phone("1003");
        let taking = carol.plays("calling/call", &[("to", "1001"), ("more", &replaces), ("answer", "m=audio")]);
        taking.ends_well();
        talking.ends_well();
        calling.ends_well();
        assert_eq!(pbx.sum("pbx_calls_ended_total cause=normal"), 1);
    });
}

#[test]
fn what_cannot_be_taken_over() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let talking = bob.plays("calling/answer_until_told", &[AUDIO]);
        let calling = alice.plays("calling/call_until_over", &[TO_BOB, ANY]);
        talking.sees("ACK sip:");
        let call = named(&talking);
        refused(pbx, "1003", "nobody;to-tag=1;from-tag=2", "481", "No Call To Replace");
        refused(pbx, "1003", &format!("{call};early-only"), "486", "The Call Was Answered");
        refused(pbx, "1003", &format!("{call}\nReplaces: {call}"), "400", "One Replaces");
        refused(pbx, "1004", &call, "403", "You may not take this call over");
        bob.acts(&talking);
        talking.ends_well();
        calling.ends_well();
        refused(pbx, "1003", &call, "603", "The Call To Replace Has Ended");
    });
}
