//! A made-up population: the touchpoints of some customers of a tea shop in one year, as they would arrive.
//!
//! The same number of customers, seed and end give the same bytes on every machine: whole numbers only, no clock, and for
//! each customer a stream of chance of its own, so that what happens to customer 17 does not depend on how many others
//! there are. One population is meant for one log: two of them give different events the same names.
//!
//! **Customers.** Of a thousand, 430 look and stay strangers, 150 leave an address and buy nothing, 150 buy once, 180 again
//! and again, 70 are loyal, and 20 are restaurants and hotels in the hands of a sales team ([`SEGMENTS`]). They come by
//! advertisements, search, WeChat, friends or a store; 780 live where the company has stores and pay in CNY, the others in
//! EUR, JPY, SGD and USD. Of those who buy again, three in ten were customers before the year began; a third goes quiet for
//! more than 30 days at its end, half of them for more than 90; some return after a season.
//!
//! **Names.** A browser's `anonymous_id` first; then, at an order or a registration, `user_id`, `email`, `phone`; a
//! `loyalty_card` in a store, `wechat_openid` and `wechat_unionid` in WeChat, `device_id` in the app. Logins and scanned
//! cards link them. One home in seven has a tablet that two customers log in on; each store has one on which all sign up;
//! the call centre's own number stands in some calls; some events say `user_id: "null"` ([`shared`]).
//!
//! **Feedback.** CSAT after deliveries, store visits, calls and chats; CES after tickets and returns; NPS each quarter. Three
//! in ten answer, more of them after trouble. Late parcels (most in the busy months), long waits and answers that did not
//! hold depress scores; stores do better than the rest, and the telephone worse until the call centre grew
//! ([`CALL_CENTRE_GREW`]). Some answer twice, and the second counts ([`SECOND_ANSWERS`]).
//!
//! **Order of arrival.** Tills report at night or days later, apps when they have a network, guests of an event the day after;
//! 12 events in a thousand arrive twice, with the same bytes ([`disorder`]).

mod calendar;
mod census;
mod chance;
mod customer;
pub mod disorder;
mod life;
mod market;
mod plan;
mod products;
pub mod shared;
mod story;
mod tell;
#[cfg(test)]
mod tests;

use rapport_touchpoint::Timestamp;
use serde_json::Value;

pub use census::Census;
pub use customer::{SEGMENTS, Segment};
pub use life::{CALL_CENTRE_GREW, SECOND_ANSWERS};
pub use story::Story;

use calendar::Year;
use customer::Customer;
use plan::Plan;

/// A population is planned as a whole before it is told; these take some gigabytes.
pub const MOST_CUSTOMERS: u32 = 1_000_000;

/// Who lives, which life, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Population {
    customers: u32,
    seed: u64,
    until: Timestamp,
    year: Year,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PopulationError {
    #[error("{0} customers; a population has 1 to {MOST_CUSTOMERS}")]
    Customers(u32),
    #[error("a year until {0} begins before 1970; the first that can be ends on 1971-01-01")]
    Until(Timestamp),
}

impl Population {
    /// The year that ends at `until`.
    pub fn new(customers: u32, seed: u64, until: Timestamp) -> Result<Self, PopulationError> {
        if !(1..=MOST_CUSTOMERS).contains(&customers) {
            return Err(PopulationError::Customers(customers));
        }
        let year = Year::until(until).ok_or(PopulationError::Until(until))?;
        Ok(Self { customers, seed, until, year })
    }

    pub fn customers(&self) -> u32 {
        self.customers
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// All events, in the order in which they arrive. Everything is planned here, and told event by event.
    pub fn events(&self) -> Events {
        let customers: Vec<_> =
            (0..self.customers).map(|number| Customer::new(self.seed, number, &self.year)).collect();
        let mut plans = Vec::new();
        for customer in &customers {
            plans.append(&mut life::live(&self.year, customer, self.seed));
        }
        plans.sort_unstable_by_key(|plan: &Plan| (plan.arrives, plan.customer, plan.index));
        Events { population: *self, customers, plans: plans.into_iter() }
    }

    /// A customer with much to tell, by a name that it has.
    pub fn story(&self) -> Story {
        story::find(self)
    }
}

/// CloudEvents in structured JSON, as they arrive.
pub struct Events {
    population: Population,
    customers: Vec<Customer>,
    plans: std::vec::IntoIter<Plan>,
}

impl Iterator for Events {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let plan = self.plans.next()?;
        let customer = &self.customers[plan.customer as usize];
        Some(tell::tell(&plan, customer, &self.population.year, self.population.seed))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.plans.size_hint()
    }
}

impl ExactSizeIterator for Events {}
