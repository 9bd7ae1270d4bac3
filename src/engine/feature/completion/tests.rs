//! Call completion against a switch that only remembers: what is ordered, in which order.
use super::super::recorder::{Recorder, Told};
use super::*;
use crate::base::limits::{CALLBACKS_WITHIN_THE_HOUR, FAILED_CALLS};
use crate::session::{Duty, Phrase, Reason, SessionEvent};
use crate::settings::Operation;

const ALICE: u32 = 1;
const BOB: u32 = 2;
const CAROL: u32 = 3;
const GUARD: Duration = Duration::from_secs(5);

/// What is tested, and the switch.
struct Office {
    completions: Completions,
    pbx: Recorder,
}

impl Office {
    fn new(change: impl FnOnce(&mut CompletionSettings)) -> Self {
        let mut settings = Settings::new("pbx.test");
        change(&mut settings.completion);
        Self { completions: Completions::new(&settings, 0), pbx: Recorder::default() }
    }

    /// Bob has a call; somebody's call to him has failed, and it asks.
    fn asks(&mut self, line: u32) -> bool {
        self.pbx.talks(BOB, 1);
        self.fails(line, Cause::Busy);
        self.dials(line, Operation::CallbackRequest)
    }

    fn fails(&mut self, line: u32, cause: Cause) {
        let caller = self.pbx.seat(line, "", Duty::Code);
        self.completions.refuse(caller, (Some(LineNo(BOB)), true), (cause, ""), &mut self.pbx);
    }

    fn dials(&mut self, line: u32, operation: Operation) -> bool {
        let code = self.pbx.seat(line, "", Duty::Code);
        let done = self.completions.code(code, operation, &mut self.pbx);
        self.pbx.drop(code, Cause::Normal, "");
        self.pbx.take();
        done
    }

    fn bob_is_free(&mut self) {
        self.pbx.talks(BOB, 0);
        self.completions.line_idle(LineNo(BOB), &mut self.pbx);
    }

    /// So much time passes: something is due, and done. What is ordered.
    fn passes(&mut self, time: Duration) -> Vec<Told> {
        match self.pbx.passes(time) {
            Some(Wake::Guard(line)) => self.completions.guarded(line, &mut self.pbx),
            Some(Wake::Completion(id)) => self.completions.woke(Handle::unpack(id), &mut self.pbx),
            other => panic!("{other:?}"),
        }
        self.orders()
    }

    /// What happens to a session of the one request.
    fn happens(&mut self, event: SessionEvent) -> Option<Met> {
        let id = self.only();
        self.completions.happened(id, event, &mut self.pbx)
    }

    fn only(&self) -> RequestId {
        self.completions.requests.iter().next().expect("a request").0
    }

    /// Who rings, listens or waits for it.
    fn sessions(&self) -> Vec<SessionId> {
        self.completions.seen().into_iter().flat_map(|seen| seen.sessions).collect()
    }

    /// What was ordered, without deadlines, news and what is kept.
    fn orders(&mut self) -> Vec<Told> {
        self.pbx
            .take()
            .into_iter()
            .filter(|told| !matches!(told, Told::Wake(..) | Told::Tell(_) | Told::Keep(_)))
            .collect()
    }
}

fn rings(line: u32, shown: &str) -> Told {
    Told::Ring(Recorder::phone(line), shown.into())
}

/// From the wish to the call, order by order.
#[test]
fn who_asked_is_rung_then_the_line_then_they_are_joined() {
    let mut office = Office::new(|_| {});
    assert!(office.asks(ALICE));
    office.bob_is_free();
    let woken = office.pbx.take();
    assert_eq!(woken, [Told::Wake(Wake::Guard(LineNo(BOB)), GUARD)]);
    assert_eq!(office.passes(GUARD), [rings(ALICE, "Callback: 1002")]);
    let alice = office.sessions()[0];
    assert_eq!(office.happens(SessionEvent::Answered(alice)), None);
    assert_eq!(office.orders(), [rings(BOB, ""), Told::Say(alice, Phrase::Calling, "1002".into())]);
    let bob = office.sessions().into_iter().find(|&who| who != alice).expect("Bob's phone");
    assert_eq!(office.happens(SessionEvent::Answered(bob)), None);
    assert_eq!(office.orders(), [Told::Join(alice, bob, Reason::CallCompletion)]);
    let met = office.happens(SessionEvent::Joined(alice, bob));
    assert_eq!(met, Some(Met { caller: alice, target: bob }));
    assert_eq!(office.orders(), [], "nobody is let go");
    assert!(office.completions.is_empty());
}

/// Whoever goes at whichever moment: nobody is left ringing, and nobody is left alone.
#[test]
fn somebody_leaves_on_the_way() {
    let mut office = Office::new(|_| {});
    office.asks(ALICE);
    office.bob_is_free();
    office.passes(GUARD);
    let alice = office.sessions()[0];
    office.happens(SessionEvent::Answered(alice));
    let bob = office.sessions().into_iter().find(|&who| who != alice).expect("Bob's phone");
    office.orders();
    office.happens(SessionEvent::Left(alice, Cause::Normal));
    assert!(office.orders().contains(&Told::Drop(bob, Cause::AnsweredElsewhere)), "Bob's phone stops ringing");
    assert!(office.completions.is_empty());
    for (event, is_told) in [
        (SessionEvent::Left as fn(SessionId, Cause) -> SessionEvent, false),
        (SessionEvent::Failed as fn(SessionId, Cause) -> SessionEvent, true),
    ] {
        let mut office = Office::new(|_| {});
        office.asks(ALICE);
        office.bob_is_free();
        office.passes(GUARD);
        let alice = office.sessions()[0];
        office.happens(SessionEvent::Answered(alice));
        let bob = office.sessions().into_iter().find(|&who| who != alice).expect("Bob's phone");
        if !is_told {
            office.happens(SessionEvent::Answered(bob));
        }
        office.orders();
        office.happens(event(bob, Cause::Rejected));
        let orders = office.orders();
        let told = orders.contains(&Told::Say(alice, Phrase::NobodyAnswers, String::new()));
        let dropped = orders.contains(&Told::Drop(alice, Cause::Normal));
        assert_eq!((told, dropped), (is_told, !is_told), "{orders:?}");
        assert!(office.completions.is_empty());
    }
}

