//! The customer of whom there is most to tell: a stranger first, then known, on many channels, in need of help once.

use std::collections::BTreeSet;

use super::Population;
use super::calendar::{DAY, YEAR};
use super::customer::{Customer, Segment};
use super::life;
use super::plan::{Fact, Place, Plan, Who};

/// Whose lives are looked at.
const CANDIDATES: u32 = 500;
/// A timeline of about so many events can be read.
const READABLE: std::ops::RangeInclusive<usize> = 60..=140;

/// It did something itself so shortly before the year ends.
const LATELY: i64 = 6 * DAY;

/// A customer, by number and by the strongest name that its events say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    pub customer: u32,
    /// `user_id:100017`
    pub name: String,
}

pub(super) fn find(population: &Population) -> Story {
    let mut best = (0, 0);
    for number in 0..population.customers.min(CANDIDATES) {
        let me = Customer::new(population.seed, number, &population.year);
        let worth = worth(&life::live(&population.year, &me, population.seed));
        if worth > best.0 {
            best = (worth, number);
        }
    }
    let me = Customer::new(population.seed, best.1, &population.year);
    let plans = life::live(&population.year, &me, population.seed);
    Story { customer: best.1, name: name(&me, &plans) }
}

/// How much of a story it is; each part counts once.
fn worth(plans: &[Plan]) -> usize {
    let mut plans: Vec<&Plan> = plans.iter().collect();
    plans.sort_unstable_by_key(|plan| (plan.at, plan.index));
    let any = |of: fn(&Fact) -> bool| usize::from(plans.iter().any(|plan| of(&plan.fact)));
    let known = plans.iter().position(|plan| plan.who.says(Who::USER));
    let stranger_first =
        known.is_some_and(|known| known >= 3 && plans[..known].iter().any(|p| p.who.of_browser().is_some()));
    let channels: BTreeSet<_> = plans.iter().map(|plan| plan.place.channel()).collect();
    let orders = plans.iter().filter(|plan| matches!(plan.fact, Fact::OrderPlaced { .. })).count();
    let lately = plans.iter().any(|plan| plan.at > YEAR - LATELY && plan.place != Place::Email);
    20 * usize::from(stranger_first)
        + 12 * usize::from(lately)
        + 10 * usize::from((4..=14).contains(&orders))
        + 10 * usize::from(READABLE.contains(&plans.len()))
        + 8 * any(|fact| matches!(fact, Fact::TicketOpened { .. }))
        + 8 * any(|fact| matches!(fact, Fact::SurveyAnswered { .. }))
        + 6 * any(|fact| matches!(fact, Fact::SurveyAnswered { about: Some(_), .. }))
        + 4 * any(|fact| matches!(fact, Fact::TicketReopened { .. }))
        + 4 * any(|fact| matches!(fact, Fact::OrderRefunded { .. }))
        + 4 * any(|fact| matches!(fact, Fact::AdClicked { .. }))
        + 4 * any(|fact| matches!(fact, Fact::Linked { .. }))
        + 8 * channels.len()
}

fn name(me: &Customer, plans: &[Plan]) -> String {
    let says = |name| plans.iter().any(|plan| plan.who.says(name));
    let browser = plans.iter().find_map(|plan| plan.who.of_browser()).unwrap_or_default();
    if says(Who::USER) {
        format!("user_id:{}", me.user_id())
    } else if says(Who::OPENID) {
        format!("wechat_openid:{}", me.wechat_openid())
    } else if says(Who::CARD) {
        format!("loyalty_card:{}", me.loyalty_card())
    } else if says(Who::EMAIL) {
        format!("email:{}", me.email())
    } else if me.segment == Segment::Visitor && says(Who::DEVICE) {
        format!("device_id:{}", me.device_id())
    } else {
        format!("anonymous_id:{}", me.anonymous_id(browser))
    }
}
