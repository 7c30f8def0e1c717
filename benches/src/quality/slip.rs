//! Slips of the finger: addresses and numbers as people type them.

use std::collections::HashSet;

use super::life::Trouble;
use super::makeup::Makeup;
use super::people::Population;
use crate::random::Random;

/// Typed values that are wrong, per mille.
const WRONG: u64 = 30;

pub struct Slips<'a> {
    emails: Vec<&'a str>,
    phones: Vec<&'a str>,
    taken: HashSet<&'a str>,
    of_another: u64,
}

impl<'a> Slips<'a> {
    pub fn new(population: &'a Population, makeup: &Makeup) -> Self {
        let emails: Vec<&str> =
            population.people.iter().flat_map(|person| person.emails.iter().map(String::as_str)).collect();
        let phones: Vec<&str> = population.people.iter().filter_map(|person| person.phone.as_deref()).collect();
        let taken = emails.iter().chain(&phones).copied().collect();
        Self { emails, phones, taken, of_another: makeup.typos_of_another }
    }

    /// What comes of an e-mail or a telephone number that somebody types.
    pub fn typed(&self, namespace: &str, value: &str, random: &mut Random) -> (String, Trouble) {
        if !random.per_mille(WRONG) {
            return (value.to_owned(), Trouble::None);
        }
        if random.per_mille(self.of_another) {
            let of = if namespace == "email" { &self.emails } else { &self.phones };
            let other = of[random.below(of.len() as u64) as usize];
            return (other.to_owned(), if other == value { Trouble::None } else { Trouble::TypoOfAnother });
        }
        let slipped = if namespace == "email" { slip(value, random) } else { wrong_digit(value, random) };
        let trouble = match self.taken.contains(slipped.as_str()) {
            _ if slipped == value => Trouble::None,
            true => Trouble::TypoOfAnother,
            false => Trouble::Typo,
        };
        (slipped, trouble)
    }
}

/// Two letters change places, or one is left out or typed twice.
fn slip(value: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = value.chars().collect();
    let at = random.below(letters.len() as u64 - 1) as usize;
    match random.below(3) {
        0 => letters.swap(at, at + 1),
        1 => drop(letters.remove(at)),
        _ => letters.insert(at, letters[at]),
    }
    letters.into_iter().collect()
}

/// One of the last eight digits is another.
fn wrong_digit(value: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = value.chars().collect();
    let at = letters.len() - 1 - random.below(8) as usize;
    letters[at] = char::from_digit(random.below(10) as u32, 10).unwrap_or('0');
    letters.into_iter().collect()
}
