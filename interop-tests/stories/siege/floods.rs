//! Floods: as much as one sender can send, of what costs the most. Nothing of it is remembered for long.
use super::besieged;
use super::scanners::request;
use super::stranger::{Stranger, status};
use crate::peers::{Pbx, eventually};
use crate::story::story;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

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
        // 503: under strain they are not even asked who they are.
        assert!(answers.iter().all(|answer| ["401", "503"].contains(&status(answer))) && answers.len() > 100);
        assert!(pbx.sum("pbx_sip_transactions") < 100, "nothing is remembered of them");
        eventually("no leg is left of them", || (pbx.sum("pbx_call_legs") == 0).then_some(()));
    });
}

#[test]
fn subscriptions_of_strangers() {
    story(&[], |pbx| {
        let answers = flood(pbx, "SUBSCRIBE", "");
        // Under strain they are not even asked who they are, as with calls.
        assert!(answers.iter().all(|answer| ["401", "503"].contains(&status(answer))) && answers.len() > 100);
        assert_eq!(pbx.sum("pbx_subscriptions"), 0);
        assert!(pbx.sum("pbx_sip_transactions") < 100, "nothing is remembered of them");
    });
}

/// Some phones ask again without a pause for what they were refused: here for two events at once.
#[test]
fn subscriptions_to_what_there_is_not() {
    story(&[], |pbx| {
        let answers = flood(pbx, "SUBSCRIBE", "Event: weather\r\n");
        let other = answers.iter().find(|answer| status(answer) != "489" || !answer.contains("Allow-Events: "));
        assert_eq!(other, None);
        assert!(answers.len() > 100);
        assert!(pbx.sum("pbx_sip_transactions") < 100, "nothing is remembered of them");
    });
}

/// Connections of one stranger, all at once.
const CONNECTIONS: u32 = 300;
/// Requests on each, without waiting for an answer.
const EACH: u32 = 50;

fn connects(pbx: &Pbx) -> TcpStream {
    TcpStream::connect(*pbx.listens.last().unwrap()).unwrap()
}

/// Many connections, each with many requests in a row, whose answers are read.
#[test]
fn registrations_of_strangers_over_many_connections() {
    story(&[], |pbx| {
        let stranger = Stranger::new(pbx.sip);
        let answered = besieged(pbx, |_| {
            let mut answered = 0;
            for connection in 0..CONNECTIONS {
                let mut stream = connects(pbx);
                let said: Vec<u8> = (0..EACH)
                    .flat_map(|n| request(&stranger, "REGISTER", "1001", &format!("{connection}-{n}"), ""))
                    .collect();
                stream.write_all(&String::from_utf8(said).unwrap().replace("/UDP ", "/TCP ").into_bytes()).unwrap();
                let mut heard = String::new();
                let mut piece = [0; 16_384];
                while heard.matches("SIP/2.0 401 ").count() < EACH as usize {
                    let length = stream.read(&mut piece).unwrap();
                    assert!(length > 0, "hung up on after {heard}");
                    heard += &String::from_utf8_lossy(&piece[..length]);
                }
                answered += EACH;
            }
            answered
        });
        assert_eq!(answered, CONNECTIONS * EACH);
        assert_eq!(pbx.sum("pbx_registrations"), 2, "the two phones, and nobody else");
        assert!(pbx.sum("pbx_sip_transactions") < 100, "nothing is remembered of them");
    });
}

/// One that asks without end and never reads an answer, among many that say nothing at all.
#[test]
fn connections_that_say_nothing_or_do_not_listen() {
    story(&[], |pbx| {
        let stranger = Stranger::new(pbx.sip);
        let stopped = besieged(pbx, |_| {
            let silent: Vec<TcpStream> = (0..CONNECTIONS).map(|_| connects(pbx)).collect();
            let mut deaf = connects(pbx);
            deaf.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
            let asked = |n: u32| {
                let asked = request(&stranger, "OPTIONS", "1001", &format!("deaf{n}"), "");
                String::from_utf8(asked).unwrap().replace("/UDP ", "/TCP ")
            };
            // Its answers fill what the system and the server keep for it; then the server reads nothing more of it.
            let stopped = (0..FLOOD * 10).any(|n| deaf.write_all(asked(n).as_bytes()).is_err());
            drop(silent);
            stopped
        });
        assert!(stopped, "who does not listen is not listened to");
        assert_eq!(pbx.sum("pbx_registrations"), 2, "the two phones, and nobody else");
        eventually("no connection of theirs is left", || (pbx.sum("pbx_sip_connections") == 0).then_some(()));
    });
}
