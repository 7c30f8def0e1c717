//! From a plan to the event that the system at its place would send: CloudEvents JSON.

mod browsing;
mod buying;
mod care;
mod club;
mod letters;
mod names;
mod sales;
mod surveys;

use serde_json::{Map, Value, json};

use super::calendar::{SECOND, Year};
use super::chance::{Chance, Purpose};
use super::customer::Customer;
use super::plan::{Fact, Place, Plan};

/// The same plan gives the same event, however often and in whatever order it is asked for.
pub fn tell(plan: &Plan, me: &Customer, year: &Year, seed: u64) -> Value {
    let chance = Chance::new(seed, me.number, Purpose::Telling, plan.index);
    let mut teller = Teller { plan, me, year, chance };
    let (event_type, mut data) = teller.what();
    let (subject, identifiers) = names::of(plan, me);
    if !identifiers.is_empty() {
        data["identifiers"] = Value::Object(identifiers);
    }
    let (source, prefix) = plan.place.source();
    let mut event = Map::new();
    let mut say = |name: &str, text: String| event.insert(name.to_owned(), Value::String(text));
    say("specversion", "1.0".to_owned());
    say("id", format!("{prefix}-{}-{}", plan.customer, plan.index));
    say("source", source);
    say("type", event_type.to_owned());
    say("time", year.timestamp(plan.at).to_string());
    say("channel", plan.place.channel().to_owned());
    if let Some(subject) = subject {
        say("subject", subject);
    }
    // Tills, whose clocks know whole seconds only, and apps count their events.
    if matches!(plan.place, Place::Store(_) | Place::App) {
        say("sequence", format!("{:05}", plan.index));
    }
    if event_type == "product.viewed" && plan.place == Place::Wechat {
        say("dataschema", "product.viewed/1".to_owned());
    }
    event.insert("data".to_owned(), data);
    Value::Object(event)
}

struct Teller<'a> {
    plan: &'a Plan,
    me: &'a Customer,
    year: &'a Year,
    chance: Chance,
}

impl Teller<'_> {
    /// The type and the data, without the identifiers.
    fn what(&mut self) -> (&'static str, Value) {
        match self.plan.fact {
            Fact::AdClicked { campaign } => ("ad.clicked", self.ad_clicked(campaign)),
            Fact::PageViewed { page, from, session } => ("page.viewed", self.page_viewed(page, from, session)),
            Fact::ScreenViewed { screen, session } => ("screen.viewed", self.screen_viewed(screen, session)),
            Fact::ProductViewed { product } => ("product.viewed", self.product_viewed(product)),
            Fact::ProductSearched { product } => ("product.searched", self.product_searched(product)),
            Fact::CartUpdated { cart, basket } => ("cart.updated", self.cart_updated(cart, basket)),
            Fact::CheckoutStarted { cart, basket } => ("checkout.started", self.checkout_started(cart, basket)),
            Fact::OrderPlaced { order, basket } => ("order.placed", self.order_placed(order, basket)),
            Fact::OrderRefunded { order, basket, reason } => {
                ("order.refunded", self.order_refunded(order, basket, reason))
            }
            Fact::FormSubmitted { form } => ("form.submitted", self.form_submitted(form)),
            Fact::ContentDownloaded { content } => ("content.downloaded", self.content_downloaded(content)),
            Fact::Identified { traits } => ("customer.identified", self.identified(traits)),
            Fact::Linked { link } => ("customer.linked", self.linked(link)),
            Fact::ConsentChanged { analytics, granted } => {
                ("consent.changed", self.consent_changed(analytics, granted))
            }
            Fact::EmailSent { message, mail } => ("email.sent", self.email_sent(message, mail)),
            Fact::EmailOpened { message, mail, automatic } => {
                ("email.opened", self.email_opened(message, mail, automatic))
            }
            Fact::EmailClicked { message, mail } => ("email.clicked", self.email_clicked(message, mail)),
            Fact::EventAttended { event, minutes } => ("event.attended", self.event_attended(event, minutes)),
            Fact::VisitLogged { visit, minutes } => ("visit.logged", self.visit_logged(visit, minutes)),
            Fact::CallCompleted { call, topic, inbound, wait_s, agent } => {
                ("call.completed", self.call_completed(call, topic, inbound, wait_s, agent))
            }
            Fact::ChatStarted { chat, topic } => ("chat.started", self.chat_started(chat, topic)),
            Fact::ChatEnded { chat, resolved, wait_s, agent } => {
                ("chat.ended", self.chat_ended(chat, resolved, wait_s, agent))
            }
            Fact::TicketOpened { ticket, topic, order } => ("ticket.opened", self.ticket_opened(ticket, topic, order)),
            Fact::TicketReplied { ticket, by_customer, after_s, agent } => {
                ("ticket.replied", self.ticket_replied(ticket, by_customer, after_s, agent))
            }
            Fact::TicketResolved { ticket, topic, after_s, agent } => {
                ("ticket.resolved", self.ticket_resolved(ticket, topic, after_s, agent))
            }
            Fact::TicketReopened { ticket, agent } => ("ticket.reopened", self.ticket_reopened(ticket, agent)),
            Fact::SurveySent { survey, instance, agent } => ("survey.sent", self.survey_sent(survey, instance, agent)),
            Fact::SurveyAnswered { survey, instance, score, agent, about } => {
                ("survey.answered", self.survey_answered(survey, instance, score, agent, about))
            }
            Fact::ReviewPosted { order, product, score } => {
                ("review.posted", self.review_posted(order, product, score))
            }
            Fact::ReferralMade { referral, successful } => ("referral.made", self.referral_made(referral, successful)),
            Fact::ContentShared { product } => ("content.shared", self.content_shared(product)),
            Fact::SocialMentioned { post, product, mood } => {
                ("social.mentioned", self.social_mentioned(post, product, mood))
            }
            Fact::LeadCreated { value } => ("lead.created", self.lead_created(value)),
            Fact::LeadAssigned { again, agent } => ("lead.assigned", self.lead_assigned(again, agent)),
            Fact::QuoteSent { revision, basket, agent } => ("quote.sent", self.quote_sent(revision, basket, agent)),
            Fact::ContractSigned { basket, agent } => ("contract.signed", self.contract_signed(basket, agent)),
        }
    }

    /// A name of one thing of this customer: `o-17-3`.
    fn own(&self, prefix: &str, number: impl Into<u32>) -> String {
        format!("{prefix}-{}-{}", self.me.number, number.into())
    }

    /// A moment after the event's, as RFC 3339.
    fn later(&self, after: i64) -> String {
        let at = self.plan.at + after;
        self.year.timestamp(at - at % SECOND).to_string()
    }

    fn seconds(&mut self, mean: i64) -> Value {
        json!(self.chance.waiting(mean) + 1)
    }
}

/// A text as JSON, where it may be absent.
fn maybe(data: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        data[name] = value.into();
    }
}
