//! Tastings, visits in person, recommendations and reviews.

use serde_json::{Value, json};

use super::super::calendar::HOUR;
use super::super::plan::Place;
use super::super::products::PRODUCTS;
use super::super::shared;
use super::{Teller, maybe};

impl Teller<'_> {
    pub(super) fn event_attended(&mut self, event: u8, minutes: u8) -> Value {
        let fair = event >= 100;
        let (name, kind) =
            if fair { ("Fair of fine food", "trade_fair") } else { ("An evening of tasting", "tasting") };
        json!({
            "event_id": format!("ev-{event:03}"),
            "name": name,
            "kind": kind,
            "location": if fair { self.me.city() } else { shared::store_name(self.me.store()) },
            "online": false,
            "starts_at": self.later(-2 * HOUR),
            "duration_s": i64::from(minutes) * 60,
            "role": "guest",
        })
    }

    pub(super) fn visit_logged(&mut self, visit: u16, minutes: u8) -> Value {
        let in_store = matches!(self.plan.place, Place::Store(_));
        let location = if in_store { shared::store_name(self.me.store()).to_owned() } else { self.me.company() };
        let purpose = if in_store { self.chance.pick(&["tasting", "advice", "gift"]) } else { "offer" };
        let (owner, team) = if in_store {
            (format!("s-{:02}", 31 + u32::from(self.me.store()) * 4 + self.chance.below(4)), "store")
        } else {
            (super::sales::salesperson(self.chance.below(5) as u8), super::sales::TEAM)
        };
        json!({
            "visit_id": self.own("v", visit),
            "location": location,
            "purpose": purpose,
            "owner": owner,
            "team": team,
            "duration_s": i64::from(minutes) * 60,
        })
    }

    pub(super) fn review_posted(&mut self, order: u16, product: u8, score: u8) -> Value {
        let text = match score {
            1 | 2 => self.chance.pick(&["Not what I hoped for.", "The tin was dented and nobody cared."]),
            3 => self.chance.pick(&["It is fine.", "Good, but slow to arrive."]),
            _ => self.chance.pick(&["Fresh and sweet.", "I will order it again.", "As good as last year."]),
        };
        json!({
            "score": score,
            "review_id": self.own("rv", order),
            "text": text,
            "sku": PRODUCTS[usize::from(product)].sku,
            "order_id": self.own("o", order),
            "verified": true,
        })
    }

    pub(super) fn referral_made(&mut self, referral: u8, successful: bool) -> Value {
        let country = self.me.country;
        let mut data = json!({
            "programme": "tea_friends",
            "code": self.own("friend", referral),
            "method": self.chance.pick(&["link", "card", "qr_code"]),
            "successful": successful,
        });
        if successful {
            maybe(&mut data, "reward", Some(country.decimal(country.price(2_000))));
            maybe(&mut data, "currency", Some(country.currency));
        }
        data
    }

    pub(super) fn content_shared(&mut self, product: u8) -> Value {
        let product = &PRODUCTS[usize::from(product)];
        json!({
            "content_id": product.sku,
            "content_type": "product",
            "title": product.name,
            "method": if self.plan.place == Place::Wechat { "wechat" } else { "link" },
        })
    }

    pub(super) fn social_mentioned(&mut self, post: u16, product: u8, mood: u8) -> Value {
        let product = &PRODUCTS[usize::from(product)];
        let (sentiment, says) = [
            ("negative", "not worth the price"),
            ("neutral", "trying this one today"),
            ("positive", "this year's favourite"),
        ][usize::from(mood) % 3];
        json!({
            "network": if self.me.country.has_stores() { "weibo" } else { "instagram" },
            "post_id": self.own("post", post),
            "text": format!("{}: {says}", product.name),
            "sentiment": sentiment,
            "reach": self.chance.waiting(800),
            "language": self.me.country.language,
        })
    }
}
