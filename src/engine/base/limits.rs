//! Every queue and table has a limit, and here they all are. Over one: a defined refusal and a counter.

/// The largest message taken from a datagram, in bytes; over it 513 (RFC 3261 §21.5.14).
pub const MESSAGE_BYTES: usize = 64_000;
/// A request larger than this goes by a stream where there is one (RFC 3261 §18.1.1).
pub const DATAGRAM_REQUEST_BYTES: usize = 1_300;
/// Peers remembered that take no streams.
pub const REFUSING_PEERS: usize = 10_000;
/// Connections, and addresses of a NAT, remembered that a phone has left for another; the oldest is forgotten first.
pub const MOVES: usize = 65_536;
/// Places from which one phone is followed to where it is now; the oldest is forgotten first.
pub const FORMER_PLACES: usize = 64;
/// Legs alive at once; over it 503 with Retry-After.
pub const LEGS: usize = 4_000_000;
/// Transactions and their tombstones alive at once; over it 503 with Retry-After. Our BYE and PRACK are never shed.
pub const TRANSACTIONS: usize = 8_000_000;
/// Timers armed at once; over it no new transaction: 503 with Retry-After.
pub const TIMERS: usize = 16_000_000;
/// Contacts that a call to one line rings at once.
pub const FORKS: usize = 16;
/// A number or user part, in bytes.
pub const NUMBER_BYTES: usize = 64;
/// A display name kept, in bytes; longer ones are cut at a character.
pub const NAME_BYTES: usize = 64;
/// A registered Contact's URI and parameters, in bytes; over it 400.
pub const CONTACT_BYTES: usize = 1_024;
/// Route header field values that a dialog keeps; more make the dialog-forming request be refused.
pub const ROUTES: usize = 32;
/// Sources and users whose failed authentications are remembered; the oldest is forgotten first.
pub const FAILED_AUTHENTICATIONS: usize = 100_000;
/// Used nonces remembered for their counts; the oldest is forgotten first.
pub const NONCES: usize = 1_000_000;
/// Dialogs that ended a moment ago and are still known as such; the oldest is forgotten first.
pub const ENDED_DIALOGS: usize = 1_024;
/// Seconds told in Retry-After when the server sheds work.
pub const RETRY_AFTER_SECONDS: u32 = 5;
/// Connections in all.
pub const CONNECTIONS: usize = 65_536;
/// Connections from one source.
pub const CONNECTIONS_OF_ONE_SOURCE: usize = 4_096;
/// Connections on which no whole message has come; over it the oldest of them is closed.
pub const HALF_OPEN_CONNECTIONS: usize = 1_024;
/// Bytes that wait for the peer of one connection; over it the connection is closed.
pub const CONNECTION_QUEUE_BYTES: usize = 262_144;
/// The same for a trunk, which may have all calls on one connection: a fifth of a second of 10 000 calls/s.
pub const TRUNK_QUEUE_BYTES: usize = 4_194_304;
/// Commands and arrivals waiting for the loop from other threads.
pub const LOOP_QUEUE: usize = 4_096;
/// Subscriptions in all; over it 503 with Retry-After.
pub const SUBSCRIPTIONS: usize = 100_000;
/// Subscriptions of one line, all its phones together; over it 480 with Retry-After.
pub const SUBSCRIPTIONS_OF_ONE_LINE: usize = 500;
/// Calls that a line's or a lot's lamp tells of at once; a lot of more orbits is not told as a list.
pub const CALLS_SHOWN: usize = 64;
/// Lines in all, those of ranges included.
pub const LINES: usize = 16_000_000;
/// Calls that failed within the last minutes, for which a callback may still be asked for; the oldest is forgotten first.
pub const FAILED_CALLS: usize = 10_000;
/// Callbacks asked for within an hour that are remembered; the oldest is forgotten first.
pub const CALLBACKS_WITHIN_THE_HOUR: usize = 10_000;
/// Orbits of one lot.
pub const ORBITS: usize = 10_000;

