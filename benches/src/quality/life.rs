//! What people do in a year, and what is told of it, before chance spoils some.

use super::makeup::Makeup;
use super::people::{Person, Population, Sort, pick};
use super::slip::Slips;
use crate::random::Random;

const DAY_S: u64 = 86_400;
const YEAR_S: u64 = 365 * DAY_S;
/// Nobody comes for the first time in the last month.
const LAST_FIRST_S: u64 = 335 * DAY_S;
/// Events in a session, on average.
const EVENTS: f64 = 6.0;
const MOST_EVENTS: f64 = 40.0;
const SECONDS_BETWEEN: u64 = 120;

/// Sessions that begin without anybody signed in, per mille.
const ANONYMOUS_AT_FIRST: u64 = 600;
const GUEST_ORDERS: u64 = 350;
/// Sessions that are not signed in, in which somebody asks for the newsletter.
const ASKS_FOR_NEWS: u64 = 50;
/// People on the newsletter's list; one in three mails that they react to is clicked, and leads to their device.
const ON_THE_LIST: u64 = 600;
const MOST_MAILS: u64 = 12;
const CLICKS: u64 = 333;
const MOST_VISITS: u64 = 5;
const CALLS: u64 = 200;

/// What misleads about an event, if anything; the truth, told by who made it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    None,
    Typo,
    TypoOfAnother,
    Office,
    Placeholder,
}

#[derive(Debug, Clone)]
pub struct Touch {
    /// Who it was.
    pub person: usize,
    /// Since the year began.
    pub second: u64,
    pub event_type: &'static str,
    pub channel: &'static str,
    pub identifiers: Vec<(&'static str, String)>,
    pub trouble: Trouble,
    pub on_shared_device: bool,
}

#[derive(Debug, Default)]
pub struct Year {
    pub touches: Vec<Touch>,
    pub sessions: u64,
    /// Sessions whose first event names no person.
    pub anonymous_at_first: u64,
}

pub fn year(population: &Population, makeup: &Makeup, random: &mut Random) -> Year {
    let slips = Slips::new(population, makeup);
    let remembered = remembered(population, makeup);
    let mut year = Year::default();
    for (number, person) in population.people.iter().enumerate() {
        Life { population, makeup, remembered, slips: &slips, number, person, year: &mut year, random }.live();
    }
    year
}

/// Of the sessions of people who have an account by then, those that begin signed in, per mille: so many that of all
/// sessions as many are anonymous at first as should be.
fn remembered(population: &Population, makeup: &Makeup) -> u64 {
    let leaves_without = 1.0 - makeup.signs_in as f64 / 1_000.0;
    // Those until the account is open, which it is in the last session at the latest.
    let until_opened = |sessions: u64| (0..sessions).map(|past| leaves_without.powi(past as i32)).sum::<f64>();
    let (mut in_all, mut with_account) = (0.0, 0.0);
    for person in &population.people {
        let sessions = person.sessions as f64;
        in_all += sessions;
        with_account += if person.sort == Sort::Account { sessions - until_opened(person.sessions) } else { 0.0 };
    }
    (in_all * (1_000 - ANONYMOUS_AT_FIRST) as f64 / with_account) as u64
}

type Names = Vec<(&'static str, String)>;

/// One person's year in the making.
struct Life<'a> {
    population: &'a Population,
    makeup: &'a Makeup,
    remembered: u64,
    slips: &'a Slips<'a>,
    number: usize,
    person: &'a Person,
    year: &'a mut Year,
    random: &'a mut Random,
}

/// A session on a device.
struct Session {
    device: usize,
    start: u64,
    events: usize,
}

impl Life<'_> {
    fn live(&mut self) {
        let first = self.random.below(LAST_FIRST_S);
        let mut starts: Vec<u64> = (1..self.person.sessions).map(|_| self.later_than(first)).collect();
        starts.push(first);
        starts.sort_unstable();
        let (mut has_account, mut has_ordered) = (false, false);
        for (at, start) in starts.iter().enumerate() {
            let is_last = at + 1 == starts.len();
            let session = self.session(*start);
            match self.person.sort {
                Sort::Stranger => self.looks_around(&session),
                Sort::Guest => {
                    let orders = self.random.per_mille(GUEST_ORDERS) || (is_last && !has_ordered);
                    has_ordered |= orders;
                    self.comes_as_guest(&session, orders);
                }
                Sort::Account if has_account => self.comes_with_account(&session),
                Sort::Account if is_last || self.random.per_mille(self.makeup.signs_in) => {
                    self.opens_account(&session);
                    has_account = true;
                }
                Sort::Account => self.looks_around(&session),
            }
        }
        if self.person.sort != Sort::Stranger {
            self.reads_mails(first);
            self.goes_to_the_shop(first);
            self.calls(first);
        }
    }

