//! What must be true after every step of the engine, whatever happened; and what may be left when all is over.
use super::world::World;
use crate::base::Room;
use crate::session::peek::Seen;
use crate::session::{Duty, SessionId, State, Wake};
use crate::transaction::Owner;
use crate::wire::sdp::STREAMS;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Looks at the whole engine.
pub(super) fn check(world: &World) {
    let sessions = world.engine.exchange.seen();
    let by_id: HashMap<SessionId, &Seen> = sessions.iter().map(|session| (session.who, session)).collect();
    owners(world, &sessions);
    bridges(&sessions, &by_id);
    orbits(world, &sessions, &by_id);
    completions(world, &sessions, &by_id);
    ports(world, &sessions);
    counts(world, &sessions);
    timers(world, &by_id);
    watchers(world);
}

/// Every subscription is told some day, ends some day, and is known where it should be.
fn watchers(world: &World) {
    let wrong = world.engine.watch.mistakes(&world.engine.exchange.legs.transactions.ground.timers);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A session has one owner and its leg exists; a leg that somebody wants belongs to one session.
fn owners(world: &World, sessions: &[Seen]) {
    let legs = &world.engine.exchange.legs;
    for session in sessions {
        assert!(legs.exists(session.leg), "the leg of {session:?} is gone");
        assert_eq!(legs.owner(session.leg), Owner(session.who.pack()), "the leg of {session:?} is another's");
        assert_ne!(session.state, State::Disconnected, "{session:?} is over, and still there");
        assert!(!session.wasteful, "it talks to somebody, and has a port of ours: {session:?}");
        assert!(!session.stuck, "nothing will begin what {session:?} wants");
        assert!(!session.busy || legs.is_changing(session.leg), "nobody works on what {session:?} is busy with");
        assert_eq!(session.listed, session.state == State::OnHold, "who holds is listed: {session:?}");
        if let Duty::Call(call) = session.duty {
            // Whom a transfer leads to has answered, and waits for the transferee.
            let waits = world.engine.features.has_transfer(call);
            assert!(!session.alone || waits, "nobody talks to {session:?}");
            assert!(world.engine.features.has_call(call), "the call of {session:?} is gone");
        }
    }
    let wanted = legs.seen().filter(|(_, owner)| *owner != Owner::NOBODY).count();
    assert_eq!(wanted, sessions.len(), "legs that belong to sessions, and sessions");
}

/// Both sides of a bridge agree.
fn bridges(sessions: &[Seen], by_id: &HashMap<SessionId, &Seen>) {
    for session in sessions.iter().filter(|session| session.bridge != SessionId::NONE) {
        let other = by_id.get(&session.bridge);
        assert_eq!(other.map(|other| other.bridge), Some(session.who), "{session:?} and {other:?}");
        assert!(session.state.is_up(), "{session:?} is bridged");
        if let (Duty::Call(call), Some(Duty::Call(others))) = (session.duty, other.map(|other| other.duty)) {
            assert_eq!(call, others, "{session:?} and {other:?} talk in one call");
        }
        let is_let_go = other.is_some_and(|other| other.duty == Duty::Code);
        assert!(!(is_let_go && matches!(session.duty, Duty::Call(_))), "{session:?} talks to {other:?}, who is let go");
    }
}

/// An orbit has one call, and that call knows; who rings or fetches works for an orbit that knows.
fn orbits(world: &World, sessions: &[Seen], by_id: &HashMap<SessionId, &Seen>) {
    let stays = world.engine.features.stays();
    for stay in &stays {
        let duty = by_id.get(&stay.call).map(|session| session.duty);
        assert_eq!(duty, Some(Duty::Parked(stay.orbit)), "{stay:?}");
        for ringing in &stay.ringing {
            let duty = by_id.get(ringing).map(|session| session.duty);
            assert_eq!(duty, Some(Duty::Reminder(stay.orbit)), "{stay:?}");
        }
        if let Some(by) = stay.claimed_by {
            let duty = by_id.get(&by).map(|session| session.duty);
            let right = [Some(Duty::Retriever(stay.orbit)), Some(Duty::Reminder(stay.orbit))];
            assert!(right.contains(&duty), "{stay:?} is claimed by {duty:?}");
        }
        if stay.reminding {
            let timers = &world.engine.exchange.legs.transactions.ground.timers;
            assert!(timers.is_armed(stay.timer), "nothing ends the reminder of {stay:?}");
        }
    }
    for session in sessions {
        let at = |orbit: u32| stays.iter().find(|stay| stay.orbit == orbit);
        let known = match session.duty {
            Duty::Parked(orbit) => at(orbit).is_some_and(|stay| stay.call == session.who),
            Duty::Retriever(orbit) => at(orbit).is_some_and(|stay| stay.claimed_by == Some(session.who)),
            Duty::Reminder(orbit) => at(orbit)
                .is_some_and(|stay| stay.ringing.contains(&session.who) || stay.claimed_by == Some(session.who)),
            Duty::Reserver(orbit) => world.engine.features.reserver(orbit) == Some(session.who),
            Duty::Echo(timer) => world.engine.exchange.legs.transactions.ground.timers.is_armed(timer),
            Duty::Call(_) | Duty::Told(_) | Duty::Code | Duty::Offered(..) | Duty::Completion(_) => true,
        };
        assert!(known, "its orbit does not know {session:?}");
    }
}

/// Who rings, listens or waits for a callback works for a request that knows; one for a line is served at a time.
fn completions(world: &World, sessions: &[Seen], by_id: &HashMap<SessionId, &Seen>) {
    let completions = world.engine.features.completions();
    let requests = completions.seen();
    let timers = &world.engine.exchange.legs.transactions.ground.timers;
    let mut served = BTreeSet::new();
    for request in &requests {
        for who in &request.sessions {
            let duty = by_id.get(who).map(|session| session.duty);
            assert_eq!(duty, Some(Duty::Completion(request.request)), "{request:?}");
        }
        assert!(timers.is_armed(request.timer), "nothing ends {request:?}");
        let is_served = matches!(request.stage, "recalling" | "connecting");
        assert!(!is_served || served.insert(request.target), "two are called at once: {requests:?}");
    }
    for session in sessions {
        if let Duty::Completion(of) = session.duty {
            let known = requests.iter().any(|request| request.request == of && request.sessions.contains(&session.who));
            assert!(known, "its request does not know {session:?}");
        }
    }
    let suspended = requests.iter().filter(|request| request.stage == "suspended").count();
    assert_eq!(completions.listed(), (requests.len(), suspended), "{requests:?}");
}

/// No RTP port is used twice, and those in use are those that sessions have.
fn ports(world: &World, sessions: &[Seen]) {
    let all = sessions.iter().flat_map(|session| session.face.into_iter().chain([session.port]));
    let used: Vec<u16> = all.filter(|port| *port != 0).collect();
    let distinct: BTreeSet<u16> = used.iter().copied().collect();
    assert_eq!(used.len(), distinct.len(), "a port is used twice: {used:?}");
    assert_eq!(world.engine.exchange.ports_used(), used.len(), "ports in use");
    assert_eq!(world.ports, distinct, "ports that media has open");
    let exchange = &world.engine.exchange;
    assert_eq!(exchange.faces(), exchange.faced(), "a face is a session's");
    // What comes from one of two goes to the other.
    for session in sessions {
        let other = sessions.iter().find(|other| other.who == session.bridge);
        for (one, other) in session.face.iter().zip(other.map_or([0; STREAMS], |other| other.face)) {
            if let Some(linked) = world.links.get(one) {
                let right = other == 0 || *linked == other;
                assert!(right, "what comes to {one} goes to {linked}, but {session:?} talks at {other}");
            }
        }
    }
}

/// What is counted is what there is.
fn counts(world: &World, sessions: &[Seen]) {
    let counters = world.engine.features.call_counters();
    let begun: u64 = counters.iter().flat_map(|c| c.attempts.iter()).map(|(.., n)| n).sum();
    let ended: u64 = counters.iter().flat_map(|c| c.ended.iter()).map(|(.., n)| n).sum();
    let live = world.engine.features.calls_live() + world.engine.features.outbound_live();
    assert_eq!(begun - ended, live as u64, "calls begun and not ended");
    let mut lines = BTreeMap::new();
    for line in sessions.iter().filter_map(|session| session.line) {
        *lines.entry(line).or_insert(0) += 1;
    }
    for (line, calls) in lines {
        assert_eq!(world.engine.exchange.calls_counted(line), calls, "calls of {line:?}");
    }
    assert_eq!(
        world.engine.features.ringing_listed(),
        world.engine.features.ringing(&world.engine.exchange),
        "what rings is listed"
    );
    let holding = sessions.iter().filter(|session| session.state == State::OnHold).count();
    assert_eq!(world.engine.exchange.holders(), holding, "who holds is listed once");
}

/// No timer without somebody who waits for it.
fn timers(world: &World, by_id: &HashMap<SessionId, &Seen>) {
    let legs = &world.engine.exchange.legs;
    for alarm in legs.transactions.ground.timers.alarms() {
        let expected = match alarm.room {
            Room::Client | Room::Server => legs.transactions.expects(alarm),
            Room::Leg => legs.expects(alarm),
            Room::Session => by_id.contains_key(&SessionId::unpack(alarm.whom)),
            Room::Line => true,
            Room::Watch => world.engine.watch.expects(alarm),
            Room::Feature => match Wake::read(alarm) {
                Wake::Call(call) => world.engine.features.has_call(call),
                Wake::Orbit(orbit) => {
                    world.engine.features.stays().iter().any(|stay| stay.orbit == orbit)
                        || world.engine.features.reserver(orbit).is_some()
                }
                Wake::Comfort(orbit) => world.engine.features.stays().iter().any(|stay| stay.orbit == orbit),
                // A few seconds after the last word; whoever hung up before is not waited for.
                Wake::HangUp(_) => true,
                Wake::Keys(who) => world.engine.features.is_typing(who),
                Wake::Completion(request) => world.engine.features.completions().has(request),
                Wake::Guard(line) => world.engine.features.completions().has_queue(line),
            },
        };
        assert!(expected, "nobody waits for {alarm:?}");
    }
}

/// What is left of calls, when there should be none.
pub(super) fn leftovers(world: &World) -> Vec<String> {
    let exchange = &world.engine.exchange;
    let mut left = Vec::new();
    left.extend(exchange.seen().iter().map(|session| format!("{session:?}")));
    left.extend(exchange.legs.seen().map(|leg| format!("{leg:?}")));
    left.extend(world.engine.features.stays().iter().map(|stay| format!("{stay:?}")));
    left.extend(world.engine.watch.seen().iter().map(|seen| format!("{seen:?}")));
    left.extend(world.engine.features.completions().seen().iter().map(|request| format!("{request:?}")));
    let records = exchange.legs.transactions.count();
    if records != [0; 4] {
        left.push(format!("transactions: clients, servers, pending, open {records:?}"));
    }
    let timers = exchange.legs.transactions.ground.timers.alarms();
    left.extend(timers.filter(|alarm| alarm.room != Room::Line).map(|alarm| format!("{alarm:?}")));
    if !world.ports.is_empty() || world.engine.features.calls_live() != 0 {
        left.push(format!("ports {:?}, calls {}", world.ports, world.engine.features.calls_live()));
    }
    let live: u64 = world.snapshot().gauges.transactions.iter().map(|(.., n)| n).sum();
    if live != 0 {
        left.push(format!("{live} transactions are counted as live"));
    }
    left
}
