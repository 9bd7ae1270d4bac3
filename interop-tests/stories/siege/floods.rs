//! Floods: as much as one sender can send, of what costs the most. Nothing of it is remembered for long.
use super::besieged;
use super::scanners::request;
use super::stranger::{Stranger, status};
use crate::peers::{Pbx, eventually};
use crate::story::story;

/// Requests of a flood, all with ids of their own.
const FLOOD: u32 = 20_000;
const BATCH: u32 = 50;

/// Floods, while phones call each other.
fn flood(pbx: &Pbx, method: &str, lines: &str) -> Vec<String> {
    let mut stranger = Stranger::new(pbx.sip);
    besieged(pbx, |alive| {
        let mut answers = Vec::new();
        for number in 0..FLOOD {
            let who = 1000 + number % 10;
            stranger.says(&request(&stranger, method, &who.to_string(), &format!("flood{number}"), lines));
            if number % BATCH == 0 {
                stranger.is_heard();
                let heard = stranger.hears();
                if answers.len() < 1000 {
                    answers.extend(heard);
                }
                if !alive() {
                    break;
                }
            }
        }
        answers
    })
}

#[test]
fn registrations_of_strangers() {
    story(&[], |pbx| {
        let answers = flood(pbx, "REGISTER", "");
        assert!(answers.iter().all(|answer| status(answer) == "401") && answers.len() > 100);
        assert_eq!(pbx.sum("pbx_registrations"), 2, "the two phones, and nobody else");
        assert!(pbx.sum("pbx_sip_transactions") < 100, "nothing is remembered of them");
    });
}

#[test]
fn calls_of_strangers() {
    story(&[], |pbx| {
        let answers = flood(pbx, "INVITE", "");
        assert!(answers.iter().all(|answer| status(answer) == "401") && answers.len() > 100);
        assert!(pbx.sum("pbx_sip_transactions") < 100, "nothing is remembered of them");
        eventually("no leg is left of them", || (pbx.sum("pbx_call_legs") == 0).then_some(()));
    });
}

/// Some phones ask again without a pause for what they were refused.
#[test]
fn subscriptions_to_what_there_is_not() {
    story(&[], |pbx| {
        let answers = flood(pbx, "SUBSCRIBE", "");
        assert!(answers.iter().all(|answer| status(answer) == "489" && answer.contains("Allow-Events: ")));
        assert!(answers.len() > 100);
        assert!(pbx.sum("pbx_sip_transactions") < 100, "nothing is remembered of them");
    });
}
