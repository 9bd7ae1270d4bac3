//! What the simulator may see of transactions.
use super::Transactions;
use super::client::State as Client;
use crate::base::{Alarm, Handle, Room};

impl Transactions {
    /// Whether somebody still waits for this alarm.
    pub(crate) fn expects(&self, alarm: Alarm) -> bool {
        match (alarm.room, alarm.reason) {
            // The graveyards' own.
            (Room::Client | Room::Server, 1 | 2) => true,
            (Room::Client, _) => {
                let client = self.clients.get(Handle::unpack(alarm.whom));
                client.is_some_and(|c| matches!(c.state, Client::Trying | Client::Proceeding))
            }
            (Room::Server, _) => self.servers.get(Handle::unpack(alarm.whom)).is_some(),
            (Room::Leg | Room::Watch | Room::Line | Room::Session | Room::Feature, _) => false,
        }
    }

    /// All records, tombstones too.
    pub(crate) fn count(&self) -> [usize; 4] {
        [self.clients.len(), self.servers.len(), self.pending.len(), self.open.len()]
    }
}
