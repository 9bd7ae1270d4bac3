//! Three baresips on three desks: calls, hold, park, reminder, retrieval, as people do them.
mod music;
mod prompts;

use crate::peers::{Pbx, Settings, eventually};
use crate::phones::{Baresip, LOUDNESS};
use crate::story::{BARESIP, story, story_with};

/// Dials, rings, answers, talks.
fn in_a_call(caller: &Baresip, called: &Baresip, number: &str) {
    caller.dials(number);
    called.rings();
    called.answers();
    called.talks();
    caller.talks();
}

/// Bob has called Alice, and she holds him.
fn alice_holds_bob(pbx: &Pbx) -> (Baresip, Baresip) {
    let (alice, bob) = (pbx.baresip("1001"), pbx.baresip("1002"));
    in_a_call(&bob, &alice, "1001");
    alice.holds();
    pbx.shows("pbx_calls state=held", 1);
    (alice, bob)
}

/// Carol dials `number`, has Bob, and hangs up.
fn carol_fetches_bob(pbx: &Pbx, bob: &Baresip, number: &str) -> Baresip {
    let carol = pbx.baresip("1003");
    carol.dials(number);
    carol.talks();
    pbx.shows("pbx_park_end_total result=retrieved", 1);
    pbx.has_parked(0);
    carol.hangs_up();
    bob.is_hung_up();
    carol
}

/// Whether a recording has nothing but phones' voices.
fn is_voice(heard: &[i16]) -> bool {
    heard.iter().all(|sample| sample.unsigned_abs().abs_diff(LOUDNESS.unsigned_abs()) < 64)
}

#[test]
fn two_phones_talk_and_either_hangs_up() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = (pbx.baresip("1001"), pbx.baresip("1002"));
        assert_eq!(pbx.sum("pbx_registered_users"), 2);
        in_a_call(&alice, &bob, "1002");
        pbx.shows("pbx_calls state=answered", 1);
        alice.hangs_up();
        bob.is_hung_up();
        in_a_call(&bob, &alice, "1001");
        alice.hangs_up();
        bob.is_hung_up();
        pbx.shows("pbx_calls_ended_total cause=normal", 2);
    });
}

#[test]
fn a_held_call_is_resumed() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = alice_holds_bob(pbx);
        alice.resumes();
        pbx.shows("pbx_calls state=answered", 1);
        bob.hangs_up();
        alice.is_hung_up();
    });
}

#[test]
fn who_is_held_hears_music_until_resumed() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = alice_holds_bob(pbx);
        eventually("a second of music", || (pbx.sum("pbx_rtp_packets_total direction=out") >= 50).then_some(()));
        alice.resumes();
        pbx.shows("pbx_calls state=answered", 1);
        bob.hangs_up();
        alice.is_hung_up();
        let heard = bob.has_heard();
        let music = music::in_what_was(&heard);
        assert!(music.len() >= 4_000, "{music:?} of {}", heard.len());
        assert!(is_voice(&heard[..music.start]), "before it nothing but Alice");
    });
}

#[test]
fn a_call_transferred_to_the_lot_waits_and_is_fetched() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = alice_holds_bob(pbx);
        alice.transfers_to("700");
        alice.is_hung_up();
        pbx.has_parked(1);
        carol_fetches_bob(pbx, &bob, "701");
    });
}

#[test]
fn a_call_transferred_to_an_orbit_waits_there() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = alice_holds_bob(pbx);
        alice.transfers_to("702");
        alice.is_hung_up();
        pbx.has_parked(1);
        carol_fetches_bob(pbx, &bob, "*88");
    });
}

#[test]
fn a_code_dialled_while_holding_parks() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = alice_holds_bob(pbx);
        alice.dials("*68");
        pbx.has_parked(1);
        alice.is_hung_up();
        alice.is_hung_up();
        assert_eq!(pbx.sum("pbx_park_total way=code"), 1);
        carol_fetches_bob(pbx, &bob, "701");
    });
}

#[test]
fn the_parker_is_reminded_and_takes_the_call_back() {
    let settings = Settings { lot: "first_reminder = \"2s\"", ..Settings::default() };
    story_with(&[BARESIP], &settings, |pbx| {
        let (alice, bob) = alice_holds_bob(pbx);
        alice.transfers_to("701");
        alice.is_hung_up();
        assert_eq!(alice.rings(), "Park 701: Bob");
        alice.answers();
        alice.talks();
        pbx.shows("pbx_park_end_total result=reclaimed", 1);
        alice.hangs_up();
        bob.is_hung_up();
    });
}

