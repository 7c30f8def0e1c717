//! Who there is: people, what they can be known by, and the devices that they use alone or share.

use super::makeup::{Makeup, Offices};
use crate::random::Random;

/// How many devices people have, per mille; 2.5 on average.
const DEVICES: [(usize, u64); 5] = [(1, 150), (2, 400), (3, 300), (4, 100), (5, 50)];
/// The share of the first device in a person's sessions, per mille, where there are others: a telephone.
const FIRST_DEVICE: u64 = 650;
/// Devices that are shared, per mille, and by how many people.
const SHARED_DEVICES: usize = 100;
const SHARERS: [usize; 3] = [2, 3, 4];
/// Sessions in the year of whoever says who they are, on average; most have fewer, some many more.
const SESSIONS: f64 = 12.0;
const MOST_SESSIONS: f64 = 120.0;
const SESSIONS_OF_STRANGERS: u64 = 4;
const WITH_PHONE: u64 = 800;
const WITH_CARD: u64 = 300;

const GIVEN: [&str; 20] = [
    "anna", "bo", "chen", "daniel", "elif", "fatima", "georg", "hui", "ines", "jun", "karim", "lena", "mei", "nora",
    "omar", "paul", "qing", "rosa", "tomas", "yun",
];
const FAMILY: [&str; 20] = [
    "abe", "berg", "costa", "dupont", "ek", "fischer", "garcia", "huang", "ivanov", "jensen", "kim", "li", "moreau",
    "novak", "okafor", "patel", "rossi", "sato", "wang", "zhang",
];
const HOSTS: [&str; 5] = ["gmail.com", "qq.com", "163.com", "outlook.com", "example.com"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Account,
    /// Orders without one, by e-mail.
    Guest,
    /// Looks and goes.
    Stranger,
}

#[derive(Debug)]
pub struct Person {
    pub sort: Sort,
    pub user_id: String,
    pub emails: Vec<String>,
    pub phone: Option<String>,
    pub card: Option<String>,
    /// Devices and their shares in the person's sessions, per mille.
    pub devices: Vec<(usize, u64)>,
    pub sessions: u64,
}

#[derive(Debug)]
pub struct Device {
    pub namespace: &'static str,
    pub id: String,
    pub people: usize,
}

#[derive(Debug)]
pub struct Population {
    pub people: Vec<Person>,
    pub devices: Vec<Device>,
    /// Telephones and mailboxes of call centres and shops, and how busy each is.
    pub offices: Vec<((&'static str, String), u64)>,
}

impl Population {
    pub fn new(people: usize, makeup: &Makeup, random: &mut Random) -> Self {
        let mut population = Self { people: Vec::new(), devices: Vec::new(), offices: offices(people, makeup) };
        for number in 0..people {
            population.people.push(person(number, makeup, random));
        }
        population.hand_out_devices(random);
        population
    }

    /// Each has a first device alone; of the others, some are shared until so many of all devices are.
    fn hand_out_devices(&mut self, random: &mut Random) {
        let mut others = Vec::new();
        for owner in 0..self.people.len() {
            let many = *pick(&DEVICES, random);
            let rest = if many == 1 { 0 } else { (1_000 - FIRST_DEVICE) / (many as u64 - 1) };
            let first = self.device(1, random);
            self.people[owner].devices.push((first, 1_000 - rest * (many as u64 - 1)));
            others.extend((1..many).map(|_| (owner, rest)));
        }
        for at in (1..others.len()).rev() {
            others.swap(at, random.below(at as u64 + 1) as usize);
        }
        let mut shared = 0;
        while let Some((owner, share)) = others.pop() {
            let in_the_end = self.devices.len() + 1 + others.len();
            if shared * 1_000 >= in_the_end * SHARED_DEVICES {
                let own = self.device(1, random);
                self.people[owner].devices.push((own, share));
                continue;
            }
            let sharers = SHARERS[random.below(SHARERS.len() as u64) as usize];
            let mut hands = vec![(owner, share)];
            while hands.len() < sharers
                && let Some(at) = others.iter().rposition(|(other, _)| hands.iter().all(|(known, _)| known != other))
            {
                hands.push(others.remove(at));
            }
            let device = self.device(hands.len(), random);
            shared += 1;
            for (person, share) in hands {
                self.people[person].devices.push((device, share));
            }
        }
    }

    fn device(&mut self, people: usize, random: &mut Random) -> usize {
        let namespace = if random.per_mille(300) { "device_id" } else { "anonymous_id" };
        self.devices.push(Device { namespace, id: random.uuid(), people });
        self.devices.len() - 1
    }
}

fn offices(people: usize, makeup: &Makeup) -> Vec<((&'static str, String), u64)> {
    let office = |number: usize| match number % 2 {
        0 => ("phone", format!("+4930{:07}", 5_000_000 + number)),
        _ => ("email", format!("shop-{number}@acme.example")),
    };
    match makeup.offices {
        Offices::Alike(many) => (0..many).map(|number| (office(number), 1)).collect(),
        Offices::ByZipf { people_each } => {
            let busy = |number: usize| 1_000_000 / (number as u64 + 1);
            (0..people.div_ceil(people_each)).map(|number| (office(number), busy(number))).collect()
        }
    }
}

fn person(number: usize, makeup: &Makeup, random: &mut Random) -> Person {
    let sort = match random.below(1_000) {
        rest if rest < makeup.guests => Sort::Guest,
        rest if rest < makeup.guests + makeup.strangers => Sort::Stranger,
        _ => Sort::Account,
    };
    let sessions = match sort {
        Sort::Stranger => 1 + random.below(SESSIONS_OF_STRANGERS),
        Sort::Account | Sort::Guest => 1 + (-(1.0 - random.unit()).ln() * (SESSIONS - 1.0)).min(MOST_SESSIONS) as u64,
    };
    let emails = 1 + usize::from(random.per_mille(makeup.second_emails));
    Person {
        sort,
        user_id: format!("{}", 100_000 + number),
        emails: (0..emails).map(|_| address(number, random)).collect(),
        phone: random.per_mille(WITH_PHONE).then(|| format!("+49151{:08}", random.below(100_000_000))),
        card: random.per_mille(WITH_CARD).then(|| format!("C{:08}", 7 * number)),
        devices: Vec::new(),
        sessions,
    }
}

/// Of one person alone: the digits at its end are the person's number.
fn address(number: usize, random: &mut Random) -> String {
    let mut one_of = |names: &[&'static str]| names[random.below(names.len() as u64) as usize];
    format!("{}.{}{number}@{}", one_of(&GIVEN), one_of(&FAMILY), one_of(&HOSTS))
}

/// One of these, each as often as its share says.
pub fn pick<'a, What>(shares: &'a [(What, u64)], random: &mut Random) -> &'a What {
    let mut rest = random.below(shares.iter().map(|(_, share)| share).sum());
    for (what, share) in shares {
        match rest.checked_sub(*share) {
            Some(left) => rest = left,
            None => return what,
        }
    }
    &shares[0].0
}
