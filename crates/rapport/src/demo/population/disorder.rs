//! How events arrive: most at once, some hours or days late, some twice.

use super::calendar::{DAY, HOUR, MINUTE, SECOND, Year};
use super::chance::{Chance, Purpose};
use super::customer::Customer;
use super::plan::{Place, Plan};

/// Events that are sent again, with the same bytes, per mille: the answer to the first sending was lost.
pub const DUPLICATES: u32 = 12;
/// Of these, sent again after hours or days, from a queue that was restarted, per mille.
const LATE_DUPLICATES: u32 = 150;
/// A till that does not report at once does so in the night after, per mille of its events.
pub const NIGHTLY_FROM_STORES: u32 = 400;
/// A store whose line is down reports after days, per mille of its events.
pub const DAYS_LATE_FROM_STORES: u32 = 40;
/// An app without a network keeps its events until it has one, per mille.
pub const OFFLINE_APPS: u32 = 50;
/// Visits that a salesperson writes down in the evening or some days later, per mille.
pub const LATE_FROM_SALES: u32 = 700;
/// Any other event is overtaken by those behind it, by minutes, per mille.
pub const OVERTAKEN: u32 = 15;

/// Says of each plan when it arrives, and adds those that arrive twice.
pub fn disturb(plans: &mut Vec<Plan>, customer: &Customer, year: &Year, seed: u64) {
    let mut chance = Chance::new(seed, customer.number, Purpose::Arrival, 0);
    let mut again = Vec::new();
    for plan in plans.iter_mut() {
        plan.arrives = plan.at + delay(plan, customer, year, &mut chance);
        if chance.per_mille(DUPLICATES) {
            let later = if chance.per_mille(LATE_DUPLICATES) { 12 * HOUR } else { 20 * SECOND };
            again.push(Plan { arrives: plan.arrives + SECOND + chance.waiting(later), ..*plan });
        }
    }
    plans.append(&mut again);
}

fn delay(plan: &Plan, customer: &Customer, year: &Year, chance: &mut Chance) -> i64 {
    let at_once = chance.between(20, 3 * SECOND);
    let night = |days: i64| year.midnight(plan.at + days * DAY, customer.country.offset) + 3 * HOUR - plan.at;
    match plan.place {
        Place::Store(_) if chance.per_mille(DAYS_LATE_FROM_STORES) => night(chance.between(2, 6)) + at_once,
        Place::Store(_) if chance.per_mille(NIGHTLY_FROM_STORES) => night(1) + at_once,
        Place::App if chance.per_mille(OFFLINE_APPS) => chance.waiting(5 * HOUR) + at_once,
        Place::Sales if chance.per_mille(LATE_FROM_SALES) => chance.waiting(14 * HOUR) + at_once,
        // The list of guests comes back from the place.
        Place::Event => chance.between(12 * HOUR, 60 * HOUR),
        Place::Email | Place::Social => at_once + chance.waiting(MINUTE),
        _ if chance.per_mille(OVERTAKEN) => at_once + chance.waiting(10 * MINUTE),
        _ => at_once,
    }
}
