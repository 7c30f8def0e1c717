//! What those do who like the company: bring others, come to tastings, tell the world.

use super::super::calendar::{DAY, Hours, YEAR};
use super::super::plan::{Fact, Place, Traits, Who};
use super::super::products;
use super::Life;

/// Tastings are held every three weeks.
const TASTINGS: i64 = 21 * DAY;
const QUARTER: i64 = YEAR / 4;

impl Life<'_> {
    /// Between two orders.
    pub(super) fn take_part(&mut self, at: i64) {
        let known = self.on_file();
        let content = self.me.temper > 760;
        if content && self.chance.per_mille(90) {
            let when = self.some_day(at + 3 * DAY, 10, Hours::Leisure);
            let referral = self.orders as u8;
            let successful = self.chance.per_mille(420);
            self.add(when, Place::Loyalty, known, Fact::ReferralMade { referral, successful });
        }
        if self.chance.per_mille(if content { 130 } else { 50 }) {
            let when = self.some_day(at + DAY, 8, Hours::Leisure);
            let product = products::interesting(self.me.favourite, &mut self.chance);
            let (place, who) = match self.me.has_wechat {
                true => (Place::Wechat, Who::OPENID),
                false => (Place::Loyalty, known),
            };
            self.add(when, place, who, Fact::ContentShared { product });
        }
        if self.chance.per_mille(20) {
            let when = self.some_day(at + DAY, 8, Hours::Leisure);
            let product = products::interesting(self.me.favourite, &mut self.chance);
            let mood = if content { 2 } else { self.chance.below(3) as u8 };
            self.add(when, Place::Social, Who::EMAIL, Fact::SocialMentioned { post: self.orders, product, mood });
        }
        if self.me.goes_to_store && self.chance.per_mille(110) {
            // The next one that is held.
            let event = (at / TASTINGS + 1) as u8;
            let evening = self.year.midnight(i64::from(event) * TASTINGS, self.me.country.offset) + 19 * DAY / 24;
            let minutes = 40 + self.chance.below(60) as u8;
            let who = if self.card { Who::CARD } else { known };
            self.add(evening + 2 * DAY / 24, Place::Event, who, Fact::EventAttended { event, minutes });
        }
        if self.account && self.orders == 6 {
            self.add(at + DAY, Place::Loyalty, Who::USER, Fact::Identified { traits: Traits::Gold });
        } else if self.account && self.chance.per_mille(40) {
            let when = self.some_day(at + DAY, 9, Hours::Leisure);
            self.add(when, Place::Web, Who::USER, Fact::Identified { traits: Traits::Profile });
        }
        let quarter = at / QUARTER;
        if self.account && self.chance.per_mille(260) && self.asked_in != Some(quarter) {
            self.asked_in = Some(quarter);
            self.relationship(quarter as u16, at + 4 * DAY);
        }
    }
}
