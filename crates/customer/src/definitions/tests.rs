//! What a right file means.

use std::sync::LazyLock;

use rapport_touchpoint::SchemaFile;

use super::*;
use crate::journey::{Entries, From, StageSet, Types};

mod identity;
mod refusals;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let booked = r#"{"type": "object", "examples": [{"size": 42}]}"#;
    let file = SchemaFile { path: "fitting.booked/1.json".to_owned(), text: booked.to_owned() };
    Catalogue::with_custom(&[file]).unwrap()
});

fn parse(text: &str) -> Result<Definitions, DefinitionError> {
    Definitions::parse("definitions.toml", text, &CATALOGUE)
}

/// A journey of three stages, the last with this entry, on line 9; `seen` is entered by anything.
fn last_stage(enter: &str) -> String {
    format!(
        "[[journey]]\nname = \"sales\"\n[[journey.stage]]\nname = \"seen\"\nenter = [{{ on = [\"*\"] }}]\n\
         [[journey.stage]]\nname = \"won\"\n# here\nenter = {enter}\n\
         [[journey.stage]]\nname = \"lost\"\nenter = [{{ quiet = \"90d\", from = [\"seen\"] }}]\n"
    )
}

/// Stages a, b, c on lines 4, 5, 6.
fn three(a: &str, b: &str, c: &str) -> String {
    let stage = |(name, enter): (&str, &str)| format!("{{ name = \"{name}\", enter = [{{ {enter} }}] }},");
    let stages = [("a", a), ("b", b), ("c", c)].map(stage);
    format!("[[journey]]\nname = \"j\"\nstage = [\n{}\n]", stages.join("\n"))
}

#[test]
fn the_standard_journey_is_right() {
    let standard = Definitions::standard(&CATALOGUE);
    assert_eq!(standard.zone.name(), "UTC");
    let [main] = standard.journeys.0.as_slice() else { panic!("one journey") };
    let stages: Vec<_> = main.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(stages, ["aware", "interested", "considering", "customer", "loyal", "advocate", "at_risk", "lapsed"]);
    assert_eq!(main.path().count(), 6);
    let default: Vec<_> = known::PASSIVE.to_vec();
    assert_eq!(main.passive.iter().map(|passive| passive.as_str()).collect::<Vec<_>>(), default, "one list, twice");
}

#[test]
fn the_example_is_right() {
    let text = include_str!("../../../../examples/definitions.toml");
    let definitions = parse(text).unwrap();
    assert_eq!(definitions.zone.name(), "Asia/Shanghai");
    let names: Vec<_> = definitions.journeys.iter().map(|map| map.name.as_str()).collect();
    assert_eq!(names, ["sales", "onboarding", "service"]);
}

#[test]
fn without_a_journey_there_is_the_default_one_in_the_tenants_days() {
    let definitions = parse("time_zone = \"asia/shanghai\"").unwrap();
    assert_eq!(definitions.zone.name(), "Asia/Shanghai");
    assert_eq!(definitions.journeys.canonical(), Definitions::standard(&CATALOGUE).journeys.canonical());
}

