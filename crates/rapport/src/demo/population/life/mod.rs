//! A customer's year: what happens to it and when, one thing leading to another.

mod browsing;
mod buying;
mod care;
mod club;
mod letters;
mod mood;
mod sales;

pub use mood::{CALL_CENTRE_GREW, SECOND_ANSWERS};

use super::calendar::{DAY, HOUR, Hours, SECOND, YEAR, Year};
use super::chance::{Chance, Purpose};
use super::customer::{Customer, Segment};
use super::disorder;
use super::plan::{Fact, Form, Place, Plan, Traits, Who};
use super::shared;

/// Everything that happens to this customer until the year ends; by when it was thought of.
pub fn live(year: &Year, me: &Customer, seed: u64) -> Vec<Plan> {
    let mut life = Life {
        year,
        me,
        chance: Chance::new(seed, me.number, Purpose::Life, 0),
        plans: Vec::new(),
        account: false,
        card: false,
        in_wechat: false,
        browsers: 0,
        subscribed: None,
        orders: 0,
        sessions: 0,
        messages: 0,
        cases: 0,
        asked_in: None,
    };
    match me.segment {
        Segment::Visitor => life.wander(),
        Segment::Subscriber => life.subscribe(),
        Segment::Once | Segment::Repeat | Segment::Loyal => life.buy(),
        Segment::Business => life.trade(),
    }
    let mut plans = life.plans;
    disorder::disturb(&mut plans, me, year, seed);
    plans
}

struct Life<'a> {
    year: &'a Year,
    me: &'a Customer,
    chance: Chance,
    plans: Vec<Plan>,
    /// Has a user id.
    account: bool,
    /// Has a loyalty card.
    card: bool,
    /// The WeChat account is known to be this customer's.
    in_wechat: bool,
    /// Browsers that it has logged in with, a bit for each.
    browsers: u8,
    /// Since when it gets the newsletter.
    subscribed: Option<i64>,
    orders: u16,
    sessions: u16,
    messages: u16,
    cases: u16,
    /// The last quarter in which it was asked whether it would recommend the company.
    asked_in: Option<i64>,
}

impl Life<'_> {
    fn add(&mut self, at: i64, place: Place, who: Who, fact: Fact) {
        if !(0..YEAR).contains(&at) || self.me.is_away(at) {
            return;
        }
        let nobody_known = matches!(place, Place::Web | Place::App) && !who.says(Who::USER);
        let placeholder = nobody_known && self.chance.per_mille(shared::PLACEHOLDERS);
        let who = if placeholder { who | Who::PLACEHOLDER } else { who };
        // Tills know no parts of a second.
        let at = if matches!(place, Place::Store(_)) { at - at % SECOND } else { at };
        let index = u16::try_from(self.plans.len()).unwrap_or(u16::MAX);
        self.plans.push(Plan { at, arrives: at, customer: self.me.number, index, who, place, fact });
    }

    /// A moment near this one at which such things happen.
    fn moment(&mut self, near: i64, hours: Hours) -> i64 {
        self.year.moment(&mut self.chance, near, hours, self.me.country.offset)
    }

    /// At a busy day in the days to come.
    fn some_day(&mut self, from: i64, days: i64, hours: Hours) -> i64 {
        let day = self.year.busy_day(&mut self.chance, from, from + days.max(1) * DAY);
        self.moment(day, hours).max(from + HOUR)
    }

    fn count(number: &mut u16) -> u16 {
        *number += 1;
        *number
    }

    /// The strongest name that systems behind the shop know this customer by.
    fn on_file(&self) -> Who {
        match (self.account, self.card) {
            (true, _) => Who::USER | Who::EMAIL,
            (false, true) => Who::CARD,
            (false, false) => Who::EMAIL,
        }
    }

    /// Comes to look, some times, and stays a stranger.
    fn wander(&mut self) {
        let mut at = self.moment(self.me.begins, Hours::Leisure);
        let visits = 1 + self.chance.weighted(&[(45, 0), (30, 1), (16, 2), (9, 4)]);
        for visit in 0..visits {
            let place = self.usual_place();
            let from = if visit == 0 { self.first_way() } else { None };
            let seen = self.visit(at, place, from);
            if seen.deep && self.chance.per_mille(220) {
                self.fill_cart(&seen, place);
            }
            let next = at + DAY + self.chance.waiting(9 * DAY);
            at = self.moment(next, Hours::Leisure);
        }
    }

    /// Opens an account or asks for the newsletter, and goes on looking.
    fn subscribe(&mut self) {
        let place = self.usual_place();
        let at = self.moment(self.me.begins, Hours::Leisure);
        let from = self.first_way();
        let seen = self.visit(at, place, from);
        if self.chance.per_mille(550) {
            self.register(seen.end, place, seen.who);
        } else {
            self.add(seen.end, Place::Web, seen.who | Who::EMAIL, Fact::FormSubmitted { form: Form::Newsletter });
            self.subscribe_from(seen.end, seen.who | Who::EMAIL);
        }
        let mut at = seen.end;
        for _ in 0..self.chance.weighted(&[(30, 1), (40, 3), (30, 6)]) {
            let next = at + self.chance.waiting(20 * DAY);
            at = self.some_day(next, 2, Hours::Leisure);
            let place = self.usual_place();
            let seen = self.visit(at, place, None);
            if seen.deep && self.chance.per_mille(250) {
                self.abandon_cart(&seen, place);
            }
        }
        self.newsletters();
    }

    /// An account, and what is asked on the way.
    fn register(&mut self, at: i64, place: Place, who: Who) {
        self.account = true;
        let phone = if self.chance.per_mille(560) { Who::PHONE } else { Who::NOBODY };
        let named = who | Who::USER | Who::EMAIL | phone;
        if self.chance.per_mille(300) {
            self.add(at - 20 * SECOND, place, who | Who::EMAIL, Fact::FormSubmitted { form: Form::Registration });
        }
        self.add(at, place, named, Fact::Identified { traits: Traits::Registration });
        if let Some(browser) = who.of_browser() {
            self.browsers |= 1 << browser;
        }
        if self.me.wants_newsletter {
            self.subscribe_from(at + 2 * SECOND, Who::USER | Who::EMAIL);
        }
    }
}
