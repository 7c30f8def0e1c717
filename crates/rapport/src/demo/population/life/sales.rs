//! Business customers: from a form on the web to a contract, in the hands of the sales team.

use super::super::calendar::{DAY, HOUR, Hours, MINUTE, SECOND, YEAR};
use super::super::plan::{Fact, Form, Page, Place, Survey, Traits, Who};
use super::super::products::Basket;
use super::Life;

const SALESPEOPLE: u32 = 5;
/// Leads that are given to another salesperson, and those that sign, per mille.
const REASSIGNED: u32 = 250;
const SIGNED: u32 = 480;

impl Life<'_> {
    pub(super) fn trade(&mut self) {
        let mut agent = self.chance.below(SALESPEOPLE) as u8;
        let at = self.ask_for_offer();
        let both = Who::EMAIL | Who::PHONE;

        let mut at = self.moment(at + HOUR, Hours::Office).max(at + 5 * MINUTE);
        let value = 8_000 + 1_000 * self.chance.below(60);
        self.add(at, Place::Sales, both, Fact::LeadCreated { value });
        at += 20 * MINUTE;
        self.add(at, Place::Sales, Who::EMAIL, Fact::LeadAssigned { again: false, agent });
        if self.chance.per_mille(REASSIGNED) {
            agent = (agent + 1) % SALESPEOPLE as u8;
            at += self.chance.about(DAY);
            self.add(at, Place::Sales, Who::EMAIL, Fact::LeadAssigned { again: true, agent });
        }
        for _ in 0..1 + self.chance.below(2) {
            at = self.moment(at + DAY, Hours::Office).max(at + HOUR);
            self.phone_out(at, agent);
        }
        if self.chance.per_mille(650) {
            at = self.moment(at + 6 * DAY, Hours::Office).max(at + HOUR);
            let visit = Self::count(&mut self.cases);
            let minutes = 40 + self.chance.below(60) as u8;
            self.add(at, Place::Sales, both, Fact::VisitLogged { visit, minutes });
        }
        let mut basket = Basket::wholesale(&mut self.chance);
        for revision in 1..=1 + self.chance.below(3) as u8 {
            at = self.moment(at + 4 * DAY, Hours::Office).max(at + HOUR);
            self.add(at, Place::Sales, Who::EMAIL, Fact::QuoteSent { revision, basket, agent });
            if self.chance.per_mille(500) {
                basket = Basket::wholesale(&mut self.chance);
            }
        }
        if self.chance.per_mille(220) {
            let event = (at / (60 * DAY)) as u8;
            let fair = self.moment(at + 9 * DAY, Hours::Office);
            self.add(fair, Place::Event, Who::EMAIL, Fact::EventAttended { event: 100 + event, minutes: 90 });
        }
        if self.chance.per_mille(SIGNED) {
            self.sign(at, basket, agent);
        }
        self.newsletters();
    }

    /// From the first search to the form; when that was sent.
    fn ask_for_offer(&mut self) -> i64 {
        let at = self.moment(self.me.begins, Hours::Office);
        let from = self.first_way();
        let seen = self.visit(at, Place::Web, from);
        let fact = Fact::PageViewed { page: Page::Wholesale, from: None, session: self.sessions };
        self.add(seen.end, Place::Web, seen.who, fact);
        let mut at = seen.end + 2 * MINUTE;
        if self.chance.per_mille(600) {
            let content = self.chance.below(3) as u8;
            self.add(at, Place::Web, seen.who, Fact::ContentDownloaded { content });
            let read = at + self.chance.waiting(2 * DAY);
            at = self.moment(read, Hours::Office).max(at + MINUTE);
        }
        let who = seen.who | Who::EMAIL | Who::PHONE;
        self.add(at, Place::Web, who, Fact::FormSubmitted { form: Form::Wholesale });
        if self.me.wants_newsletter {
            self.subscribe_from(at + 3 * SECOND, seen.who | Who::EMAIL);
        }
        at
    }

    fn phone_out(&mut self, at: i64, agent: u8) {
        let call = Self::count(&mut self.cases);
        let fact = Fact::CallCompleted { call, topic: None, inbound: false, wait_s: 0, agent };
        self.add(at, Place::Phone, Who::PHONE, fact);
    }

    /// A contract, an account, and orders month by month.
    fn sign(&mut self, quoted: i64, basket: Basket, agent: u8) {
        let waiting = self.chance.about(9 * DAY);
        let signed = self.moment(quoted + waiting, Hours::Office);
        self.add(signed, Place::Sales, Who::EMAIL | Who::PHONE, Fact::ContractSigned { basket, agent });
        self.account = true;
        let who = Who::USER | Who::EMAIL | Who::PHONE;
        self.add(signed + HOUR, Place::Sales, who, Fact::Identified { traits: Traits::Company });
        self.survey(signed + 14 * DAY, Survey::Onboarding, 1, Place::Email, None, agent);
        let mut at = signed + 3 * DAY;
        while at < YEAR {
            let when = self.moment(at, Hours::Office);
            let order = Self::count(&mut self.orders);
            if self.chance.per_mille(400) {
                self.visit(when - 20 * MINUTE, Place::Web, None);
            }
            self.add(when, Place::Sales, Who::USER | Who::EMAIL, Fact::OrderPlaced { order, basket });
            if self.chance.per_mille(250) {
                self.phone_out(when + 2 * DAY, agent);
            }
            at += self.chance.about(28 * DAY);
        }
    }
}
