//! A customer's touchpoints, folded one after the other, as a read model does.

use std::sync::LazyLock;

use rapport_customer::{Definitions, FactChange, Model, States};
use rapport_touchpoint::{Catalogue, Event, Timestamp, read, receive};
use serde_json::{Value, json};

pub static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

/// Far enough ahead for every event of the specs.
const RECORDED: &str = "2100-01-01T00:00:00Z";

pub fn at(time: &str) -> Timestamp {
    Timestamp::parse(time).unwrap()
}

/// An event of the shop, with data, at a time such as `2026-03-01T10:00:00Z`; `id` also orders events of one time.
pub fn event(id: &str, event_type: &str, channel: &str, time: &str, data: &Value) -> Event {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "test", "type": event_type, "channel": channel, "time": time,
        "subject": "user_id:1", "data": data,
    });
    let json = receive(event, at(RECORDED), &CATALOGUE).unwrap().into_json();
    read(json, at(RECORDED), &CATALOGUE).unwrap()
}

/// One customer under some definitions, with all facts so far.
pub struct Customer {
    pub definitions: Definitions,
    pub states: States,
    pub facts: Vec<FactChange>,
    events: usize,
}

impl Customer {
    pub fn new(definitions: Definitions) -> Self {
        let states = States::new(&Model::ALL, &definitions.journeys);
        Self { definitions, states, facts: Vec::new(), events: 0 }
    }

    /// The next event, in the order of events.
    pub fn does(&mut self, event_type: &str, channel: &str, time: &str, data: &Value) {
        self.events += 1;
        let event = event(&format!("{:06}", self.events), event_type, channel, time, data);
        let key = event.touchpoint.order.key();
        self.states.fold(&event, &key, &self.definitions.journeys, &mut self.facts);
    }
}
