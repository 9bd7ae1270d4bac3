//! What nobody answered, and connections that are gone: whom that concerns.
use super::Engine;
use crate::ground::Hop;
use crate::session::{Exchange, News};
use crate::transaction::{Owner, TransactionTimeout};
use crate::watch::Watch;
use crate::wire::Method;

impl Engine {
    /// A phone was asked whether it is there: it is, or nobody has said so.
    pub(super) fn asked(&mut self, owner: Owner, answered: bool) {
        let Exchange { lines, legs, news, .. } = &mut self.exchange;
        if let Some(took) = lines.settled(&mut legs.transactions, owner, answered) {
            news.push(News::PhoneAnswered { took });
        }
    }

    /// What a request that got no answer means.
    pub(super) fn timed_out(&mut self, timeout: TransactionTimeout) {
        match timeout {
            TransactionTimeout::NoResponse { owner, method: Method::Options, .. }
            | TransactionTimeout::Unreachable { owner, method: Method::Options, .. } => self.asked(owner, false),
            TransactionTimeout::NoResponse { owner, client, .. }
            | TransactionTimeout::Unreachable { owner, client, .. }
                if Watch::owns(owner) =>
            {
                self.notified(owner, client, None);
            }
            TransactionTimeout::NoResponse { .. }
            | TransactionTimeout::Unreachable { .. }
            | TransactionTimeout::NoAck { .. } => {
                if let Some((owner, event)) = self.exchange.legs.timed_out(timeout) {
                    self.exchange.leg_event(owner, event, None);
                }
            }
        }
    }

    /// What hung on a connection that is gone: contacts go with it, and requests that nobody has answered yet fail.
    /// Calls stay; their parties are looked for elsewhere when there is something to tell them.
    pub(super) fn connection_lost(&mut self, hop: Hop) {
        let Exchange { lines, legs, .. } = &mut self.exchange;
        lines.connection_lost(legs.ground(), hop);
        for client in legs.transactions.lost(hop) {
            let Some(timeout) = self.exchange.legs.transactions.fail(client) else { continue };
            self.timed_out(timeout);
            self.climb();
        }
    }
}
