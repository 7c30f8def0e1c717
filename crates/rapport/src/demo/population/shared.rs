//! What several customers use: a family's tablet, a store's tablet, the call centre's own telephone.

use super::chance::{Chance, Purpose};

/// Homes with a tablet that both customers log in on, per mille. Two neighbours by number are a home.
pub const HOUSEHOLD_TABLETS: u32 = 150;
/// Visits of such a customer that are made on the tablet, per mille.
pub const ON_HOUSEHOLD_TABLET: u32 = 350;
/// Stores; each has a tablet on which everybody signs up for a card.
pub const STORES: u8 = 4;
/// Calls in which the call centre's own number is noted down as if it were the customer's, per mille.
pub const SWITCHBOARD_CALLS: u32 = 60;
/// Events of a browser or app without a login that say `user_id: "null"`, per mille.
pub const PLACEHOLDERS: u32 = 12;

/// Meets so many customers that it is nobody's.
pub const SWITCHBOARD: &str = "+8657188860000";

pub fn has_tablet(seed: u64, customer: u32) -> bool {
    Chance::new(seed, household(customer), Purpose::Household, 0).per_mille(HOUSEHOLD_TABLETS)
}

pub fn household_tablet(customer: u32) -> String {
    format!("d-home-{}", household(customer))
}

fn household(customer: u32) -> u32 {
    customer / 2
}

pub fn store_tablet(store: u8) -> String {
    format!("d-store-{}", store + 1)
}

pub fn store_name(store: u8) -> &'static str {
    ["Hangzhou, Lakeside store", "Suzhou, Canal store", "Nanjing, Gate store", "Chengdu, Park store"]
        [usize::from(store % STORES)]
}

#[cfg(test)]
mod tests {
    use rapport_touchpoint::Normalisation;

    use super::*;

    #[test]
    fn a_home_shares_its_tablet() {
        for customer in (0..500).step_by(2) {
            assert_eq!(has_tablet(1, customer), has_tablet(1, customer + 1));
            assert_eq!(household_tablet(customer), household_tablet(customer + 1));
        }
        assert_ne!(household_tablet(1), household_tablet(2));
    }

    #[test]
    fn the_switchboard_has_a_number_that_could_be_a_customers() {
        assert_eq!(Normalisation::Phone.apply(SWITCHBOARD, None).as_deref(), Some(SWITCHBOARD));
    }
}
