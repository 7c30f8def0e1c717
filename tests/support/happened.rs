//! Touchpoints as an adapter sends them: `viewed("v-1").by("user_id:42").on("app")`.

use serde_json::{Value, json};

/// CloudEvents JSON in the making.
#[derive(Clone)]
pub struct Happened(Value);

/// An event of this type and id: on the web, at one fixed time, by nobody known.
pub fn happened(event_type: &str, id: &str) -> Happened {
    Happened(json!({
        "specversion": "1.0",
        "id": id,
        "source": "shop",
        "type": event_type,
        "time": "2024-03-01T10:00:00Z",
        "channel": "web",
        "data": {},
    }))
}

/// A look at the shop's page.
pub fn viewed(id: &str) -> Happened {
    happened("page.viewed", id).with(json!({"url": "https://shop.example/"}))
}

/// An order of one amount in a currency: `"129.90 CNY"`.
pub fn ordered(id: &str, price: &str) -> Happened {
    let (amount, currency) = price.split_once(' ').unwrap();
    happened("order.placed", id).with(json!({"order_id": id, "amount": amount, "currency": currency, "items": []}))
}

impl Happened {
    /// About whom: identifiers with blanks between them.
    pub fn by(self, identifiers: &str) -> Self {
        identifiers.split(' ').fold(self, |mut event, identifier| {
            let (namespace, value) = identifier.split_once(':').unwrap();
            event.0["data"]["identifiers"][namespace] = json!(value);
            event
        })
    }

    pub fn on(self, channel: &str) -> Self {
        self.but("channel", json!(channel))
    }

    /// A date in 2024, such as `03-01`, or a whole moment.
    pub fn at(self, moment: &str) -> Self {
        let whole = moment.contains('T');
        let moment = if whole { moment.to_owned() } else { format!("2024-{moment}T10:00:00Z") };
        self.but("time", json!(moment))
    }

    /// With these fields in its data.
    pub fn with(mut self, data: Value) -> Self {
        for (name, value) in data.as_object().unwrap() {
            self.0["data"][name] = value.clone();
        }
        self
    }

    /// With another value of an attribute; `null` takes it away.
    pub fn but(mut self, attribute: &str, value: Value) -> Self {
        self.0[attribute] = value;
        self
    }

    pub fn into_json(self) -> Value {
        self.0
    }
}
