//! What the simulator may see of subscriptions.
use super::{EXPIRED, NEXT_TURN, PACED, Subject, SubscriptionId, Watch};
use crate::base::{Alarm, TimerId, Timers};
use crate::transaction::ClientId;
use std::collections::HashSet;

impl Watch {
    /// Whether somebody still waits for this alarm.
    pub(crate) fn expects(&self, alarm: Alarm) -> bool {
        let subscription = self.subscriptions.get(SubscriptionId::unpack(alarm.whom));
        match alarm.reason {
            EXPIRED | PACED => subscription.is_some(),
            NEXT_TURN => self.turn != TimerId::NONE,
            _ => false,
        }
    }

    /// What is wrong with the subscriptions, if anything is.
    pub(crate) fn mistakes(&self, timers: &Timers) -> Vec<String> {
        let mut found = Vec::new();
        let due: HashSet<SubscriptionId> = self.due.iter().copied().collect();
        let of = |subject: Subject| self.by_subject.get(&subject).into_iter().flatten().map(move |id| (subject, *id));
        let listed: HashSet<(Subject, SubscriptionId)> = self.subjects().into_iter().flat_map(of).collect();
        let mut wrong = |what: &str, id: SubscriptionId| found.push(format!("{id:?}: {what}"));
        for (id, it) in self.subscriptions.iter() {
            if !timers.is_armed(it.expiry) && it.ending.is_none() {
                wrong("nothing will end it", id);
            }
            let waits = it.due || it.open != ClientId::NONE || timers.is_armed(it.pace);
            if (it.changed.is_some() || it.ending.is_some()) && !waits {
                wrong("nobody will tell it", id);
            }
            if !listed.contains(&(it.subject, id)) {
                wrong("its subject does not know it", id);
            }
            if it.due != due.contains(&id) {
                wrong("it is due, or not", id);
            }
        }
        let counted: usize = self.by_line.values().sum();
        if [listed.len(), counted] != [self.subscriptions.len(); 2] {
            found.push(format!("{} are there, {} listed, {counted} counted", self.subscriptions.len(), listed.len()));
        }
        if !self.due.is_empty() && !timers.is_armed(self.turn) {
            found.push("some are due, and nobody's turn comes".to_owned());
        }
        found
    }

    /// All subscriptions.
    pub(crate) fn seen(&self) -> Vec<(SubscriptionId, Subject)> {
        self.subscriptions.iter().map(|(id, it)| (id, it.subject)).collect()
    }
}
