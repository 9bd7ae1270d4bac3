//! A transfer that comes to nothing, and its transferor has hung up: the call comes back to them.
use super::alice_holds_bob;
use crate::peers::Settings;
use crate::story::{BARESIP, story_over_both};

/// Carol does not answer. Alice's phone rings, and shows where the call should have gone, and whose it is.
#[test]
fn nobody_answers_and_the_transferor_is_called_back() {
    let settings = Settings { server: "no_answer = \"3s\"", ..Settings::default() };
    story_over_both(&[BARESIP], &settings, |pbx, transport| {
        let (alice, bob) = alice_holds_bob(pbx, transport);
        let carol = pbx.baresip_over("1003", transport);
        alice.transfers_to("1003");
        assert_eq!(carol.rings(), "Bob");
        alice.hangs_up();
        carol.is_hung_up();
        assert_eq!(alice.rings(), "Transfer 1003: Bob");
        alice.answers();
        alice.talks();
        pbx.shows("pbx_transfer_recalls_total result=reclaimed", 1);
        pbx.shows("pbx_calls state=answered", 1);
        alice.hangs_up();
        bob.is_hung_up();
    });
}
