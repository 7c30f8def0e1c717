//! Who an event says it is about, in the way of the system that sends it.

use serde_json::{Map, Value};

use super::super::customer::Customer;
use super::super::plan::{Place, Plan, Who};
use super::super::shared;

/// The subject, for systems that know one name above all, and the other identifiers.
pub fn of(plan: &Plan, me: &Customer) -> (Option<String>, Map<String, Value>) {
    let who = plan.who;
    let mut names = Map::new();
    let mut say = |name: &str, value: String| names.insert(name.to_owned(), Value::String(value));
    if who.says(Who::USER) {
        say("user_id", me.user_id());
    }
    if who.says(Who::PLACEHOLDER) {
        say("user_id", "null".to_owned());
    }
    if who.says(Who::EMAIL) {
        say("email", me.email());
    }
    if who.says(Who::PHONE) {
        say("phone", me.phone());
    }
    if who.says(Who::SWITCHBOARD) {
        say("phone", shared::SWITCHBOARD.to_owned());
    }
    if who.says(Who::CARD) {
        say("loyalty_card", me.loyalty_card());
    }
    if who.says(Who::OPENID) {
        say("wechat_openid", me.wechat_openid());
    }
    if who.says(Who::UNIONID) {
        say("wechat_unionid", me.wechat_unionid());
    }
    if let Some(browser) = who.of_browser() {
        say("anonymous_id", me.anonymous_id(browser));
    }
    if who.says(Who::DEVICE) {
        say("device_id", me.device_id());
    }
    if who.says(Who::HOUSEHOLD_TABLET) {
        say("device_id", shared::household_tablet(me.number));
    }
    if who.says(Who::STORE_TABLET) {
        say("device_id", shared::store_tablet(me.store()));
    }
    let above_all = match plan.place {
        Place::Email | Place::Sales | Place::Social => "email",
        Place::Store(_) | Place::Event => "loyalty_card",
        Place::Loyalty => "user_id",
        Place::Phone => "phone",
        _ => return (None, names),
    };
    let subject = names.remove(above_all).and_then(|value| Some(format!("{above_all}:{}", value.as_str()?)));
    (subject, names)
}