/// The limits of what an engine has alive at once, as it goes by them: a test lowers what it could not reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) legs: usize,
    pub(crate) transactions: usize,
    pub(crate) timers: usize,
    pub(crate) subscriptions: usize,
    pub(crate) nonces: usize,
    pub(crate) failed_authentications: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            legs: LEGS,
            transactions: TRANSACTIONS,
            timers: TIMERS,
            subscriptions: SUBSCRIPTIONS,
            nonces: NONCES,
            failed_authentications: FAILED_AUTHENTICATIONS,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Each limit, and the tests that reach it: what is refused or forgotten, what is counted, and that all is well
    /// afterwards. Some of them are reached without a word: a name is cut; dialogs that have ended and places that a phone
    /// has left are forgotten long before anybody asks for them.
    const REACHED: &[(&str, &str, &[&str])] = &[
        ("MESSAGE_BYTES", STORIES, &["messages"]),
        ("MESSAGE_BYTES", STREAMS, &["a_message_too_large_is_the_last_one"]),
        ("DATAGRAM_REQUEST_BYTES", STORIES, &["requests_by_datagram"]),
        ("REFUSING_PEERS", STORIES, &["phones_that_moved_and_peers_that_take_no_streams"]),
        (
            "REFUSING_PEERS",
            "src/engine/ground/connections.rs",
            &["who_takes_no_streams_is_asked_again_when_too_many_do_not"],
        ),
        ("MOVES", STORIES, &["phones_that_moved_and_peers_that_take_no_streams"]),
        ("MOVES", "src/engine/ground/moves.rs", &["the_oldest_moves_are_forgotten"]),
        ("FORMER_PLACES", "src/engine/ground/moves.rs", &["a_phone_is_followed_from_so_many_places"]),
        ("LEGS", STORIES, &["legs", "the_leg_that_would_ring"]),
        ("TRANSACTIONS", STORIES, &["transactions"]),
        ("TIMERS", STORIES, &["timers"]),
        ("FORKS", STORIES, &["forks"]),
        ("FORKS", "src/engine/sim/stories/forks.rs", &["one_fork_too_many"]),
        ("NUMBER_BYTES", STORIES, &["numbers"]),
        ("NAME_BYTES", STORIES, &["names"]),
        ("CONTACT_BYTES", STORIES, &["contacts"]),
        ("ROUTES", STORIES, &["routes"]),
        ("FAILED_AUTHENTICATIONS", "src/engine/line/tests/proving.rs", &["a_guesser_who_was_forgotten_begins_anew"]),
        ("FAILED_AUTHENTICATIONS", "src/engine/registrar/penalty.rs", &["only_so_many_are_remembered"]),
        ("NONCES", "src/engine/line/tests/proving.rs", &["a_nonce_that_was_forgotten_is_asked_for_again"]),
        ("NONCES", "src/engine/registrar/nonce.rs", &["a_forgotten_nonce_cannot_be_replayed"]),
        ("ENDED_DIALOGS", "src/engine/leg/replaces.rs", &["the_oldest_of_those_that_ended_are_forgotten"]),
        ("RETRY_AFTER_SECONDS", STORIES, &["legs", "transactions", "timers", "time"]),
        ("CONNECTIONS", "src/net/tcp/door.rs", &["so_many_in_all_and_no_more"]),
        ("CONNECTIONS_OF_ONE_SOURCE", STREAMS, &["one_source_has_so_many_connections_and_no_more"]),
        ("CONNECTIONS_OF_ONE_SOURCE", "src/net/tcp/door.rs", &["so_many_from_one_source_and_no_more"]),
        ("HALF_OPEN_CONNECTIONS", STREAMS, &["of_too_many_that_say_nothing_the_oldest_is_shown_out"]),
        ("HALF_OPEN_CONNECTIONS", "src/net/tcp/door.rs", &["of_too_many_that_say_nothing_the_oldest_goes"]),
        ("CONNECTION_QUEUE_BYTES", "src/net/tests.rs", &["who_does_not_listen_is_cut_off_and_a_trunk_later"]),
        ("TRUNK_QUEUE_BYTES", "src/net/tests.rs", &["who_does_not_listen_is_cut_off_and_a_trunk_later"]),
        ("LOOP_QUEUE", "src/net/tests.rs", &["a_full_queue_refuses_and_the_depth_stays_right"]),
        ("LOOP_QUEUE", "src/net/tests.rs", &["who_found_the_queue_full_is_told_of_and_the_rest_is_done"]),
        ("SUBSCRIPTIONS", STORIES, &["subscriptions"]),
        ("SUBSCRIPTIONS_OF_ONE_LINE", STORIES, &["subscriptions_of_one_line"]),
        ("CALLS_SHOWN", STORIES, &["calls_that_a_lamp_tells_of"]),
        ("LINES", "src/config/tests.rs", &["every_problem_is_told_with_its_place", "as_many_as_there_may_be"]),
        ("FAILED_CALLS", "src/engine/feature/completion/tests.rs", &["the_oldest_failures_are_forgotten"]),
        ("CALLBACKS_WITHIN_THE_HOUR", "src/engine/feature/completion/tests.rs", &["the_oldest_wishes_are_forgotten"]),
        ("ORBITS", "src/config/tests.rs", &["every_problem_is_told_with_its_place", "as_many_as_there_may_be"]),
    ];
    const STORIES: &str = "src/engine/sim/stories/limits.rs";
    const STREAMS: &str = "interop-tests/stories/streams/raw.rs";

    #[test]
    fn every_limit_is_reached_by_a_test() {
        let constants = include_str!("limits.rs").lines().filter_map(|line| line.strip_prefix("pub const "));
        let names: Vec<&str> = constants.filter_map(|rest| rest.split(':').next()).collect();
        assert!(names.len() > 20, "{names:?}");
        for name in &names {
            assert!(REACHED.iter().any(|(limit, ..)| limit == name), "no test reaches {name}");
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (name, file, tests) in REACHED {
            assert!(names.contains(name), "there is no limit {name}");
            let text = std::fs::read_to_string(root.join(file)).unwrap();
            let found: Vec<&str> = text.split("#[test]").skip(1).filter_map(named).collect();
            for test in *tests {
                assert!(found.contains(test), "{name}: {file} has no {test}");
            }
        }
    }

    /// The name of the function that begins here.
    fn named(text: &str) -> Option<&str> {
        text.trim_start().strip_prefix("fn ")?.split('(').next()
    }
}
