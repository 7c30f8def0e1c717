//! What a wrong file is answered with, word for word.

use super::*;

#[track_caller]
fn refused(text: &str, says: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!(error.to_string(), says, "{text}");
}

#[track_caller]
fn refused_entry(enter: &str, says: &str) {
    refused(&last_stage(enter), &format!("definitions.toml:9: journey sales, stage won: {says}"));
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    refused("[[journey]]\nname = sales", "definitions.toml:2: string values must be quoted, expected literal string");
    refused(
        "zone = \"UTC\"",
        "definitions.toml:1: unknown field `zone`, expected one of `time_zone`, `custom_types`, `identity`, `journey`",
    );
    refused("[[journey]]\n\nname = 3", "definitions.toml:3: invalid type: integer `3`, expected a string");
    refused("\n[[journey]]\nstage = []", "definitions.toml:2: missing field `name`");
    refused(
        &last_stage("[{ on = [\"*\"], form = [] }]"),
        "definitions.toml:9: unknown field `form`, expected one of `on`, `when`, `quiet`, `from`",
    );
    refused("time_zone = \"UTC\"\ntime_zone = \"UTC\"", "definitions.toml:2: duplicate key");
    refused(
        &"#".repeat(MOST_DEFINITION_BYTES + 1),
        "definitions.toml:1: the file has 262145 bytes; it has at most 262144",
    );
}

#[test]
fn names_are_words_and_each_is_there_once() {
    refused(
        "\ntime_zone = \"Shanghai\"",
        "definitions.toml:2: time_zone is \"Shanghai\"; it must be an IANA time zone such as Asia/Shanghai",
    );
    refused(
        "[[journey]]\nname = \"Sales\"",
        "definitions.toml:2: the journey's name is \"Sales\"; it must be a lower-case word such as sales: a letter, then \
         letters, digits and _, at most 64",
    );
    refused(
        "\n[[journey]]\nname = \"sales\"",
        "definitions.toml:2: journey sales: has no stage; it needs at least one [[journey.stage]]",
    );
    let twice = |name: &str| {
        format!(
            "[[journey]]\nname = \"sales\"\nstage = [\n{{ name = \"seen\", enter = [{{ on = [\"*\"] }}] }},\n{{ name = \"{name}\", enter = [] }},\n]"
        )
    };
    refused(
        &twice("seen"),
        "definitions.toml:5: journey sales: there is a stage seen on line 4 already; give each a name of its own",
    );
    refused(
        &twice("at risk"),
        "definitions.toml:5: journey sales: the stage's name is \"at risk\"; it must be a lower-case word such as loyal: a \
         letter, then letters, digits and _, at most 64",
    );
    refused(
        &twice("outside"),
        "definitions.toml:5: journey sales: outside means customers who are in no stage yet; give the stage another name",
    );
    let again = format!("{0}{0}", last_stage("[{ on = [\"order.placed\"] }]"));
    refused(&again, "definitions.toml:14: there is a journey sales on line 2 already; give each a name of its own");
}

