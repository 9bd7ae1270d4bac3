//! Plain calls, from dialling to hanging up.
use super::office::*;

/// RFC 3665 §3.1: a call that is answered, and ended by who made it.
#[test]
fn alice_calls_bob() {
    let mut office = office();
    let alice = office.dials(ALICE, "1002");
    assert!(office.call(alice).alerted, "it rings");
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    assert_eq!(office.call(bob).shown, "\"Alice\" <sip:1001@pbx.test>");
    assert_eq!(office.call(alice).shown, "\"Bob\" <sip:1002@pbx.test>");
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
    office.ends();
}
