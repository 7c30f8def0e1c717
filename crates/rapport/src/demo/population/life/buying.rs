//! Orders: from the first doubt to the parcel, and to the next order.

use super::super::calendar::{DAY, HOUR, Hours, MINUTE, SECOND, YEAR};
use super::super::customer::{Acquisition, Segment};
use super::super::plan::{Fact, Link, Mail, Place, Survey, Topic, Traits, Trouble, Who};
use super::super::products::Basket;
use super::Life;

/// Parcels that come late, per mille; more where too much is ordered at once, and far from home.
const LATE: u32 = 70;
const LATE_IN_PEAK: u32 = 210;
const LATE_ABROAD: u32 = 60;
const DAMAGED: u32 = 35;
/// Other reasons to ask for help after an order, per mille.
const QUESTIONS: u32 = 45;
/// Of a month as busy as this, per mille of an ordinary one, no visit is left out.
const LIVELY: u32 = 1_300;
/// Purchases in a store that nobody's card was shown for, per mille.
const CASH: u32 = 60;

impl Life<'_> {
    pub(super) fn buy(&mut self) {
        let loyal = self.me.segment == Segment::Loyal;
        let mut at = self.discover();
        loop {
            self.purchase(at);
            let between = self.chance.below(4);
            if self.me.segment == Segment::Once {
                self.look_again(at, 40, between);
                break;
            }
            let lasts = self.me.favourite.lasts() * if loyal { 55 } else { 100 } / 100;
            let next = at + self.until_more_is_needed(at, lasts);
            self.look_again(at, lasts, between);
            if loyal || self.chance.per_mille(500) {
                self.take_part(at);
            }
            at = self.some_day(next - 2 * DAY, 5, Hours::Leisure);
            if self.me.is_away(at) {
                if self.me.away.1 == YEAR {
                    break;
                }
                at = self.come_back();
            }
            if at >= YEAR {
                break;
            }
        }
        self.newsletters();
    }

    /// From first hearing of the shop to the first order that is seen; when that is.
    fn discover(&mut self) -> i64 {
        let mut at = self.moment(self.me.begins, Hours::Leisure);
        if self.me.known_before {
            // No first doubts, and an account or a card.
            self.account = !self.me.goes_to_store || self.chance.per_mille(800);
            self.card = self.me.goes_to_store;
            self.subscribed = self.me.wants_newsletter.then_some(self.me.begins);
            return at;
        }
        if self.me.acquired == Acquisition::Store {
            return at;
        }
        let place = self.usual_place();
        let mut from = self.first_way();
        for _ in 0..1 + self.chance.below(3) {
            let seen = self.visit(at, place, from.take());
            if seen.deep && self.chance.per_mille(250) {
                self.abandon_cart(&seen, place);
            }
            let later = at + HOUR + self.chance.waiting(4 * DAY);
            at = self.moment(later, Hours::Leisure).max(at + HOUR);
        }
        at
    }

    /// Sooner in the busy months than in the slow ones.
    fn until_more_is_needed(&mut self, at: i64, lasts: i64) -> i64 {
        let ordinary = self.chance.about(lasts * DAY);
        (ordinary * 1_000 / i64::from(self.year.season(at + ordinary / 2))).max(4 * DAY)
    }

    fn look_again(&mut self, at: i64, days: i64, times: u32) {
        for _ in 0..times {
            let when = self.chance.between(at + DAY, at + days * DAY);
            let when = self.moment(when, Hours::Leisure).max(at + 2 * HOUR);
            if self.chance.below(LIVELY) >= self.year.season(when) {
                continue;
            }
            let place = self.usual_place();
            let seen = self.visit(when, place, None);
            if seen.deep && self.chance.per_mille(160) {
                self.abandon_cart(&seen, place);
            }
        }
    }

    /// After a season away: a letter, a visit, and the moment of the next order.
    fn come_back(&mut self) -> i64 {
        let at = self.moment(self.me.away.1 + DAY, Hours::Leisure).max(self.me.away.1 + HOUR);
        self.letter(at - 40 * MINUTE, Mail::WinBack);
        let place = self.usual_place();
        self.visit(at, place, Some(Place::Email));
        self.some_day(at + HOUR, 4, Hours::Leisure)
    }

    pub(super) fn purchase(&mut self, at: i64) {
        let first_in_store = self.orders == 0 && self.me.acquired == Acquisition::Store;
        let store = self.me.goes_to_store && (first_in_store || self.chance.per_mille(330));
        if store { self.purchase_in_store(at) } else { self.purchase_online(at) }
    }

    fn purchase_online(&mut self, at: i64) {
        let place = self.usual_place();
        let visit = self.visit(at, place, None);
        let (cart, basket) = self.fill_cart(&visit, place);
        let mut at = visit.end + self.chance.between(50 * SECOND, 5 * MINUTE);
        self.add(at, place, visit.who, Fact::CheckoutStarted { cart, basket });
        at += self.chance.between(30 * SECOND, 4 * MINUTE);
        if !self.account && self.chance.per_mille(if place == Place::Web { 620 } else { 850 }) {
            self.register(at - 10 * SECOND, place, visit.who);
        }
        let who = visit.who | if self.account { Who::USER } else { Who::EMAIL };
        let order = Self::count(&mut self.orders);
        self.add(at, place, who, Fact::OrderPlaced { order, basket });
        self.letter(at + MINUTE, Mail::Order);
        self.deliver(at, order, basket, place);
    }

    fn deliver(&mut self, ordered: i64, order: u16, basket: Basket, place: Place) {
        let late = if self.year.is_peak(ordered) { LATE_IN_PEAK } else { LATE };
        let late = self.chance.per_mille(late + if self.me.country.has_stores() { 0 } else { LATE_ABROAD });
        let days = if late { self.chance.between(7, 15) } else { self.chance.between(2, 5) };
        let delivered = self.moment(ordered + days * DAY, Hours::Store);
        let damaged = self.chance.per_mille(DAMAGED).then_some(Trouble::Damaged);
        let trouble = if late { Some(Trouble::Late) } else { damaged };
        let (asks, about) = match trouble {
            Some(Trouble::Damaged) => (640, Topic::Damaged),
            Some(_) => (540, Topic::Late),
            None => (QUESTIONS, self.chance.pick(&[Topic::Product, Topic::Invoice])),
        };
        if self.chance.per_mille(asks) {
            // Who waits asks before the parcel is there.
            let later = if late { ordered + 6 * DAY } else { delivered + self.chance.about(5 * HOUR) };
            self.seek_help(later, about, order);
        }
        let refunded = if damaged.is_some() && !late { 620 } else { 22 };
        if self.chance.per_mille(refunded) {
            let when = self.moment(delivered + 3 * DAY, Hours::Office);
            let who = self.on_file();
            let basket = if self.chance.per_mille(700) { basket.first_line() } else { basket };
            self.add(when, Place::Web, who, Fact::OrderRefunded { order, basket, reason: trouble });
            self.survey(when + DAY, Survey::AfterReturn, order, Place::Email, trouble, 0);
        }
        let asked = match place {
            Place::App | Place::Wechat => place,
            _ => Place::Email,
        };
        if self.chance.per_mille(620) {
            self.survey(delivered + 20 * HOUR, Survey::AfterDelivery, order, asked, trouble, 0);
        }
        if self.chance.per_mille(if trouble.is_some() { 130 } else { 75 }) {
            let when = self.moment(delivered + 6 * DAY, Hours::Leisure);
            let score = self.stars(when, trouble);
            let who = self.on_file();
            self.add(when, Place::Web, who, Fact::ReviewPosted { order, product: basket.first_product(), score });
        }
    }

    fn purchase_in_store(&mut self, near: i64) {
        let store = Place::Store(self.me.store());
        let mut at = self.moment(near, Hours::Store);
        let advised = self.chance.per_mille(280);
        if !self.card && self.chance.per_mille(780) {
            self.card = true;
            let email = if self.chance.per_mille(500) { Who::EMAIL } else { Who::NOBODY };
            let who = Who::CARD | Who::STORE_TABLET | email;
            self.add(at, store, who, Fact::Identified { traits: Traits::Card });
            if email != Who::NOBODY && self.me.wants_newsletter {
                self.subscribe_from(at + 20 * SECOND, who);
            }
            at += 3 * MINUTE;
        }
        let shows_card = self.card && !self.chance.per_mille(CASH);
        let who = if shows_card { Who::CARD } else { Who::NOBODY };
        if advised {
            let visit = Self::count(&mut self.cases);
            let minutes = 5 + self.chance.below(40) as u8;
            self.add(at, store, who, Fact::VisitLogged { visit, minutes });
            at += i64::from(minutes) * MINUTE;
        }
        let product = super::super::products::interesting(self.me.favourite, &mut self.chance);
        let basket = Basket::fill(product, self.me.favourite, &mut self.chance);
        let order = Self::count(&mut self.orders);
        self.add(at, store, who, Fact::OrderPlaced { order, basket });
        if shows_card && self.account && self.chance.per_mille(180) {
            self.add(at + 5 * SECOND, store, Who::CARD | Who::USER, Fact::Linked { link: Link::CardScan });
        }
        if shows_card && self.chance.per_mille(300) {
            // Answered at the door; nobody sent anything.
            let agent = self.chance.below(4) as u8;
            self.answer(at + 2 * MINUTE, Survey::StoreVisit, order, store, None, agent);
        }
    }
}