#[test]
fn an_unknown_type_is_refused_with_the_nearest() {
    let own = "a type of your own has a schema or stands in custom_types";
    let nearest = |known: &str| format!("did you mean {known}? A{}", &own[1..]);
    refused_entry(
        r#"[{ on = ["order.place"] }]"#,
        &format!("the event type \"order.place\" is not known; {}", nearest("order.placed")),
    );
    refused_entry(
        r#"[{ on = ["survey.answerd"] }]"#,
        &format!("the event type \"survey.answerd\" is not known; {}", nearest("survey.answered")),
    );
    refused_entry(r#"[{ on = ["shop.entered"] }]"#, &format!("the event type \"shop.entered\" is not known; {own}"));
    refused_entry(
        r#"[{ on = ["orders.*"] }]"#,
        &format!("no known event type begins with \"orders.\"; {}", nearest("order.*")),
    );
    refused_entry(r#"[{ on = ["order*"] }]"#, &format!("the event type \"order*\" is not known; {own}"));
    refused(
        "[[journey]]\nname = \"a\"\npassive = [\"email.*\"]\nstage = [{ name = \"b\", enter = [{ on = [\"*\"] }] }]",
        &format!("definitions.toml:3: journey a: the event type \"email.*\" is not known; {}", nearest("email.sent")),
    );
    refused(
        "custom_types = [\n\"Shop Entered\"]",
        "definitions.toml:2: custom_types has \"Shop Entered\"; a type must be 1 to 5 lower-case words joined by dots, such \
         as order.placed; a word starts with a letter and goes on with letters, digits and _; at most 64 bytes",
    );
    refused(
        "custom_types = [\"customer.merged\"]",
        "definitions.toml:1: custom_types has \"customer.merged\"; a type must not be a decision, which is nothing that \
         happened",
    );
}

#[test]
fn an_entry_is_by_events_or_by_silence() {
    refused_entry("[]", "enter is empty; a stage has at least one entry, such as { on = [\"order.placed\"] }");
    refused_entry(
        "[{ on = [] }]",
        "on is empty; name the event types that lead here, or \"*\" for each that is not passive",
    );
    refused_entry(
        r#"[{ on = ["order.placed", "*"] }]"#,
        "\"*\" means every type that is not passive; let it stand alone in on, and name passive types in an entry of their own",
    );
    refused_entry(
        r#"[{ from = ["seen"] }]"#,
        "the entry has neither on nor quiet; say which event types lead here, or after which silence",
    );
    refused_entry(
        r#"[{ on = ["*"], quiet = "1d" }]"#,
        "the entry has both on and quiet; a stage is entered by events or by one silence: make two stages of it",
    );
    refused_entry(
        r#"[{ on = ["order.placed"] }, { quiet = "1d" }]"#,
        "the stage is entered by events and by silence; make two stages of it",
    );
    refused_entry(
        r#"[{ quiet = "1d" }, { quiet = "2d" }]"#,
        "the stage has two silences; it needs one, with all stages that it follows in from",
    );
    refused_entry(
        r#"[{ quiet = "1d", when = "true" }]"#,
        "the entry has quiet and when; silence has no event to ask about, so leave when out",
    );
}

#[test]
fn a_silence_has_a_length() {
    for bad in ["30", "d", "30 days", "-1d", "1.5d", "30D", "30é", ""] {
        refused_entry(
            &format!("[{{ quiet = \"{bad}\" }}]"),
            &format!("quiet is {bad:?}; it must be a whole number and a unit, s, m, h, d or w, such as \"30d\""),
        );
    }
    for bad in ["0s", "3651d", "99999999999999999999w"] {
        refused_entry(
            &format!("[{{ quiet = \"{bad}\" }}]"),
            &format!("quiet is {bad:?}; it must be from \"1s\" to \"3650d\""),
        );
    }
}

#[test]
fn a_condition_is_checked_against_the_types_of_its_entry() {
    refused_entry(
        r#"[{ on = ["order.placed"], when = "customer.orders >= " }]"#,
        "when: column 19: ends too early; a condition is a CEL expression such as customer.orders >= 3 && \
         event.channel == \"web\"",
    );
    refused_entry(
        r#"[{ on = ["order.placed"], when = "orders >= 3" }]"#,
        "when: column 1: orders is not known; a condition asks for fields of event and customer, and text stands in quotes",
    );
    refused_entry(
        r#"[{ on = ["survey.*"], when = "event.data.score >= '9'" }]"#,
        "when: >= does not go with int and string on an example of survey.answered; numbers go with numbers and texts \
         with texts, and double(...) makes a number of a text",
    );
    refused_entry(
        r#"[{ on = ["*"], when = "event.data.renewal + 1 > 1" }]"#,
        "when: + does not go with bool and int on an example of contract.signed; numbers go with numbers and texts \
         with texts, and double(...) makes a number of a text",
    );
    refused_entry(
        r#"[{ on = ["order.placed"], when = "customer.orders" }]"#,
        "when: gives int on an example of order.placed; a condition is true or false",
    );
    let listed = last_stage(r#"[{ on = ["shop.entered"], when = "customer.orders + 'x' == 1" }]"#);
    refused(
        &format!("custom_types = [\"shop.entered\"]\n{listed}"),
        "definitions.toml:10: journey sales, stage won: when: + does not go with int and string on an example of \
         shop.entered; numbers go with numbers and texts with texts, and double(...) makes a number of a text",
    );
}

#[test]
fn from_names_other_stages() {
    refused_entry(
        r#"[{ on = ["order.placed"], from = [] }]"#,
        "from is empty, so nothing leads here; name stages, or leave it out: it then means outside and every earlier stage \
         that events lead into",
    );
    refused_entry(
        r#"[{ quiet = "1d", from = [] }]"#,
        "from is empty, so nothing leads here; name stages, or leave it out: it then means every earlier stage",
    );
    refused_entry(
        r#"[{ on = ["order.placed"], from = ["seen", "wonn"] }]"#,
        "from has \"wonn\", which is no stage of this journey; there are seen, won, lost and outside",
    );
    refused_entry(
        r#"[{ on = ["order.placed"], from = ["won"] }]"#,
        "from has the stage itself; whoever is there need not enter it",
    );
    refused_entry(
        r#"[{ quiet = "1d", from = ["outside", "seen"] }]"#,
        "from has outside, but silence begins no journey; name the stages that it follows",
    );
    refused(
        "[[journey]]\nname = \"a\"\nstage = [{ name = \"b\", enter = [{ quiet = \"1d\" }] }]",
        "definitions.toml:3: journey a, stage b: no stage stands before this one, so no silence leads here; put it behind \
         others, or name them in from",
    );
}

#[test]
fn a_stage_that_nobody_can_come_into_is_refused() {
    let by_event = "nobody can come here: its entries lead from stages that nobody can be in; add an entry from \
                    \"outside\", or from a stage that is reached";
    refused(
        &three("on = ['*']", "on = ['order.placed'], from = ['c']", "on = ['order.placed'], from = ['b']"),
        &format!("definitions.toml:5: journey j, stage b: {by_event}"),
    );
    refused(
        &three("on = ['*'], from = ['b']", "on = ['order.placed'], from = ['a']", "on = ['order.placed']"),
        &format!("definitions.toml:4: journey j, stage a: {by_event}"),
    );
    let by_silence = "nobody can come here: the stages in its from are not reached, or a shorter silence ends them first; \
                      let it follow a stage that is reached, or that shorter silence's stage";
    refused(
        &three("on = ['*']", "quiet = '30d'", "quiet = '90d', from = ['a']"),
        &format!("definitions.toml:6: journey j, stage c: {by_silence}"),
    );
    assert!(parse(&three("on = ['*']", "quiet = '30d'", "quiet = '90d'")).is_ok());
    assert!(
        parse(&three(
            "on = ['*'], from = ['c']",
            "on = ['page.viewed'], from = ['a']",
            "on = ['order.placed'], from = ['outside']"
        ))
        .is_ok()
    );
}

#[test]
fn silences_that_follow_each_other_grow() {
    let longer = "quiet is not longer than that of b on line 5, which it follows; both count from the last activity, so give \
                  it a longer one";
    refused(
        &three("on = ['*']", "quiet = '30d'", "quiet = '30d', from = ['b']"),
        &format!("definitions.toml:6: journey j, stage c: {longer}"),
    );
    refused(
        &three("on = ['*']", "quiet = '30d'", "quiet = '1w'"),
        &format!("definitions.toml:6: journey j, stage c: {longer}"),
    );
    refused(
        &three("on = ['*']", "quiet = '30d', from = ['a']", "quiet = '720h', from = ['a']"),
        "definitions.toml:6: journey j, stage c: a is left for b on line 5 after the same silence; give one of them another, \
         or take a out of its from",
    );
}

#[test]
fn a_file_is_bounded() {
    let many = |count: usize, of: fn(usize) -> String| (0..count).map(of).collect::<String>();
    let stage = |n: usize| format!("[[journey.stage]]\nname = \"s{n}\"\nenter = [{{ on = [\"*\"] }}]\n");
    let journey = |n: usize| {
        format!("[[journey]]\nname = \"j{n}\"\n[[journey.stage]]\nname = \"s\"\nenter = [{{ on = [\"*\"] }}]\n")
    };
    assert!(parse(&many(8, journey)).is_ok());
    refused(&many(9, journey), "definitions.toml:41: one more than 8 journeys; a tenant has at most 8");
    let with = |stages: String| format!("[[journey]]\nname = \"j\"\n{stages}");
    assert!(parse(&with(many(32, stage))).is_ok());
    refused(
        &with(many(33, stage)),
        "definitions.toml:100: journey j: one more than 32 stages; a journey has at most 32",
    );
    let entries = vec!["{ on = [\"*\"] }"; 101].join(", ");
    refused(
        &with(format!("[[journey.stage]]\nname = \"s\"\nenter = [{entries}]\n")),
        "definitions.toml:4: journey j: one more than 100 entries; a journey has at most 100",
    );
}