#[test]
fn a_parked_caller_hears_music_that_no_reminder_interrupts() {
    let lot = "first_reminder = \"1s\"\nreminder_chain = [\"parker_device\"]";
    story_with(&[BARESIP], &Settings { lot, ..Settings::default() }, |pbx| {
        let (alice, bob) = (pbx.baresip("1001"), pbx.baresip("1002"));
        in_a_call(&bob, &alice, "1001");
        // Without a hold, at which Bob's phone would end its recording.
        alice.transfers_to("701");
        alice.is_hung_up();
        alice.rings();
        // Its way to decline is to be busy.
        alice.hangs_up();
        pbx.shows("pbx_park_reminders_total result=busy", 1);
        let carol = carol_fetches_bob(pbx, &bob, "701");
        let heard = bob.has_heard();
        // From the park over the reminder to the retrieval.
        let music = music::in_what_was(&heard);
        assert!(music.len() > 8_000, "{music:?} of {}", heard.len());
        // Before it he has heard nothing but Alice, after it nothing but Carol.
        let (before, after) = (&heard[..music.start], &heard[music.end..]);
        assert!(is_voice(before) && is_voice(after), "{before:?} {after:?}");
        // And Carol has heard Bob.
        let heard = carol.has_heard();
        assert!(is_voice(&heard), "{heard:?}");
    });
}

/// Who speaks nothing but a wide codec is parked, and hears the music in that.
fn a_wide_phone_hears_music(codec: &str, samples: usize, shown: &str) {
    // A short one is encoded soon, also by a build that is not made to be quick.
    let more = concat!("[media]\nmusic = \"", env!("CARGO_MANIFEST_DIR"), "/config/sounds/en/echo-test.wav\"\n");
    story_with(&[BARESIP], &Settings { more, ..Settings::default() }, |pbx| {
        let [alice, bob] = ["1001", "1002"].map(|line| pbx.baresip_speaking(line, codec));
        in_a_call(&bob, &alice, "1001");
        alice.transfers_to("702");
        alice.is_hung_up();
        pbx.has_parked(1);
        pbx.shows(&format!("pbx_codec_sessions codec={shown}"), 1);
        pbx.notes("music and prompts can be heard");
        let packets = pbx.sum("pbx_rtp_packets_total direction=out") + 100;
        eventually("two seconds of music", || {
            (pbx.sum("pbx_rtp_packets_total direction=out") >= packets).then_some(())
        });
        bob.hangs_up();
        let heard = bob.has_heard();
        let music = prompts::spoken(&["echo-test"]).repeat(2);
        let likeness = music::likeness(&music, &heard[heard.len() - samples..], samples / 8_000);
        // Neither codec keeps every sample, and Opus not even every wave.
        assert!(likeness > 0.75, "{likeness}");
    });
}

#[test]
fn a_phone_that_speaks_only_g722_hears_music() {
    a_wide_phone_hears_music("G722/16000/1", 16_000, "g722");
}

#[cfg(feature = "opus")]
#[test]
fn a_phone_that_speaks_only_opus_hears_music() {
    a_wide_phone_hears_music("opus/48000/2", 2 * 48_000, "opus");
}

#[test]
fn the_parker_hears_the_orbit_to_its_last_digit_before_the_phone_hangs_up() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = (pbx.baresip("1001"), pbx.baresip("1002"));
        in_a_call(&bob, &alice, "1001");
        alice.transfers_to("700");
        pbx.has_parked(1);
        alice.is_hung_up();
        let heard = alice.has_heard();
        let said = prompts::spoken(&["parked-on", "7", "0", "1"]);
        assert!(prompts::place_of(&said, &heard).is_some(), "{} samples of {}", heard.len(), said.len());
        carol_fetches_bob(pbx, &bob, "701");
        // He has heard music meanwhile, and not a word of that.
        let heard = bob.has_heard();
        assert!(music::in_what_was(&heard).len() >= said.len(), "{}", heard.len());
        assert_eq!(prompts::place_of(&prompts::spoken(&["parked-on"]), &heard), None);
    });
}

#[test]
fn a_lot_may_have_a_music_of_its_own() {
    // Any recording will do; this one is whole packets long.
    let lot = concat!("music = \"", env!("CARGO_MANIFEST_DIR"), "/config/sounds/en/confirmation.wav\"");
    story_with(&[BARESIP], &Settings { lot, ..Settings::default() }, |pbx| {
        let (alice, bob) = (pbx.baresip("1001"), pbx.baresip("1002"));
        in_a_call(&bob, &alice, "1001");
        alice.transfers_to("700");
        alice.is_hung_up();
        carol_fetches_bob(pbx, &bob, "701");
        let heard = bob.has_heard();
        let music = music::of_recording(&prompts::spoken(&["confirmation"]), &heard);
        assert!(music.len() > 8_000, "{music:?} of {}", heard.len());
        assert_eq!(music::in_what_was(&heard).len(), 0, "not a note of the other one");
    });
}

