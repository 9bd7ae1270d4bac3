//! Both ends without a server between them: the caller is told that the callee is the server.
use crate::config;
use crate::drive::{Outcome, Run};
use crate::ends::{Batch, Ends, Side, Transport};
use crate::plan::Pace;
use crate::profile::Ground;
use crate::profile::Profile as _;
use crate::profile::call::{Calls, Manner, Mode};
use crate::profile::overload::{Begins, Meanwhile, Overload};
use crate::profile::park;
use crate::progress::Progress;
use crate::ramp::Ramp;
use std::time::{Duration, Instant};

/// A ground where the server is the callee.
fn stage(transport: Transport) -> (Ground, Run, Calls) {
    let mut ends = Ends::bind(transport, &["127.0.0.1:0".parse().unwrap(); 3]).unwrap();
    let addresses = ends.addresses();
    let media = config::media(addresses[0], 4000);
    let ground = Ground {
        server: addresses[Side::Callee.place()],
        transport,
        domain: "pbx.test".into(),
        run: "0000abcd".into(),
        addresses,
        password: "load".into(),
        lines: 10,
        listening: media.clone(),
        silent: media.clone(),
        media,
    };
    let millis = Duration::from_millis;
    let manner = Manner { ring: millis(5), talk: millis(10), long: millis(30), trying: false, from_lines: false };
    let calls = Calls::new(&ground, manner, &mut ends).unwrap();
    let run = Run {
        began: Instant::now(),
        ends,
        batch: Batch::new(),
        pids: vec![std::process::id().cast_signed()],
        progress: Progress::new(),
        tick: 1_000,
        settle: 200_000,
    };
    (ground, run, calls)
}

fn is_clean(outcome: &Outcome, calls: u64) {
    let tally = &outcome.tally;
    assert_eq!((tally.offered, tally.completed, tally.failed), (calls, calls, 0), "{:?}", tally.causes);
    assert_eq!((tally.unread, outcome.unsent), (0, 0));
}

#[test]
fn calls_come_through_and_are_counted() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let (_, mut run, mut calls) = stage(transport);
        let outcome = run.drive(&mut calls, Pace::Steady { rate: 1000, total: 200 }, "calls").unwrap();
        is_clean(&outcome, 200);
        assert_eq!((outcome.tally.setup.len(), calls.up()), (200, 0), "{transport:?}");
    }
}

#[test]
fn held_calls_stay_until_they_are_hung_up() {
    let (_, mut run, mut calls) = stage(Transport::Udp);
    let pace = Pace::Steady { rate: 1000, total: 100 };
    calls.mode = Mode::Held;
    is_clean(&run.drive(&mut calls, pace, "up").unwrap(), 100);
    calls.mode = Mode::Brief;
    is_clean(&run.drive(&mut calls, pace, "beside").unwrap(), 100);
    assert_eq!((calls.up(), calls.pending()), (100, 0));
    calls.mode = Mode::HangUp;
    is_clean(&run.drive(&mut calls, pace, "down").unwrap(), 100);
    assert_eq!(calls.up(), 0);
}

#[test]
fn new_calls_and_those_that_are_up_are_counted_apart() {
    let (ground, mut run, _) = stage(Transport::Udp);
    let millis = Duration::from_millis;
    let manner = Manner { ring: millis(5), talk: millis(10), long: millis(30), trying: true, from_lines: false };
    let parked = park::Manner {
        ring: millis(5),
        talk: millis(5),
        reminder: millis(9_000),
        stays: true,
        orbits: 1,
        first_line: 0,
    };
    let mut load = Overload::new(&ground, manner, parked, &run.pids, &mut run.ends).unwrap();
    run.drive(&mut load, Pace::Steady { rate: 1000, total: 50 }, "up").unwrap();
    let established = &load.established.tally;
    assert_eq!((established.offered, established.completed, load.up(), load.pending()), (50, 50, 50, 0));
    let meanwhile = Meanwhile { from: run.now(), lasts: 1_500_000, hang_ups: 20, retrievals: 1 };
    load.load(meanwhile).unwrap();
    assert_eq!(load.begins, Begins::New);
    is_clean(&run.drive(&mut load, Pace::Steady { rate: 200, total: 340 }, "new").unwrap(), 340);
    let established = &load.established.tally;
    assert_eq!((established.offered, established.completed, established.setup.len()), (20, 20, 20));
    assert_eq!((load.parks.tally.offered, load.parks.tally.failed), (1, 1), "there is none to retrieve");
    let (goodput, cpu) = load.goodput(300_000, 1_500_000);
    assert!((150.0..250.0).contains(&goodput) && cpu < 2.0, "{goodput} {cpu}");
    assert_eq!(load.up(), 30);
}

#[test]
fn a_server_that_refuses_ends_a_ramp() {
    let (ground, mut run, _) = stage(Transport::Udp);
    // The caller's own end takes no calls: 481, acknowledged.
    let ground = Ground { server: ground.address(Side::Caller), ..ground };
    let zero = Duration::ZERO;
    let manner = Manner { ring: zero, talk: zero, long: zero, trying: false, from_lines: false };
    let mut calls = Calls::new(&ground, manner, &mut run.ends).unwrap();
    let outcome = run.drive(&mut calls, Pace::Ramp(Ramp { start: 100, percent: 50, seconds: 1 }), "ramp").unwrap();
    assert_eq!(outcome.broke, Some(0));
    assert_eq!((outcome.tally.completed, outcome.tally.failed), (0, outcome.tally.offered));
    let causes: Vec<String> = outcome.tally.causes.keys().map(ToString::to_string).collect();
    assert_eq!(causes, ["INVITE 481"]);
}
