//! What is to be done later. There are few different delays, so each has a queue of its own and nothing is sorted.
use std::collections::VecDeque;

/// Microseconds since the start.
pub(crate) type Micros = u64;

/// RFC 3261's T1 and T2, and when a transaction has failed (§17.1).
pub(crate) const T1: Micros = 500_000;
pub(crate) const T2: Micros = 4_000_000;
pub(crate) const TIMEOUT: Micros = 64 * T1;

/// Things to do.
#[derive(Debug)]
pub(crate) struct Agenda<E> {
    lanes: Vec<Lane<E>>,
}

#[derive(Debug)]
struct Lane<E> {
    delay: Micros,
    waiting: VecDeque<(Micros, E)>,
}

impl<E> Agenda<E> {
    pub(crate) const fn new() -> Self {
        Self { lanes: Vec::new() }
    }

    /// In so many microseconds.
    pub(crate) fn after(&mut self, now: Micros, delay: Micros, event: E) {
        let entry = (now + delay, event);
        match self.lanes.iter_mut().find(|lane| lane.delay == delay) {
            Some(lane) => lane.waiting.push_back(entry),
            None => self.lanes.push(Lane { delay, waiting: VecDeque::from([entry]) }),
        }
    }

    /// Something that is due.
    pub(crate) fn due(&mut self, now: Micros) -> Option<E> {
        self.lanes.iter_mut().find_map(|lane| lane.waiting.pop_front_if(|(at, _)| *at <= now)).map(|(_, event)| event)
    }
}

/// When a request is sent again after it has been sent so many times (Timers A and E): None when it has failed.
pub(crate) const fn pause(tries: u8, is_invite: bool) -> Option<Micros> {
    let mut sent = 1;
    let (mut at, mut pause) = (0, T1);
    loop {
        let left = TIMEOUT - at;
        if sent == tries {
            return if left == 0 {
                None
            } else if left < pause {
                Some(left)
            } else {
                Some(pause)
            };
        }
        if left < pause {
            return None;
        }
        at += pause;
        pause = if is_invite || pause * 2 < T2 { pause * 2 } else { T2 };
        sent += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_in_its_time() {
        let mut agenda = Agenda::new();
        agenda.after(0, 100, 'a');
        agenda.after(10, 100, 'b');
        agenda.after(20, 50, 'c');
        assert_eq!(agenda.due(69), None);
        assert_eq!((agenda.due(70), agenda.due(99)), (Some('c'), None));
        assert_eq!((agenda.due(110), agenda.due(110), agenda.due(110)), (Some('a'), Some('b'), None));
    }

    /// RFC 3261 §17.1.1.2, §17.1.2.2.
    #[test]
    fn requests_are_sent_again_as_the_timers_say() {
        let sent = |is_invite| {
            let pauses: Vec<u64> = (1..).map_while(|tries| pause(tries, is_invite)).map(|pause| pause / 1000).collect();
            assert_eq!(pauses.iter().sum::<u64>(), 32_000);
            pauses
        };
        assert_eq!(sent(true), [500, 1000, 2000, 4000, 8000, 16_000, 500]);
        assert_eq!(sent(false), [500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000, 500]);
    }
}
