//! Help: by ticket, telephone or chat, quickly or not.

use super::super::calendar::{DAY, HOUR, Hours, MINUTE, SECOND};
use super::super::plan::{Fact, Place, Survey, Topic, Trouble, Who};
use super::super::shared;
use super::Life;
use super::mood::CALL_CENTRE_GREW;

/// Tickets that are opened again because the answer did not hold, per mille.
const REOPENED: u32 = 130;
/// A wait beyond which it has annoyed, whatever else is said.
const LONG_WAIT_S: i64 = 300;
const AGENTS: u32 = 8;

impl Life<'_> {
    pub(super) fn seek_help(&mut self, near: i64, topic: Topic, order: u16) {
        match self.chance.weighted(&[(480, Place::Support), (300, Place::Phone), (220, Place::Chat)]) {
            Place::Phone => self.call(near, topic),
            Place::Chat => self.chat(near, topic),
            _ => self.write_ticket(near, topic, order),
        }
    }

    fn write_ticket(&mut self, near: i64, topic: Topic, order: u16) {
        let ticket = Self::count(&mut self.cases);
        let agent = self.chance.below(AGENTS) as u8;
        let who = self.on_file();
        let opened = self.moment(near, Hours::Leisure);
        self.add(opened, Place::Support, who, Fact::TicketOpened { ticket, topic, order });
        let slow = if self.year.is_peak(opened) { 2 } else { 1 };
        let mut asked = opened;
        let mut at = opened;
        for _ in 0..1 + self.chance.below(2) {
            at = asked + MINUTE + self.chance.waiting(7 * HOUR * slow);
            let after_s = seconds(at - asked);
            self.add(at, Place::Support, who, Fact::TicketReplied { ticket, by_customer: false, after_s, agent });
            if self.chance.per_mille(550) {
                asked = at + self.chance.waiting(5 * HOUR);
                let after_s = seconds(asked - at);
                self.add(asked, Place::Support, who, Fact::TicketReplied { ticket, by_customer: true, after_s, agent });
                at = asked;
            }
        }
        at += MINUTE + self.chance.waiting(9 * HOUR * slow);
        self.add(at, Place::Support, who, Fact::TicketResolved { ticket, topic, after_s: seconds(at - opened), agent });
        let reopened = self.chance.per_mille(REOPENED);
        if reopened {
            at += self.chance.about(30 * HOUR);
            self.add(at, Place::Support, who, Fact::TicketReopened { ticket, agent });
            at += self.chance.about(2 * DAY);
            let after_s = seconds(at - opened);
            self.add(at, Place::Support, who, Fact::TicketResolved { ticket, topic, after_s, agent });
        }
        if self.chance.per_mille(750) {
            let about = match topic {
                _ if reopened => Some(Trouble::Unsolved),
                _ if at - opened > 2 * DAY => Some(Trouble::Waited),
                Topic::Invoice => Some(Trouble::Billing),
                Topic::Late | Topic::Damaged | Topic::Product => None,
            };
            self.survey(at + HOUR, Survey::AfterTicket, ticket, Place::Email, about, agent);
        }
    }

    fn call(&mut self, near: i64, topic: Topic) {
        let call = Self::count(&mut self.cases);
        let agent = self.chance.below(AGENTS) as u8;
        let at = self.moment(near, Hours::Office);
        let crowded = self.year.is_peak(at) || at < CALL_CENTRE_GREW;
        let wait_s = self.chance.waiting(if crowded { 260 } else { 60 });
        let user = if self.account { Who::USER } else { Who::NOBODY };
        let mistaken = self.account && self.chance.per_mille(shared::SWITCHBOARD_CALLS);
        let who = if mistaken { Who::SWITCHBOARD } else { Who::PHONE } | user;
        let fact =
            Fact::CallCompleted { call, topic: Some(topic), inbound: true, wait_s: wait_s.min(3_000) as u16, agent };
        self.add(at, Place::Phone, who, fact);
        if self.chance.per_mille(550) {
            // The machine asks before it hangs up; nothing is sent.
            let billing = (topic == Topic::Invoice).then_some(Trouble::Billing);
            let about = if wait_s > LONG_WAIT_S { Some(Trouble::Waited) } else { billing };
            self.answer(at + 10 * MINUTE, Survey::AfterCall, call, Place::Phone, about, agent);
        }
    }

    fn chat(&mut self, near: i64, topic: Topic) {
        let chat = Self::count(&mut self.cases);
        let agent = self.chance.below(AGENTS) as u8;
        let at = self.moment(near, Hours::Office);
        let who = if self.account { Who::USER | Who::browser(0) } else { Who::browser(0) };
        let wait_s = self.chance.waiting(if self.year.is_peak(at) { 150 } else { 50 });
        let resolved = self.chance.per_mille(780);
        self.add(at, Place::Chat, who, Fact::ChatStarted { chat, topic });
        let end = at + wait_s * SECOND + self.chance.about(9 * MINUTE);
        self.add(end, Place::Chat, who, Fact::ChatEnded { chat, resolved, wait_s: wait_s.min(3_000) as u16, agent });
        if self.account && self.chance.per_mille(700) {
            let waited = (wait_s > LONG_WAIT_S).then_some(Trouble::Waited);
            let about = if resolved { waited } else { Some(Trouble::Unsolved) };
            self.survey(end + MINUTE, Survey::AfterChat, chat, Place::Chat, about, agent);
        }
    }
}

fn seconds(milliseconds: i64) -> u32 {
    u32::try_from(milliseconds / SECOND).unwrap_or(0)
}