#[test]
fn what_is_left_out_is_filled_in() {
    let text = last_stage(r#"[{ on = ["order.placed", "ticket.*"], when = " customer.orders > 1 " }]"#);
    let definitions = parse(&text).unwrap();
    let map = &definitions.journeys.0[0];
    let [seen, won, lost] = [0, 1, 2].map(|place| &map.stages[place]);
    let only = |name: &str| map.find(name).into_iter().collect::<StageSet>();
    let Entries::ByEvent(entries) = &seen.entries else { panic!("by event") };
    assert_eq!(
        (&entries[0].on, entries[0].from),
        (&Types::Active, From { outside: true, stages: StageSet::default() })
    );
    let Entries::ByEvent(entries) = &won.entries else { panic!("by event") };
    assert_eq!(entries[0].on, Types::Named(vec!["order.placed".to_owned(), "ticket.".to_owned()]));
    assert_eq!(entries[0].when.as_ref().map(|when| when.source()), Some("customer.orders > 1"));
    assert_eq!(entries[0].from, From { outside: true, stages: only("seen") });
    let Entries::BySilence(silence) = &lost.entries else { panic!("by silence") };
    assert_eq!((silence.quiet_nanos, silence.from), (90 * 86_400 * 1_000_000_000, only("seen")));
}

#[test]
fn a_quiet_stage_between_others_is_no_earlier_stage_of_events() {
    let definitions = parse(
        r#"
        [[journey]]
        name = "sales"
        stage = [
            { name = "seen", enter = [{ on = ["*"] }] },
            { name = "asleep", enter = [{ quiet = "1w" }] },
            { name = "won", enter = [{ on = ["order.placed"] }] },
            { name = "lost", enter = [{ quiet = "2w" }] },
            { name = "back", enter = [{ on = ["order.placed"], from = ["outside", "lost"] }] },
        ]"#,
    )
    .unwrap();
    let map = &definitions.journeys.0[0];
    let from = |place: usize| match &map.stages[place].entries {
        Entries::ByEvent(entries) => entries[0].from,
        Entries::BySilence(silence) => From { outside: false, stages: silence.from },
    };
    let set = |names: &[&str]| names.iter().filter_map(|name| map.find(name)).collect::<StageSet>();
    assert_eq!(from(1), From { outside: false, stages: set(&["seen"]) });
    assert_eq!(from(2), From { outside: true, stages: set(&["seen"]) });
    assert_eq!(from(3), From { outside: false, stages: set(&["seen", "asleep", "won"]) });
    assert_eq!(from(4), From { outside: true, stages: set(&["lost"]) });
}

#[test]
fn a_type_of_ones_own_is_known_by_its_schema_or_listed() {
    assert!(parse(&last_stage(r#"[{ on = ["fitting.booked"], when = "event.data.size > 40" }]"#)).is_ok());
    let listed = format!("custom_types = [\"shop.entered\"]\n{}", last_stage(r#"[{ on = ["shop.*"] }]"#));
    assert!(parse(&listed).is_ok());
    let asked = format!(
        "custom_types = [\"shop.entered\"]\n{}",
        last_stage(r#"[{ on = ["shop.entered"], when = "event.data.floor > 2 && customer.orders > 1" }]"#)
    );
    assert!(parse(&asked).is_ok(), "without a schema, data may be anything");
}

#[test]
fn durations_have_units() {
    for (text, seconds) in
        [("90s", 90), ("45m", 2_700), ("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600), ("3650d", 315_360_000)]
    {
        let definitions = parse(&three("on = ['*']", &format!("quiet = '{text}'"), "on = ['order.placed']")).unwrap();
        let Entries::BySilence(silence) = &definitions.journeys.0[0].stages[1].entries else { panic!("by silence") };
        assert_eq!(silence.quiet_nanos, seconds * 1_000_000_000, "{text}");
    }
}

#[test]
fn what_definitions_mean_does_not_depend_on_how_they_are_written() {
    let canonical = |text: &str| parse(text).unwrap().journeys.canonical();
    let one = "[[journey]]\nname = \"j\"\npassive = [\"email.sent\", \"survey.sent\"]\n[[journey.stage]]\nname = \"a\"\nenter = [{ on = [\"*\"] }]\n[[journey.stage]]\nname = \"b\"\nenter = [{ quiet = \"2w\" }]";
    let same = "# The same.\njourney = [{ name = 'j', passive = ['survey.sent', 'email.sent', 'email.sent'], stage = [\n{ name = 'a', enter = [{ on = ['*'], from = ['outside'] }] },\n{ name = 'b', enter = [{ from = ['a'], quiet = '14d' }] }] }]";
    assert_eq!(canonical(one), canonical(same));
    for (from, to) in [("2w", "3w"), ("\"j\"", "\"i\""), ("\"*\"", "\"order.*\""), (", \"survey.sent\"", "")] {
        assert_ne!(canonical(one), canonical(&one.replace(from, to)), "{to}");
    }
    let asked = |when: &str| canonical(&last_stage(&format!("[{{ on = [\"*\"], when = '{when}' }}]")));
    assert_ne!(asked("customer.orders > 1"), asked("customer.orders > 2"));
}
