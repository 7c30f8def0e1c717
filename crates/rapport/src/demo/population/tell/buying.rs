//! What is bought and given back, and who the buyer turns out to be.

use serde_json::{Value, json};

use super::super::plan::{Link, Traits, Trouble};
use super::super::products::Basket;
use super::{Teller, maybe};

impl Teller<'_> {
    pub(super) fn items(&self, basket: Basket) -> Value {
        let country = self.me.country;
        let items = basket.lines().map(|(product, quantity)| {
            json!({
                "sku": product.sku,
                "name": product.name,
                "category": product.category.name(),
                "quantity": quantity,
                "price": country.decimal(country.price(product.fen)),
            })
        });
        Value::Array(items.collect())
    }

    /// What all of it costs: `amount`, `currency` and `items`.
    pub(super) fn priced(&self, basket: Basket) -> Value {
        let country = self.me.country;
        json!({
            "amount": country.decimal(basket.amount(country)),
            "currency": country.currency,
            "items": self.items(basket),
        })
    }

    pub(super) fn cart_updated(&mut self, cart: u16, basket: Basket) -> Value {
        let mut data = self.priced(basket);
        data["cart_id"] = self.own("cart", cart).into();
        data
    }

    pub(super) fn checkout_started(&mut self, cart: u16, basket: Basket) -> Value {
        let mut data = self.priced(basket);
        data["cart_id"] = self.own("cart", cart).into();
        let methods: &[&str] =
            if self.me.country.has_stores() { &["wechat_pay", "alipay"] } else { &["card", "transfer"] };
        data["payment_method"] = self.chance.pick(methods).into();
        data["shipping_method"] = self.chance.weighted(&[(80, "standard"), (20, "express")]).into();
        data
    }

    pub(super) fn order_placed(&mut self, order: u16, basket: Basket) -> Value {
        let mut data = self.priced(basket);
        data["order_id"] = self.own("o", order).into();
        data
    }

    pub(super) fn order_refunded(&mut self, order: u16, basket: Basket, reason: Option<Trouble>) -> Value {
        let mut data = self.priced(basket);
        data["order_id"] = self.own("o", order).into();
        data["refund_id"] = self.own("r", order).into();
        data["reason"] = match reason {
            Some(Trouble::Damaged) => "damaged in transit",
            Some(Trouble::Late) => "came too late",
            _ => "not what was expected",
        }
        .into();
        data
    }

    pub(super) fn identified(&mut self, traits: Traits) -> Value {
        let (me, country) = (self.me, self.me.country);
        let traits = match traits {
            Traits::None => return json!({}),
            Traits::Registration => json!({
                "first_name": me.first_name(),
                "city": me.city(),
                "country": country.code,
                "language": country.language,
                "plan": "basic",
            }),
            Traits::Card => {
                json!({"first_name": me.first_name(), "home_store": super::super::shared::store_name(me.store())})
            }
            Traits::Profile => {
                let birthday = format!("{}-{:02}-{:02}", 1955 + me.number % 50, 1 + me.number % 12, 1 + me.number % 28);
                json!({"birthday": birthday, "likes": me.favourite.name()})
            }
            Traits::Gold => json!({"plan": "gold"}),
            Traits::Company => {
                json!({"company": me.company(), "city": me.city(), "country": country.code, "plan": "business"})
            }
        };
        json!({ "traits": traits })
    }

    pub(super) fn linked(&mut self, link: Link) -> Value {
        let method = match link {
            Link::Login => "login",
            Link::CardScan => "card_scan",
            Link::QrCode => "qr_code",
        };
        json!({ "method": method })
    }

    pub(super) fn consent_changed(&mut self, analytics: bool, granted: bool) -> Value {
        let purpose = if analytics { "analytics" } else { "email_marketing" };
        let mut data = json!({"purpose": purpose, "granted": granted, "policy_version": "4"});
        maybe(&mut data, "method", (!granted).then_some("unsubscribe_link").or(Some("form")));
        data
    }
}