#[test]
fn who_named_the_orbit_hears_that_it_was_done() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = (pbx.baresip("1001"), pbx.baresip("1002"));
        in_a_call(&bob, &alice, "1001");
        alice.transfers_to("702");
        alice.is_hung_up();
        assert!(prompts::place_of(&prompts::spoken(&["confirmation"]), &alice.has_heard()).is_some());
        carol_fetches_bob(pbx, &bob, "702");
    });
}

#[test]
fn a_code_says_the_orbit_and_hangs_up() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = alice_holds_bob(pbx);
        alice.dials("*68");
        pbx.has_parked(1);
        alice.is_hung_up();
        alice.is_hung_up();
        let said = prompts::spoken(&["parked-on", "7", "0", "1"]);
        alice.has_heard_in_a_call(|heard| prompts::place_of(&said, heard).is_some());
        carol_fetches_bob(pbx, &bob, "701");
    });
}

#[test]
fn a_refused_caller_hears_why_before_the_call_is_answered() {
    story(&[BARESIP], |pbx| {
        let alice = pbx.baresip("1001");
        alice.dials("703");
        alice.is_hung_up();
        assert!(prompts::place_of(&prompts::spoken(&["nothing-parked-there"]), &alice.has_heard()).is_some());
        assert_eq!(pbx.sum("pbx_sip_responses_total method=INVITE direction=out status=480"), 1);
    });
}

#[test]
fn a_caller_is_told_its_number() {
    story(&[BARESIP], |pbx| {
        let alice = pbx.baresip("1001");
        alice.dials("*65");
        alice.is_connected();
        alice.is_hung_up();
        let said = prompts::spoken(&["your-number-is", "1", "0", "0", "1"]);
        assert!(prompts::place_of(&said, &alice.has_heard()).is_some());
    });
}

#[test]
fn an_echo_test_returns_the_callers_voice() {
    story(&[BARESIP], |pbx| {
        let alice = pbx.baresip("1001");
        alice.dials("*43");
        alice.is_connected();
        let said = prompts::spoken(&["echo-test"]);
        // What was said, and two seconds of echo.
        let packets = said.len() / music::FRAME + 110;
        eventually("an echo", || (pbx.sum("pbx_rtp_packets_total direction=out") >= packets as u64).then_some(()));
        alice.hangs_up();
        let heard = alice.has_heard();
        let begin = prompts::place_of(&said, &heard).expect("what comes is said first");
        let is_voice = |sample: &i16| sample.unsigned_abs().abs_diff(LOUDNESS.unsigned_abs()) < 64;
        let (before, after) = heard.split_at(begin + said.len());
        let echoed = after.iter().filter(|sample| is_voice(sample)).count();
        assert!(echoed > 8_000, "{echoed} of {}", after.len());
        assert!(!before[..begin].iter().any(is_voice), "nothing comes back before that was said");
        // It is her own voice, and nothing else: where there is nothing, there is silence.
        assert!(after.iter().all(|sample| is_voice(sample) || sample.abs() <= 8));
    });
}

/// Bob has waited enough: he presses 0, which his phone sends in the media.
#[test]
fn a_key_leads_out_of_the_orbit() {
    let settings = Settings { lot: "exit_destination = \"1003\"", ..Settings::default() };
    story_with(&[BARESIP], &settings, |pbx| {
        let (alice, bob) = alice_holds_bob(pbx);
        let carol = pbx.baresip("1003");
        alice.transfers_to("701");
        alice.is_hung_up();
        pbx.has_parked(1);
        bob.presses('0');
        carol.rings();
        carol.answers();
        carol.talks();
        pbx.shows("pbx_dtmf_events_total method=rfc4733", 1);
        carol.hangs_up();
        bob.is_hung_up();
    });
}

#[test]
fn a_reminder_stops_when_somebody_else_fetches_the_call() {
    let settings = Settings { lot: "first_reminder = \"1s\"", ..Settings::default() };
    story_with(&[BARESIP], &settings, |pbx| {
        let (alice, bob) = alice_holds_bob(pbx);
        alice.transfers_to("701");
        alice.is_hung_up();
        alice.rings();
        carol_fetches_bob(pbx, &bob, "701");
        alice.is_hung_up();
        assert_eq!(pbx.sum("pbx_park_reminders_total result=superseded"), 1);
    });
}

#[test]
fn who_hangs_up_while_parked_leaves_the_orbit_empty() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = alice_holds_bob(pbx);
        alice.transfers_to("701");
        alice.is_hung_up();
        pbx.has_parked(1);
        bob.hangs_up();
        pbx.shows("pbx_park_end_total result=abandoned", 1);
        alice.dials("701");
        alice.is_hung_up();
        pbx.shows("pbx_park_retrieve_attempts_total result=empty", 1);
    });
}