    fn session(&mut self, start: u64) -> Session {
        let device = *pick(&self.person.devices, self.random);
        let more = (-(1.0 - self.random.unit()).ln() * (EVENTS - 1.0)).min(MOST_EVENTS) as usize;
        self.year.sessions += 1;
        Session { device, start, events: 1 + more }
    }

    /// Nobody is signed in; some ask for the newsletter.
    fn looks_around(&mut self, session: &Session) {
        self.year.anonymous_at_first += 1;
        for event in 0..session.events {
            self.on(session, event, "page.viewed", Vec::new(), Trouble::None);
        }
        if self.person.sort != Sort::Stranger && self.random.per_mille(ASKS_FOR_NEWS) {
            let (names, trouble) = self.typed(true, false);
            self.on(session, session.events, "form.submitted", names, trouble);
        }
    }

    fn comes_as_guest(&mut self, session: &Session, orders: bool) {
        self.looks_around(session);
        if orders {
            let with_phone = self.random.one_in(2);
            let (names, trouble) = self.typed(true, with_phone);
            self.on(session, session.events + 1, "order.placed", names, trouble);
        }
    }

    /// At the end of a session that begins without one; the address is typed, sometimes the number too.
    fn opens_account(&mut self, session: &Session) {
        self.looks_around(session);
        let with_phone = self.random.one_in(2);
        let (mut names, trouble) = self.typed(true, with_phone);
        names.push(("user_id", self.person.user_id.clone()));
        self.on(session, session.events + 1, "customer.identified", names, trouble);
        if let Some(card) = self.person.card.clone().filter(|_| self.random.per_mille(self.makeup.cards_in_account)) {
            let names = vec![("user_id", self.person.user_id.clone()), ("loyalty_card", card)];
            self.on(session, session.events + 2, "customer.linked", names, Trouble::None);
        }
    }

    /// Signed in from the beginning, or after some events, or not at all. One in four who are orders, with a number typed.
    fn comes_with_account(&mut self, session: &Session) {
        let signs_in_at = if self.random.per_mille(self.remembered) {
            0
        } else if self.random.per_mille(self.makeup.signs_in) {
            1 + self.random.below(session.events as u64) as usize
        } else {
            return self.looks_around(session);
        };
        self.year.anonymous_at_first += u64::from(signs_in_at > 0);
        let user = || vec![("user_id", self.person.user_id.clone())];
        let (signed_in, not) = (user(), Vec::new());
        for event in 0..session.events.max(signs_in_at + 1) {
            let (event_type, names) = match event {
                _ if event == signs_in_at && event > 0 => ("customer.identified", &signed_in),
                _ if event > signs_in_at || signs_in_at == 0 => ("page.viewed", &signed_in),
                _ => ("page.viewed", &not),
            };
            self.on(session, event, event_type, names.clone(), Trouble::None);
        }
        if self.random.one_in(4) {
            let with_phone = self.random.one_in(2);
            let (mut names, trouble) = self.typed(false, with_phone);
            names.extend(signed_in);
            self.on(session, session.events + 2, "order.placed", names, trouble);
        }
    }

