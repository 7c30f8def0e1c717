//! Calls, chats and tickets.

use serde_json::{Value, json};

use super::super::plan::Topic;
use super::{Teller, maybe};

const TEAM: &str = "service";

pub(super) fn agent(number: u8) -> String {
    format!("st-{:02}", 11 + number)
}

fn category(topic: Topic) -> &'static str {
    match topic {
        Topic::Late => "late delivery",
        Topic::Damaged => "damaged goods",
        Topic::Product => "product question",
        Topic::Invoice => "invoice",
    }
}

impl Teller<'_> {
    pub(super) fn call_completed(
        &mut self,
        call: u16,
        topic: Option<Topic>,
        inbound: bool,
        wait_s: u16,
        number: u8,
    ) -> Value {
        let outcome = if inbound || !self.chance.per_mille(220) { "answered" } else { "no_answer" };
        let mut data = json!({
            "call_id": self.own("call", call),
            "direction": if inbound { "inbound" } else { "outbound" },
            "outcome": outcome,
            "agent": if inbound { agent(number) } else { super::sales::salesperson(number) },
            "team": if inbound { TEAM } else { super::sales::TEAM },
            "wait_s": wait_s,
        });
        maybe(&mut data, "topic", topic.map(category));
        if outcome == "answered" {
            data["duration_s"] = self.seconds(270);
        }
        data
    }

    pub(super) fn chat_started(&mut self, chat: u16, topic: Topic) -> Value {
        json!({
            "chat_id": self.own("chat", chat),
            "topic": category(topic),
            "queue": "orders",
            "bot": self.chance.per_mille(600),
            "url": "https://shop.example.com/help/delivery",
        })
    }

    pub(super) fn chat_ended(&mut self, chat: u16, resolved: bool, wait_s: u16, number: u8) -> Value {
        json!({
            "chat_id": self.own("chat", chat),
            "ended_by": if resolved { "customer" } else { "timeout" },
            "resolved": resolved,
            "agent": agent(number),
            "team": TEAM,
            "messages": 4 + self.chance.below(20),
            "wait_s": wait_s,
        })
    }

    pub(super) fn ticket_opened(&mut self, ticket: u16, topic: Topic, order: u16) -> Value {
        let (title, priority) = match topic {
            Topic::Late => ("Where is my parcel?", "high"),
            Topic::Damaged => ("It arrived broken", "high"),
            Topic::Product => ("How long does an open tin keep?", "low"),
            Topic::Invoice => ("The invoice names another company", "normal"),
        };
        json!({
            "ticket_id": self.own("t", ticket),
            "order_id": self.own("o", order),
            "title": title,
            "category": category(topic),
            "priority": priority,
            "team": TEAM,
        })
    }

    pub(super) fn ticket_replied(&mut self, ticket: u16, by_customer: bool, after_s: u32, number: u8) -> Value {
        let mut data = json!({
            "ticket_id": self.own("t", ticket),
            "by": if by_customer { "customer" } else { "agent" },
        });
        if !by_customer {
            data["agent"] = agent(number).into();
            data["team"] = TEAM.into();
            data["response_time_s"] = after_s.into();
        }
        data
    }

    pub(super) fn ticket_resolved(&mut self, ticket: u16, topic: Topic, after_s: u32, number: u8) -> Value {
        let resolution = match topic {
            Topic::Late => "traced",
            Topic::Damaged => "replaced",
            Topic::Product => "explained",
            Topic::Invoice => "corrected",
        };
        json!({
            "ticket_id": self.own("t", ticket),
            "resolution": resolution,
            "category": category(topic),
            "agent": agent(number),
            "team": TEAM,
            "resolution_time_s": after_s,
        })
    }

    pub(super) fn ticket_reopened(&mut self, ticket: u16, number: u8) -> Value {
        json!({
            "ticket_id": self.own("t", ticket),
            "by": "customer",
            "reason": "the answer did not help",
            "agent": agent(number),
            "team": TEAM,
            "reopened": 1,
        })
    }
}
