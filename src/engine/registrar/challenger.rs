//! Who proves to be whom: credentials judged, challenges and refusals sent (RFC 3261 §22, RFC 8760).
//!
//! Whoever fails is answered without being remembered, and the same whether the user exists or not. One thing is open to
//! see by design: a line with algorithms of its own is challenged with those, everybody else with the server's.
//!
//! Knows: credentials, nonces, guessers. Never: which users there are; it is told by a closure.
use super::digest::{self, Quality};
use super::nonce::{Nonces, Use};
use super::penalty::Penalties;
use crate::base::limits::Limits;
use crate::base::{Rng, Table};
use crate::counters::{AuthResult, Excess};
use crate::ground::Ground;
use crate::settings::{Algorithm, LineNo, Secret};
use crate::transaction::{Arrival, Transactions};
use crate::wire::header::credentials_scheme;
use crate::wire::text::{unquoted, unquoted_eq};
use crate::wire::{Credentials, Malformed, Message, Method, Name, Start, Status, bare};
use arrayvec::ArrayVec;

/// A user name is cut here; nobody of ours has one as long.
type Username = ArrayVec<u8, 192>;

/// Whom a user name stands for, and what they must know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account<'d> {
    /// Nobody's: judged like any other, and never right.
    pub(crate) line: Option<LineNo>,
    pub(crate) secret: &'d Secret,
    pub(crate) algorithms: &'d [Algorithm],
}

/// Why nobody was proved; whatever answer there is was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// 401.
    Challenged,
    /// 403.
    Forbidden,
    /// 400.
    Malformed,
    /// Nothing was sent.
    Ignored,
}

/// Asks for passwords, and judges the answers.
#[derive(Debug)]
pub(crate) struct Challenger {
    realm: Box<str>,
    nonces: Nonces,
    penalties: Penalties,
    /// What is hashed in place of a password where there is none.
    decoy: [u8; 8],
}

impl Challenger {
    pub(crate) fn new(realm: &str, rng: &mut Rng, limits: Limits) -> Self {
        Self {
            realm: realm.into(),
            nonces: Nonces::new(rng, limits.nonces),
            penalties: Penalties::new(limits.failed_authentications),
            decoy: rng.bits64().to_be_bytes(),
        }
    }

    /// Sources and users that are answered late.
    pub(crate) fn late(&self) -> usize {
        self.penalties.late()
    }

    /// Counts what was forgotten because there was too much of it.
    pub(crate) fn count(&self, excess: &mut Table<Excess>) {
        excess.add(Excess::Nonces, (), self.nonces.forgotten());
        excess.add(Excess::FailedAuthentications, (), self.penalties.forgotten());
    }