    /// Mails go to the address that somebody gave, the second where there are two; a click leads to the person's device.
    fn reads_mails(&mut self, first: u64) {
        if !self.random.per_mille(ON_THE_LIST) {
            return;
        }
        let address = self.person.emails.last().cloned().unwrap_or_default();
        for _ in 0..self.random.below(MOST_MAILS + 1) {
            let names = vec![("email", address.clone())];
            let second = self.later_than(first);
            if self.random.per_mille(CLICKS) {
                let click = Session { events: 1, ..self.session(second) };
                self.year.sessions -= 1;
                self.on(&click, 0, "email.clicked", names, Trouble::None);
            } else {
                self.tell(second, "email.opened", "email", names, Trouble::None);
            }
        }
    }

    /// The card is handed out against a number or an address that the shop types, and is shown at each visit.
    fn goes_to_the_shop(&mut self, first: u64) {
        let Some(card) = self.person.card.clone() else { return };
        let handed_out = self.later_than(first);
        let has_phone = self.person.phone.is_some();
        let (mut names, trouble) = self.typed(!has_phone, has_phone);
        names.push(("loyalty_card", card.clone()));
        self.tell(handed_out, "customer.linked", "store", names, trouble);
        for _ in 0..self.random.below(MOST_VISITS + 1) {
            let second = self.later_than(handed_out);
            self.tell(second, "visit.logged", "store", vec![("loyalty_card", card.clone())], Trouble::None);
        }
    }

    /// The exchange knows the number; in two calls of five the agent looks the customer up, by account or by address.
    fn calls(&mut self, first: u64) {
        let Some(phone) = self.person.phone.clone().filter(|_| self.random.per_mille(CALLS)) else { return };
        for _ in 0..1 + self.random.below(2) {
            let (mut names, mut trouble) = (Vec::new(), Trouble::None);
            if self.random.below(5) < 2 {
                match self.person.sort {
                    Sort::Account => names.push(("user_id", self.person.user_id.clone())),
                    Sort::Guest | Sort::Stranger => (names, trouble) = self.typed(true, false),
                }
            }
            names.push(("phone", phone.clone()));
            let second = self.later_than(first);
            self.tell(second, "call.completed", "phone", names, trouble);
        }
    }

    /// The first address and the number, as somebody types them.
    fn typed(&mut self, email: bool, phone: bool) -> (Names, Trouble) {
        let (mut names, mut trouble) = (Vec::new(), Trouble::None);
        let email = email.then(|| ("email", self.person.emails[0].as_str()));
        let phone = self.person.phone.as_deref().filter(|_| phone).map(|phone| ("phone", phone));
        for (namespace, value) in email.into_iter().chain(phone) {
            let (value, slip) = self.slips.typed(namespace, value, self.random);
            names.push((namespace, value));
            trouble = trouble.max(slip);
        }
        (names, trouble)
    }

    fn on(&mut self, session: &Session, event: usize, event_type: &'static str, mut names: Names, trouble: Trouble) {
        let device = &self.population.devices[session.device];
        names.push((device.namespace, device.id.clone()));
        let second = session.start + event as u64 * SECONDS_BETWEEN;
        self.tell(second, event_type, "web", names, trouble);
        if let Some(touch) = self.year.touches.last_mut() {
            touch.on_shared_device = device.people > 1;
        }
    }

    fn tell(&mut self, second: u64, event_type: &'static str, channel: &'static str, names: Names, trouble: Trouble) {
        self.year.touches.push(Touch {
            person: self.number,
            second,
            event_type,
            channel,
            identifiers: names,
            trouble,
            on_shared_device: false,
        });
    }

    fn later_than(&mut self, first: u64) -> u64 {
        first + self.random.below(YEAR_S - first)
    }
}
