//! What a made-up year is like, in numbers: the one that the goals are for, and a harsher one. Shares are per mille.

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Named {
    /// Customers who all sign in sooner or later, and whose data goes wrong by accident
    Plain,
    /// With guests, strangers, second addresses, cards that no account knows, and an office for 125 people
    Harsh,
}

impl Named {
    pub fn makeup(self) -> Makeup {
        match self {
            Self::Plain => PLAIN,
            Self::Harsh => HARSH,
        }
    }
}

/// What the two differ in.
#[derive(Debug, Clone, Copy)]
pub struct Makeup {
    /// People who order by e-mail without an account.
    pub guests: u64,
    /// People who look around and never say who they are.
    pub strangers: u64,
    /// Of the sessions that begin anonymous and are those of people who have an account or will, the ones in which they sign
    /// in on the way; the first time they open it.
    pub signs_in: u64,
    /// People with another address for the newsletter.
    pub second_emails: u64,
    /// Cards that are entered in the account.
    pub cards_in_account: u64,
    /// Of the addresses and numbers typed wrong, those that are another customer's by more than accident.
    pub typos_of_another: u64,
    pub offices: Offices,
    /// Are its figures held against the goals?
    pub has_goals: bool,
}

/// A company's own telephones and mailboxes, which get into its customers' events.
#[derive(Debug, Clone, Copy)]
pub enum Offices {
    /// So many, each as busy as the others.
    Alike(usize),
    /// One for so many people; the second is half as busy as the first, the third a third.
    ByZipf { people_each: usize },
}

const PLAIN: Makeup = Makeup {
    guests: 0,
    strangers: 0,
    signs_in: 800,
    second_emails: 0,
    cards_in_account: 1_000,
    typos_of_another: 0,
    offices: Offices::Alike(5),
    has_goals: true,
};

const HARSH: Makeup = Makeup {
    guests: 150,
    strangers: 150,
    signs_in: 500,
    second_emails: 200,
    cards_in_account: 500,
    typos_of_another: 50,
    offices: Offices::ByZipf { people_each: 125 },
    has_goals: false,
};
