//! Who a customer is before anything happens: how far it goes, what it likes, which channels it uses, its names.

use super::calendar::{DAY, YEAR, Year};
use super::chance::{Chance, Purpose};
use super::market::{COUNTRIES, Country};
use super::products::Category;
use super::shared;

/// How far a customer goes in this year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// Looks, and never says who it is.
    Visitor,
    /// Leaves an e-mail address or opens an account, and buys nothing.
    Subscriber,
    Once,
    Repeat,
    Loyal,
    /// A restaurant or hotel, in the hands of the sales team.
    Business,
}

/// By share of the customers, per mille.
pub const SEGMENTS: [(u32, Segment); 6] = [
    (430, Segment::Visitor),
    (150, Segment::Subscriber),
    (150, Segment::Once),
    (180, Segment::Repeat),
    (70, Segment::Loyal),
    (20, Segment::Business),
];

/// Of those who buy again and again, who was a customer before the year began, per mille.
const KNOWN_BEFORE: u32 = 300;
/// Such a customer is first seen within these days.
const KNOWN_WITHIN: i64 = 25 * DAY;

/// What brought somebody here first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquisition {
    Ad,
    Search,
    Direct,
    Wechat,
    Referral,
    Store,
}

/// By share, per mille; those of a country without stores and WeChat come by the other ways.
const ACQUISITIONS: [(u32, Acquisition); 6] = [
    (290, Acquisition::Ad),
    (240, Acquisition::Search),
    (150, Acquisition::Direct),
    (170, Acquisition::Wechat),
    (60, Acquisition::Referral),
    (90, Acquisition::Store),
];

/// Whether somebody who buys again goes quiet, per mille: of those who buy again, of the loyal.
const FATES: [(u32, u32, Fate); 4] = [
    (520, 720, Fate::Steady),
    (160, 100, Fate::Quiet { least: 32, most: 88 }),
    (180, 80, Fate::Quiet { least: 95, most: 230 }),
    (140, 100, Fate::Returns),
];

#[derive(Debug, Clone, Copy)]
enum Fate {
    Steady,
    /// Not heard of for so many days, to the end.
    Quiet {
        least: i64,
        most: i64,
    },
    /// Away for a season, then back.
    Returns,
}

#[derive(Debug, Clone, Copy)]
pub struct Customer {
    pub number: u32,
    pub segment: Segment,
    pub country: &'static Country,
    pub acquired: Acquisition,
    pub favourite: Category,
    pub has_app: bool,
    pub has_wechat: bool,
    pub goes_to_store: bool,
    pub wants_newsletter: bool,
    /// Browsers that it uses over the year.
    pub browsers: u8,
    pub household_tablet: bool,
    /// How content with everything, per mille.
    pub temper: i32,
    /// Was it a customer before the year began?
    pub known_before: bool,
    /// When it is first heard of.
    pub begins: i64,
    /// From when to when nothing is heard of it; empty for most.
    pub away: (i64, i64),
    first_name: u8,
    city: u8,
}

impl Customer {
    pub fn new(seed: u64, number: u32, year: &Year) -> Self {
        let mut chance = Chance::new(seed, number, Purpose::Customer, 0);
        let country = chance.weighted(&COUNTRIES);
        let at_home = country.has_stores();
        let acquired = match chance.weighted(&ACQUISITIONS) {
            Acquisition::Wechat | Acquisition::Store if !at_home => Acquisition::Search,
            acquired => acquired,
        };
        let segment = chance.weighted(&SEGMENTS);
        let buys_again = matches!(segment, Segment::Repeat | Segment::Loyal);
        let keen = if buys_again { 2 } else { 1 };
        let known_before = buys_again && chance.per_mille(KNOWN_BEFORE);
        let begins = match segment {
            _ if known_before => chance.between(0, KNOWN_WITHIN),
            Segment::Loyal => year.busy_day(&mut chance, 0, YEAR / 2),
            Segment::Repeat => year.busy_day(&mut chance, 0, YEAR - 90 * DAY),
            Segment::Business => year.busy_day(&mut chance, 0, YEAR - 60 * DAY),
            Segment::Visitor | Segment::Subscriber | Segment::Once => year.busy_day(&mut chance, 0, YEAR - DAY),
        };
        let away = if buys_again { away(&mut chance, segment == Segment::Loyal, begins) } else { (YEAR, YEAR) };
        Self {
            number,
            segment,
            country,
            acquired,
            favourite: chance.weighted(&Category::LIKED),
            has_app: chance.per_mille(220 * keen),
            has_wechat: at_home && (acquired == Acquisition::Wechat || chance.per_mille(250 * keen)),
            goes_to_store: at_home && (acquired == Acquisition::Store || chance.per_mille(170 * keen)),
            wants_newsletter: chance.per_mille(620),
            browsers: chance.weighted(&[(60, 1), (32, 2), (8, 3)]),
            household_tablet: shared::has_tablet(seed, number),
            temper: 770 + chance.noise(260),
            known_before,
            begins,
            away,
            first_name: chance.below(country.first_names.len() as u32) as u8,
            city: chance.below(country.cities.len() as u32) as u8,
        }
    }