/// The two could not be joined: both are let go.
#[test]
fn a_join_that_fails_ends_it() {
    let mut office = Office::new(|_| {});
    office.asks(ALICE);
    office.bob_is_free();
    office.passes(GUARD);
    let alice = office.sessions()[0];
    office.happens(SessionEvent::Answered(alice));
    let bob = office.sessions().into_iter().find(|&who| who != alice).expect("Bob's phone");
    office.happens(SessionEvent::Answered(bob));
    office.orders();
    office.happens(SessionEvent::JoinFailed(alice, bob));
    assert_eq!(office.orders(), [Told::Drop(bob, Cause::Normal), Told::Drop(alice, Cause::Normal)]);
}

/// Why a call failed, by what its caller is told.
#[test]
fn what_kind_of_failure_it_was() {
    for (cause, away, kind) in [
        (Cause::Busy, false, Some(CompletionKind::Busy)),
        (Cause::NoAnswer, false, Some(CompletionKind::NoReply)),
        (Cause::Unavailable, false, Some(CompletionKind::NoReply)),
        (Cause::Unavailable, true, Some(CompletionKind::NotRegistered)),
        (Cause::Timeout, true, Some(CompletionKind::NotRegistered)),
        (Cause::Rejected, false, None),
        (Cause::Forbidden, false, None),
        (Cause::Overload, false, None),
    ] {
        let mut office = Office::new(|_| {});
        office.pbx.is_there(BOB, !away);
        office.fails(ALICE, cause);
        assert_eq!(office.dials(ALICE, Operation::CallbackRequest), kind.is_some(), "{cause:?}");
        let found = office.completions.requests.iter().next().map(|(_, request)| request.kind);
        assert_eq!(found, kind, "{cause:?}");
    }
}

/// A caller without the right to it, or for a line that does not wish it, cannot stay on the line either.
#[test]
fn who_wants_no_callbacks_has_none() {
    for line in [ALICE, BOB] {
        let mut office = Office::new(|settings| settings.camp_on = true);
        office.pbx.wants_no_callbacks(line);
        office.pbx.talks(BOB, 1);
        let caller = office.pbx.seat(ALICE, "", Duty::Code);
        office.completions.refuse(caller, (Some(LineNo(BOB)), true), (Cause::Busy, ""), &mut office.pbx);
        let stays = line == ALICE;
        assert_eq!(office.pbx.duty(caller).is_some(), stays, "waiting is not being called back");
        assert!(!office.dials(ALICE, Operation::CallbackRequest));
    }
}

/// While the server goes down nobody new is called, and who waits on the line still is.
#[test]
fn a_server_that_goes_down_calls_nobody_back() {
    for camps in [false, true] {
        let mut office = Office::new(|settings| settings.camp_on = camps);
        if camps {
            office.pbx.talks(BOB, 2);
            office.fails(ALICE, Cause::Busy);
        } else {
            office.asks(ALICE);
        }
        office.completions.draining = true;
        office.orders();
        office.bob_is_free();
        if camps {
            assert_eq!(office.orders(), [rings(BOB, "")]);
        } else {
            assert_eq!(office.passes(GUARD), []);
        }
    }
}

#[test]
fn the_oldest_failures_are_forgotten() {
    let mut office = Office::new(|_| {});
    office.fails(ALICE, Cause::Busy);
    for _ in 1..FAILED_CALLS {
        office.fails(CAROL, Cause::Busy);
    }
    assert!(office.dials(ALICE, Operation::CallbackRequest), "as many as are remembered");
    office.dials(ALICE, Operation::CallbackCancel);
    office.fails(CAROL, Cause::Busy);
    assert!(!office.dials(ALICE, Operation::CallbackRequest), "and one more");
    assert!(office.dials(CAROL, Operation::CallbackRequest));
}

#[test]
fn the_oldest_wishes_are_forgotten() {
    let mut office = Office::new(|settings| settings.max_per_hour = 1);
    assert!(office.asks(ALICE));
    office.dials(ALICE, Operation::CallbackCancel);
    let now = office.pbx.now();
    for _ in 1..CALLBACKS_WITHIN_THE_HOUR {
        office.completions.remember(LineNo(CAROL), now);
    }
    assert!(!office.asks(ALICE), "she has had her one");
    office.completions.remember(LineNo(CAROL), now);
    assert!(office.asks(ALICE), "nobody knows any more");
}

/// Who waits is shown whom for, and told so.
#[test]
fn who_stays_is_answered_with_music() {
    let mut office = Office::new(|settings| settings.camp_on = true);
    office.pbx.talks(BOB, 1);
    let caller = office.pbx.seat(ALICE, "", Duty::Code);
    office.completions.refuse(caller, (Some(LineNo(BOB)), false), (Cause::Busy, ""), &mut office.pbx);
    assert_eq!(
        office.orders(),
        [Told::Accept(caller, String::new()), Told::Say(caller, Phrase::BusyStay, String::new())]
    );
    assert_eq!(office.sessions(), [caller]);
}
