//! That the year is what the documentation says, that the counting is right, and that a small year stays as good as it is.

use super::assessment::{Cause, Pairs};
use super::folded::Folded;
use super::life::{Touch, Trouble, Year};
use super::*;

fn made(people: usize, seed: u64) -> (Population, Year, Vec<usize>) {
    let mut random = Random::new(seed);
    let population = Population::new(people, &mut random);
    let mut year = life::year(&population, &mut random);
    told::spoil(&mut year.touches, &population, &mut random);
    let arrival = told::arrival(&year.touches, &mut random);
    (population, year, arrival)
}

#[track_caller]
fn is_about(what: &str, part: usize, whole: usize, share: f64) {
    let found = part as f64 / whole as f64;
    assert!((found / share - 1.0).abs() < 0.15, "{what}: {found:.4}, not {share}");
}

#[test]
fn the_same_seed_makes_the_same_year() {
    let told = |seed| {
        let (_, year, arrival) = made(50, seed);
        arrival.iter().map(|place| told::event(*place, &year.touches[*place]).to_string()).collect::<Vec<_>>()
    };
    assert_eq!(told(7), told(7));
    assert_ne!(told(7), told(8));
}

#[test]
fn the_year_is_as_it_is_described() {
    let (population, year, arrival) = made(3_000, 1);
    let Population { people, devices, .. } = &population;
    let hands: usize = people.iter().map(|person| person.devices.len()).sum();
    is_about("devices of a person", hands, people.len(), 2.5);
    is_about("shared devices", devices.iter().filter(|device| device.people > 1).count(), devices.len(), 0.1);
    assert!(devices.iter().all(|device| (1..=4).contains(&device.people)));
    is_about("anonymous at first", year.anonymous_at_first as usize, year.sessions as usize, 0.6);
    let troubled = |which: &[Trouble]| year.touches.iter().filter(|touch| which.contains(&touch.trouble)).count();
    is_about("blocked and offices'", troubled(&[Trouble::Placeholder, Trouble::Office]), year.touches.len(), 0.01);
    let overtaken =
        arrival.windows(2).filter(|pair| year.touches[pair[0]].second > year.touches[pair[1]].second).count();
    assert!(overtaken * 100 > year.touches.len(), "only {overtaken} come after later ones");
}

#[test]
fn one_typed_value_in_thirty_three_is_wrong_and_few_of_these_are_anothers() {
    let (population, ..) = made(1_000, 1);
    let (slips, mut random) = (slip::Slips::new(&population), Random::new(1));
    let mut found = [0, 0];
    for person in population.people.iter().cycle().take(100_000) {
        match slips.typed("email", &person.emails[0], &mut random).1 {
            Trouble::Typo => found[0] += 1,
            Trouble::TypoOfAnother => found[1] += 1,
            _ => {}
        }
    }
    is_about("wrong", found[0] + found[1], 100_000, 0.03);
    is_about("another's", found[1], found[0] + found[1], 0.05);
}

/// Events of persons by their numbers, with customers by theirs; `None` is nobody's.
fn assessed(events: &[(usize, Option<u32>, Trouble, bool)]) -> Assessment {
    let touch = |(person, _, trouble, on_shared_device): &(usize, Option<u32>, Trouble, bool)| Touch {
        person: *person,
        second: 0,
        event_type: "page.viewed",
        channel: "web",
        identifiers: Vec::new(),
        trouble: *trouble,
        on_shared_device: *on_shared_device,
    };
    let touches: Vec<Touch> = events.iter().map(touch).collect();
    let customers = events.iter().map(|event| event.1).collect();
    let names_person = events.iter().map(|event| !event.3).collect();
    assess(&touches, &Folded { customers, names_person })
}

#[test]
fn pairs_are_counted_and_each_has_a_cause() {
    use Trouble::{None as Fine, Office, Typo};
    let found = assessed(&[
        (1, Some(1), Fine, false),
        (1, Some(1), Fine, false),
        (1, Some(1), Fine, false),
        // Two of 2's events are with 1; one is alone, and one is its own.
        (2, Some(1), Fine, true),
        (2, Some(2), Typo, false),
        (2, None, Office, false),
        (2, Some(2), Fine, false),
    ]);
    assert_eq!(found.all, Pairs { of_one_customer: 7, of_one_person: 9, of_both: 4 });
    assert_eq!((found.all.precision(), found.all.recall()), (4.0 / 7.0, 4.0 / 9.0));
    assert_eq!(found.identified, Pairs { of_one_customer: 4, of_one_person: 6, of_both: 4 });
    assert_eq!(found.wrong_twice.into_iter().collect::<Vec<_>>(), [(Cause::SharedDevice, 6)]);
    let missing: Vec<_> = found.missing_twice.into_iter().collect();
    assert_eq!(missing, [(Cause::SharedDevice, 5), (Cause::Office, 5)], "they miss one pair of each other, half each");
}

/// The goals are for many people: among few, one office's telephone that is not void yet weighs much. What is reached must
/// not be lost.
#[test]
fn a_small_year_is_as_good_as_it_was() {
    let report = measure(150, 1, Rules::default()).unwrap();
    let reached = [0.976, 0.82, 0.968, 0.901];
    for (figure, least) in report.figures.iter().zip(reached) {
        assert!(figure.measured >= least, "{}: {:.4}, and was {least}\n{report}", figure.name, figure.measured);
    }
}