    pub fn is_away(&self, at: i64) -> bool {
        (self.away.0..self.away.1).contains(&at)
    }

    pub fn user_id(&self) -> String {
        (100_000 + u64::from(self.number)).to_string()
    }

    pub fn first_name(&self) -> &'static str {
        self.country.first_names[usize::from(self.first_name)]
    }

    pub fn city(&self) -> &'static str {
        self.country.cities[usize::from(self.city)]
    }

    pub fn email(&self) -> String {
        match self.segment {
            Segment::Business => format!("orders.{}@business.example.org", self.number),
            _ => format!("{}.{}@example.com", self.first_name().to_lowercase(), self.number),
        }
    }

    pub fn phone(&self) -> String {
        self.country.phone(self.number)
    }

    pub fn loyalty_card(&self) -> String {
        (9_000_000 + u64::from(self.number)).to_string()
    }

    pub fn wechat_openid(&self) -> String {
        format!("o6_{:07}", self.number)
    }

    pub fn wechat_unionid(&self) -> String {
        format!("u2_{:07}", self.number)
    }

    pub fn anonymous_id(&self, browser: u8) -> String {
        format!("a-{}-{}", self.number, browser + 1)
    }

    pub fn device_id(&self) -> String {
        format!("d-{}", self.number)
    }

    /// Of a business customer.
    pub fn company(&self) -> String {
        const PLACES: [&str; 6] = ["Lakeside", "Bamboo", "Harbour", "Old Town", "Garden", "Station"];
        const KINDS: [&str; 5] = ["Hotel", "Tea House", "Restaurant", "Bakery", "Office Catering"];
        let number = self.number as usize;
        format!("{} {} {}", PLACES[number % 6], KINDS[number / 6 % 5], self.city())
    }

    /// The store nearby, from 0 on.
    pub fn store(&self) -> u8 {
        (self.city / 2) % shared::STORES
    }
}

fn away(chance: &mut Chance, loyal: bool, begins: i64) -> (i64, i64) {
    let fates = FATES.map(|(again, faithful, fate)| (if loyal { faithful } else { again }, fate));
    match chance.weighted(&fates) {
        Fate::Steady => (YEAR, YEAR),
        Fate::Quiet { least, most } => {
            let quiet = chance.between(least * DAY, most * DAY);
            // Whoever came too late to have been away so long has bought once at least.
            ((YEAR - quiet).max(begins + 20 * DAY), YEAR)
        }
        Fate::Returns => {
            let from = begins + chance.between(30 * DAY, 90 * DAY);
            let until = from + chance.between(95 * DAY, 150 * DAY);
            if until < YEAR - 10 * DAY { (from, until) } else { (YEAR, YEAR) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        assert_eq!(SEGMENTS.iter().map(|(share, _)| share).sum::<u32>(), 1_000);
        assert_eq!(ACQUISITIONS.iter().map(|(share, _)| share).sum::<u32>(), 1_000);
        assert_eq!(COUNTRIES.iter().map(|(share, _)| share).sum::<u32>(), 1_000);
        assert_eq!(FATES.iter().map(|(share, ..)| share).sum::<u32>(), 1_000);
        assert_eq!(FATES.iter().map(|(_, share, _)| share).sum::<u32>(), 1_000);
    }
}
