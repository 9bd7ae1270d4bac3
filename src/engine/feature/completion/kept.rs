//! Requests outlive the process: what was asked for is kept, and taken up by the next one.
//!
//! Deadlines go on while nobody is there. Who is free is found out anew: phones register again, and the guard begins.
//!
//! Knows: requests, records. Never: where they are written.
use super::{Completions, Request, RequestId, Stage};
use crate::base::TimerId;
use crate::counters::{CompletionEnd, CompletionKind};
use crate::keep::{CompletionRecord, Kept, Key, Record};
use crate::session::{Device, Place, SessionId, Switch};
use crate::settings::LineNo;
use std::time::Duration;

impl Completions {
    /// What was asked for, as it is now. Who waits on the line, or watches, is gone with the process.
    pub(super) fn keep(&self, id: RequestId, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get(id).filter(|request| request.is_kept()) else { return };
        let Some(by) = request.by.line() else { return };
        let now = pbx.now();
        let record = CompletionRecord {
            id: format!("{:032x}", request.id),
            by: pbx.identity(by).number.to_string(),
            phone: request.device.address(),
            target: pbx.identity(request.target).number.to_string(),
            kind: request.kind.as_str().to_owned(),
            order: request.order,
            waited: (now - request.asked).as_secs(),
            left: (request.until - now).as_secs(),
            attempts: request.attempts,
            unused: request.unused,
            hidden: request.hidden,
        };
        pbx.keep(Kept { key: Key::Completion(request.id), record: Some(Record::Completion(record)) });
    }

    /// What an earlier process kept, so long ago, and the two lines that it is about. What has expired meanwhile is over.
    pub(in crate::feature) fn restore(
        &mut self,
        record: &CompletionRecord,
        (by, target): (LineNo, LineNo),
        age: Duration,
        pbx: &mut dyn Switch,
    ) {
        let Some(kind) = CompletionKind::ALL.iter().copied().find(|kind| kind.as_str() == record.kind) else { return };
        let Ok(id) = u128::from_str_radix(&record.id, 16) else { return };
        let now = pbx.now();
        let left = Duration::from_secs(record.left).saturating_sub(age);
        if left.is_zero() {
            self.counters.ended.add(kind, CompletionEnd::Expired, 1);
            return pbx.keep(Kept { key: Key::Completion(id), record: None });
        }
        let waited = Duration::from_secs(record.waited) + age;
        self.orders = self.orders.max(record.order + 1);
        let request = Request {
            id,
            order: record.order,
            by: Place::Line(by),
            device: Device::at(record.phone),
            target,
            kind,
            asked: now.before(waited),
            until: now + left,
            attempts: record.attempts,
            unused: record.unused,
            restored: true,
            camper: SessionId::NONE,
            watches: false,
            hidden: record.hidden,
            stage: Stage::Waiting,
            timer: TimerId::NONE,
        };
        let handle = self.requests.insert(request);
        let before = self.queue(target);
        let is_later = |id: &RequestId| self.requests.get(*id).is_some_and(|other| other.order > record.order);
        let place = before.iter().position(is_later).unwrap_or(before.len());
        self.queues.entry(target).or_default().requests.insert(place, handle);
        self.wait(handle, pbx);
        self.look(target, pbx);
    }
}