    /// Who sends this request. `offered` is what a request without credentials is challenged with.
    pub(crate) fn prove<'d>(
        &mut self,
        transactions: &mut Transactions,
        request: &Message<'_>,
        arrival: Arrival,
        offered: &[Algorithm],
        account: impl FnOnce(&[u8], &Ground) -> Account<'d>,
    ) -> Result<LineNo, Denied> {
        let first = offered.first().copied().unwrap_or(Algorithm::Md5);
        let credentials = match self.credentials(request) {
            Ok(Some(credentials)) => credentials,
            Ok(None) => {
                count(&mut transactions.ground, request, first, AuthResult::Missing);
                return Err(self.challenge(transactions, request, arrival, offered, false));
            }
            Err(malformed) => {
                count(&mut transactions.ground, request, first, AuthResult::Malformed);
                let (status, reason) = (malformed.status(), malformed.reason());
                transactions.reply_stateless(request, arrival.hop, status, Some(reason), bare);
                return Err(Denied::Malformed);
            }
        };
        let username: Username = unquoted(credentials.username).take(Username::new().capacity()).collect();
        let account = account(&username, &transactions.ground);
        let Some((algorithm, quality)) = agreed(&credentials, account.algorithms) else {
            count(&mut transactions.ground, request, first, AuthResult::Malformed);
            return Err(self.challenge(transactions, request, arrival, account.algorithms, false));
        };
        let guesser = transactions.ground.hasher.hash_one((arrival.hop.address.ip(), &*username));
        if self.penalties.is_shut_out(guesser, transactions.ground.now) {
            return Err(ignore(&mut transactions.ground, request, algorithm));
        }
        let Some(line) = self.knows(request, &credentials, algorithm, &username, account) else {
            return Err(self.refuse(transactions, request, arrival, algorithm, guesser));
        };
        let now = transactions.ground.now;
        let nonce: ArrayVec<u8, 64> = unquoted(credentials.nonce).take(64).collect();
        let result = match self.nonces.take(&nonce, quality, now) {
            Use::Fresh => AuthResult::Ok,
            Use::Stale => AuthResult::Stale,
            Use::Replayed => AuthResult::Replayed,
        };
        count(&mut transactions.ground, request, algorithm, result);
        if result != AuthResult::Ok {
            // The password is right: the phone need not ask its user again (RFC 7616 §3.3, stale).
            return Err(self.challenge(transactions, request, arrival, account.algorithms, true));
        }
        self.penalties.right(guesser);
        Ok(line)
    }

    /// The credentials for our realm; there may be others (RFC 3261 §22.3), and other schemes.
    fn credentials<'a>(&self, request: &Message<'a>) -> Result<Option<Credentials<'a>>, Malformed> {
        for value in request.fields(Name::Authorization) {
            if !credentials_scheme(value).0.eq_ignore_ascii_case(b"Digest") {
                continue;
            }
            let credentials = Credentials::parse(value)?;
            if unquoted_eq(credentials.realm, self.realm.as_bytes()) && !digest::is_blank(&credentials) {
                return Ok(Some(credentials));
            }
        }
        Ok(None)
    }

    /// The line whose password the sender knows. Everything is computed for nobody's names as well, so that they take as long.
    fn knows(
        &self,
        request: &Message<'_>,
        credentials: &Credentials<'_>,
        algorithm: Algorithm,
        username: &[u8],
        account: Account<'_>,
    ) -> Option<LineNo> {
        let method = match request.start() {
            Start::Request { method_text, .. } => method_text,
            Start::Response { .. } => return None,
        };
        let ha1 = digest::ha1(algorithm, username, self.realm.as_bytes(), account.secret, &self.decoy);
        let right = digest::is_right(algorithm, &ha1, credentials, method);
        account.line.filter(|_| right && !matches!(account.secret, Secret::None))
    }

    /// Wrong: a 403, if it is not too soon for one.
    fn refuse(
        &mut self,
        transactions: &mut Transactions,
        request: &Message<'_>,
        arrival: Arrival,
        algorithm: Algorithm,
        guesser: u64,
    ) -> Denied {
        let ground = &mut transactions.ground;
        let answered = self.penalties.wrong(guesser, ground.now);
        ground.counters.bans += u64::from(self.penalties.is_shut_out(guesser, ground.now));
        if answered {
            count(ground, request, algorithm, AuthResult::Wrong);
            transactions.reply_stateless(request, arrival.hop, Status::FORBIDDEN, None, bare);
            Denied::Forbidden
        } else {
            ignore(ground, request, algorithm)
        }
    }

    /// 401, with a field for each algorithm, the strongest first (RFC 8760 §2.3).
    fn challenge(
        &mut self,
        transactions: &mut Transactions,
        request: &Message<'_>,
        arrival: Arrival,
        algorithms: &[Algorithm],
        stale: bool,
    ) -> Denied {
        let nonce = self.nonces.mint(transactions.ground.now);
        transactions.reply_stateless(request, arrival.hop, Status::UNAUTHORIZED, None, |mut response| {
            for algorithm in algorithms {
                let field = response.open(Name::WwwAuthenticate).text(b"Digest realm=").quoted(self.realm.as_bytes());
                field.text(b", nonce=\"").text(&nonce).text(b"\"");
                if stale {
                    field.text(b", stale=true");
                }
                field.text(b", algorithm=").text(algorithm.as_str().as_bytes()).text(b", qop=\"auth\"").close();
            }
            response.end()
        });
        Denied::Challenged
    }
}

/// What the credentials use, if it was offered.
fn agreed(credentials: &Credentials<'_>, algorithms: &[Algorithm]) -> Option<(Algorithm, Quality)> {
    let algorithm = digest::algorithm(credentials).filter(|algorithm| algorithms.contains(algorithm))?;
    Some((algorithm, digest::quality(credentials)?))
}

/// Not so fast: nothing is answered.
fn ignore(ground: &mut Ground, request: &Message<'_>, algorithm: Algorithm) -> Denied {
    count(ground, request, algorithm, AuthResult::Penalty);
    ground.counters.rate_limited.up(request.method().unwrap_or(Method::Other));
    Denied::Ignored
}

fn count(ground: &mut Ground, request: &Message<'_>, algorithm: Algorithm, result: AuthResult) {
    let table = match request.method() {
        Some(Method::Register) => &mut ground.counters.auth_register,
        Some(_) | None => &mut ground.counters.auth_call,
    };
    table.add(algorithm, result, 1);
}
