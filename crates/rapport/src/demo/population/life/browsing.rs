//! Visits to the shop, in a browser, the app or WeChat: who is there, and what is looked at.

use super::super::calendar::{HOUR, MINUTE, SECOND};
use super::super::customer::Acquisition;
use super::super::plan::{Fact, Link, Mail, Page, Place, Traits, Who};
use super::super::products::{self, Basket};
use super::super::shared;
use super::Life;

/// What came of a visit.
pub(super) struct Visit {
    pub who: Who,
    pub end: i64,
    /// The product that was looked at last.
    pub product: u8,
    /// Was more looked at than one page?
    pub deep: bool,
}

impl Life<'_> {
    /// Where this customer shops from home.
    pub(super) fn usual_place(&mut self) -> Place {
        let app = if self.me.has_app { 70 } else { 0 };
        let wechat = match (self.me.has_wechat, self.me.acquired) {
            (true, Acquisition::Wechat) => 130,
            (true, _) => 45,
            (false, _) => 0,
        };
        self.chance.weighted(&[(100, Place::Web), (app, Place::App), (wechat, Place::Wechat)])
    }

    /// How it comes here for the first time.
    pub(super) fn first_way(&self) -> Option<Place> {
        match self.me.acquired {
            Acquisition::Ad => Some(Place::Ads),
            Acquisition::Search => Some(Place::Search),
            Acquisition::Wechat => Some(Place::Wechat),
            Acquisition::Referral => Some(Place::Loyalty),
            Acquisition::Direct | Acquisition::Store => None,
        }
    }

    /// How it comes back.
    fn way_back(&mut self) -> Option<Place> {
        self.chance.weighted(&[
            (640, None),
            (200, Some(Place::Search)),
            (90, Some(Place::Ads)),
            (70, Some(Place::Email)),
        ])
    }

    /// A visit of some minutes.
    pub(super) fn visit(&mut self, at: i64, place: Place, from: Option<Place>) -> Visit {
        let who = self.arrive(at, place);
        let from = from.or_else(|| self.way_back());
        self.sessions += 1;
        let mut at = at;
        if place == Place::Web && from == Some(Place::Ads) {
            let campaign = self.chance.below(6) as u8;
            self.add(at - 2 * SECOND, Place::Ads, browser_of(who), Fact::AdClicked { campaign });
        }
        let deep = !self.chance.per_mille(380);
        let pages = if deep { 1 + self.chance.below(3) } else { 1 };
        for page in 0..pages {
            self.look(at, place, who, from.filter(|_| page == 0));
            at += self.chance.between(8 * SECOND, 100 * SECOND);
        }
        let mut product = products::interesting(self.me.favourite, &mut self.chance);
        if deep {
            if self.chance.per_mille(260) {
                let who = self.shown(who);
                self.add(at, place, who, Fact::ProductSearched { product });
                at += self.chance.between(4 * SECOND, 25 * SECOND);
            }
            for more in [1_000, 450, 200] {
                if !self.chance.per_mille(more) {
                    break;
                }
                let who = self.shown(who);
                self.add(at, place, who, Fact::ProductViewed { product });
                at += self.chance.between(10 * SECOND, 150 * SECOND);
                if self.chance.per_mille(500) {
                    product = products::interesting(self.me.favourite, &mut self.chance);
                }
            }
        }
        Visit { who, end: at, product, deep }
    }

    fn look(&mut self, at: i64, place: Place, who: Who, from: Option<Place>) {
        let session = self.sessions;
        let who = self.shown(who);
        if place == Place::App {
            let screen = if from.is_some() { 0 } else { self.chance.below(6) as u8 };
            return self.add(at, place, who, Fact::ScreenViewed { screen, session });
        }
        let page =
            self.chance.weighted(&[(30, Page::Home), (45, Page::Category), (20, Page::Article), (5, Page::Help)]);
        // What a search engine brings in is its own channel, for the first page.
        let at_door = if from == Some(Place::Search) && place == Place::Web { Place::Search } else { place };
        self.add(at, at_door, who, Fact::PageViewed { page, from, session });
    }

    /// Who the shop sees; a login on the way, if there is one.
    fn arrive(&mut self, at: i64, place: Place) -> Who {
        match place {
            Place::App if self.account && self.me.household_tablet && self.on_household_tablet() => {
                let who = Who::HOUSEHOLD_TABLET | Who::USER;
                self.add(at - 3 * SECOND, place, who, Fact::Identified { traits: Traits::None });
                who
            }
            Place::App if self.account && !self.chance.per_mille(80) => {
                if self.chance.per_mille(60) {
                    self.add(at - 3 * SECOND, place, Who::DEVICE | Who::USER, Fact::Linked { link: Link::Login });
                }
                Who::DEVICE | Who::USER
            }
            Place::App => Who::DEVICE,
            Place::Wechat => {
                if self.account && !self.in_wechat {
                    self.in_wechat = true;
                    let who = Who::OPENID | Who::UNIONID | Who::USER;
                    self.add(at - 5 * SECOND, place, who, Fact::Linked { link: Link::QrCode });
                }
                match self.in_wechat && self.chance.per_mille(700) {
                    true => Who::OPENID | Who::UNIONID,
                    false => Who::OPENID,
                }
            }
            _ => {
                let browser = self.chance.below(u32::from(self.me.browsers)) as u8;
                let who = Who::browser(browser);
                if !self.account || self.chance.per_mille(280) {
                    return who;
                }
                if self.browsers & 1 << browser == 0 {
                    self.browsers |= 1 << browser;
                    self.add(at - 4 * SECOND, Place::Web, who | Who::USER, Fact::Linked { link: Link::Login });
                }
                who | Who::USER
            }
        }
    }

    fn on_household_tablet(&mut self) -> bool {
        self.chance.per_mille(shared::ON_HOUSEHOLD_TABLET)
    }

    /// Not every event of a tablet says who is logged in.
    fn shown(&mut self, who: Who) -> Who {
        let silent = who.says(Who::HOUSEHOLD_TABLET) && self.chance.per_mille(400);
        if silent { Who::HOUSEHOLD_TABLET } else { who }
    }

    /// The basket, and how often it was changed.
    pub(super) fn fill_cart(&mut self, visit: &Visit, place: Place) -> (u16, Basket) {
        let cart = self.sessions;
        let mut basket = Basket::fill(visit.product, self.me.favourite, &mut self.chance);
        self.add(visit.end, place, visit.who, Fact::CartUpdated { cart, basket });
        if self.chance.per_mille(180) {
            basket = basket.first_line();
            self.add(visit.end + 40 * SECOND, place, visit.who, Fact::CartUpdated { cart, basket });
        }
        (cart, basket)
    }

    /// A basket that is left behind, and the letter that follows.
    pub(super) fn abandon_cart(&mut self, visit: &Visit, place: Place) {
        let (cart, basket) = self.fill_cart(visit, place);
        if self.chance.per_mille(420) {
            self.add(visit.end + MINUTE, place, visit.who, Fact::CheckoutStarted { cart, basket });
        }
        if self.subscribed.is_some() && self.chance.per_mille(600) {
            let later = visit.end + self.chance.about(4 * HOUR);
            self.letter(later, Mail::AbandonedCart);
        }
    }
}

/// An advertisement sees the browser and no account.
fn browser_of(who: Who) -> Who {
    who.of_browser().map_or(Who::NOBODY, Who::browser)
}
