//! What the rules of identity in a file mean, and what wrong ones are answered with, word for word.

use rapport_touchpoint::{Country, Normalisation};

use super::*;
use crate::identity::{Role, Usable};

fn rules(text: &str) -> Rules {
    parse(text).unwrap().rules.with_country(Country::parse("CN").ok())
}

/// The namespaces, strongest first; devices after a bar.
fn order(rules: &Rules) -> String {
    let of = |role| {
        let kinds = rules.kinds().filter(move |(_, kind)| kind.role == role);
        kinds.map(|(_, kind)| kind.namespace.as_str()).collect::<Vec<_>>().join(" ")
    };
    format!("{} | {}", of(Role::Person), of(Role::Device))
}

/// What an identifier is compared by; `-` if it names nobody.
fn compared(rules: &Rules, identifier: &str) -> String {
    let identifier = rapport_touchpoint::Identifier::parse(identifier).unwrap();
    Usable::of(&identifier, rules).map_or("-".to_owned(), |usable| usable.value)
}

#[track_caller]
fn refused(text: &str, says: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!(error.to_string(), format!("definitions.toml:{says}"), "{text}");
}

/// One namespace; its keys stand on line 3.
#[track_caller]
fn refused_namespace(name: &str, keys: &str, says: &str) {
    let text = format!("[[identity.namespace]]\nname = \"{name}\"\n{keys}");
    refused(&text, &format!("3: identity, namespace {name}: {says}"));
}

#[test]
fn the_example_says_what_its_comments_say() {
    let text = include_str!("../../../../../examples/identity.toml");
    let rules = rules(text);
    assert_eq!((rules.most_persons, rules.most_partners), (40, 8));
    assert_eq!(rules.visit.nanos, 20 * 60 * 1_000_000_000);
    assert_eq!(
        order(&rules),
        "user_id wechat_unionid wechat_openid member_no email phone crm_contact | anonymous_id device_id kiosk"
    );
    for (said, value) in [
        ("email:Ann.Lee+tea@gmail.com", "annlee@gmail.com"),
        ("email:service@acme.example", "-"),
        ("email:shop-12@acme.example", "-"),
        ("member_no:44 0012-7", "4400127"),
        ("loyalty_card:77", "-"),
        ("phone:021 5555 0100", "-"),
        ("user_id:guest", "guest"),
        ("crm_contact:staff-7", "-"),
        ("email:n.n.", "-"),
    ] {
        assert_eq!(compared(&rules, said), value, "{said}");
    }
    let kind = |name: &str| rules.find(name).unwrap();
    assert_eq!((kind("member_no").1.most, kind("email").1.most, kind("crm_contact").1.most), (1, 3, 5));
    assert_eq!(rules.most_partners(kind("phone").0), 4);
    assert_eq!(rules.most_partners(kind("email").0), 8);
}

#[test]
fn without_rules_there_are_the_default_ones() {
    let default = Rules::default();
    assert_eq!(parse("").unwrap().rules.canonical(), default.canonical());
    assert_eq!(Definitions::standard(&CATALOGUE).rules.canonical(), default.canonical());
    assert_eq!(
        order(&default),
        "user_id wechat_unionid wechat_openid loyalty_card email phone | anonymous_id device_id"
    );
}

#[test]
fn a_built_in_namespace_is_changed_field_by_field() {
    let rules = rules("[[identity.namespace]]\nname = \"email\"\nmost = 2\nblocked = [\"Office@Shop.com\"]");
    let kind = rules.find("email").unwrap().1;
    assert_eq!((kind.role, kind.normalisation, kind.most), (Role::Person, Normalisation::Email, 2));
    assert_eq!(order(&rules), order(&Rules::default()));
    assert_eq!(compared(&rules, "email:office@shop.COM"), "-");
    assert_eq!(compared(&rules, "email:noreply@shop.com"), "-", "what is blocked by default stays so");
}

#[test]
fn namespaces_of_ones_own_come_last_unless_they_are_stronger() {
    let own = |name: &str, role: &str, than: &str| {
        let than = if than.is_empty() { String::new() } else { format!("stronger_than = \"{than}\"\n") };
        format!("[[identity.namespace]]\nname = \"{name}\"\nrole = \"{role}\"\n{than}")
    };
    let ordered = |texts: &[String]| order(&rules(&texts.concat()));
    let devices = "| anonymous_id device_id";
    assert_eq!(
        ordered(&[own("tv", "device", ""), own("b", "person", ""), own("a", "person", "")]),
        format!("user_id wechat_unionid wechat_openid loyalty_card email phone b a {devices} tv")
    );
    assert_eq!(
        ordered(&[own("a", "person", "b"), own("b", "person", "email"), own("tv", "device", "anonymous_id")]),
        "user_id wechat_unionid wechat_openid loyalty_card a b email phone | tv anonymous_id device_id",
        "b goes before email, and a with it"
    );
    assert_eq!(
        ordered(&[own("a", "person", "email"), own("b", "person", "email")]),
        format!("user_id wechat_unionid wechat_openid loyalty_card a b email phone {devices}")
    );
    assert_eq!(
        ordered(&["[[identity.namespace]]\nname = \"phone\"\nstronger_than = \"email\"\n".to_owned()]),
        format!("user_id wechat_unionid wechat_openid loyalty_card phone email {devices}")
    );
    assert_eq!(
        ordered(&[own("phone", "device", "")]),
        "user_id wechat_unionid wechat_openid loyalty_card email | anonymous_id device_id phone",
        "a household's line may be taken for a thing that people share"
    );
}

#[test]
fn what_is_taken_out_says_nothing() {
    let rules = rules("[[identity.namespace]]\nname = \"phone\"\nuse = false");
    assert_eq!(compared(&rules, "phone:13912345678"), "-");
    assert!(rules.find("phone").is_none());
}

#[test]
fn what_is_blocked_is_so_as_it_was_said_and_as_it_is_compared() {
    let rules = rules(
        "identity.blocked = [\"Nobody\"]\nidentity.blocked_patterns = ['^till [0-9]+$']\n\
         [[identity.namespace]]\nname = \"phone\"\nblocked = [\"021 5555 0100\"]\nblocked_patterns = ['^\\+4930']\n\
         [[identity.namespace]]\nname = \"user_id\"\nallowed = [\"TEST\", \"0\"]",
    );
    for nobody in [
        "phone:+862155550100",
        "phone:(021) 5555-0100",
        "phone:+49 30 901820",
        "email:nobody",
        "loyalty_card: NOBODY ",
        "anonymous_id:Till 12",
        "loyalty_card:test",
    ] {
        assert_eq!(compared(&rules, nobody), "-", "{nobody}");
    }
    for (somebody, value) in [("user_id:test", "test"), ("user_id:0", "0"), ("loyalty_card:till 12b", "till 12b")] {
        assert_eq!(compared(&rules, somebody), value);
    }
}

#[test]
fn what_rules_mean_does_not_depend_on_how_they_are_written() {
    let canonical = |text: &str| parse(text).unwrap().rules.canonical();
    let one = "[identity]\nblocked = [\"x\", \"y\"]\n[[identity.namespace]]\nname = \"email\"\nallowed = [\"A\", \"b\"]\n\
               blocked_patterns = ['^a', '^b']\n[[identity.namespace]]\nname = \"phone\"\nmost = 2";
    let same = "identity = { namespace = [{ most = 2, name = 'phone' }, { name = 'email', most = 5, role = 'person',\n\
                blocked_patterns = ['^b', '^a', '^b'], allowed = ['B', 'a'] }], blocked = ['Y', 'x', 'null'] }";
    assert_eq!(canonical(one), canonical(same));
    for (from, to) in [("\"x\"", "\"z\""), ("\"b\"", "\"c\""), ("'^b'", "'^c'"), ("most = 2", "most = 3")] {
        assert_ne!(canonical(one), canonical(&one.replace(from, to)), "{to}");
    }
}

#[test]
fn numbers_have_a_range() {
    refused("[identity]\nmost_persons = 0", "2: identity: most_persons is 0; it must be from 1 to 1000");
    refused("[identity]\n\nmost_partners = -1", "3: identity: most_partners is -1; it must be from 1 to 1000");
    refused_namespace("email", "most = 101", "most is 101; it must be from 1 to 100");
    refused_namespace("email", "most_partners = 5000000000", "most_partners is 5000000000; it must be from 1 to 1000");
    refused("[identity]\nmost_persons = \"50\"", "2: invalid type: string \"50\", expected i64");
    refused_namespace(
        "device_id",
        "most = 5",
        "most is for persons; a customer may have any number of devices, so leave it out",
    );
    refused_namespace(
        "user_id",
        "most_partners = 5",
        "most_partners does not go with most = 1: what a customer has one of tells customers apart and is never void; \
         leave it out",
    );
}

#[test]
fn a_visit_is_a_length_of_time() {
    let visit = |text: &str| parse(&format!("identity.visit = \"{text}\"")).unwrap().rules.visit.nanos;
    assert_eq!((visit("0s"), visit("45m"), visit("1d")), (0, 2_700_000_000_000, 86_400_000_000_000));
    refused(
        "[identity]\nvisit = \"0\"",
        "2: identity: visit is \"0\"; it must be a whole number and a unit, s, m, h, d or w, such as \"30m\"",
    );
    refused("identity.visit = \"25h\"", "1: identity: visit is \"25h\"; it must be from \"0s\" to \"1d\"");
    refused("identity.visit = 30", "1: invalid type: integer `30`, expected a string");
}

#[test]
fn keys_and_words_are_known_ones() {
    refused(
        "[identity]\nmost_person = 50",
        "2: unknown field `most_person`, expected one of `most_persons`, `most_partners`, `visit`, `blocked`, \
         `blocked_patterns`, `namespace`",
    );
    refused(
        "[[identity.namespace]]\nname = \"email\"\nlimit = 3",
        "3: unknown field `limit`, expected one of `name`, `use`, `role`, `stronger_than`, `normalisation`, `most`, \
         `most_partners`, `blocked`, `blocked_patterns`, `allowed`",
    );
    refused_namespace("email", "role = \"Person\"", "role is \"Person\"; it must be \"person\" or \"device\"");
    refused_namespace(
        "email",
        "normalisation = \"gmail\"",
        "normalisation is \"gmail\"; it must be one of \"trim\", \"lower\", \"email\", \"email_gmail\", \"phone\", \
         \"digits\", \"compact\"",
    );
}

#[test]
fn a_namespace_has_a_name_and_a_role() {
    refused(
        "[[identity.namespace]]\nname = \"memberNo\"",
        "2: identity: the name is \"memberNo\"; a namespace is a lower-case word such as member_no, at most 32 bytes",
    );
    refused("[[identity.namespace]]\nmost = 1", "1: missing field `name`");
    let own = "a namespace of your own says role = \"person\" or role = \"device\"";
    refused(
        "[[identity.namespace]]\nname = \"member_no\"\nmost = 1",
        &format!("2: identity, namespace member_no: is not built in and has no role; {own}"),
    );
    refused(
        "[[identity.namespace]]\nname = \"e_mail\"\nmost = 1",
        &format!("2: identity, namespace e_mail: is not built in and has no role; did you mean email? Else {own}"),
    );
    refused(
        "[[identity.namespace]]\nname = \"email\"\n[[identity.namespace]]\nname = \"email\"",
        "4: identity, namespace email: there is a namespace email on line 2 already; say everything of it in one place",
    );
}

#[test]
fn what_is_taken_out_has_no_rules() {
    refused_namespace(
        "email",
        "use = false\nmost = 3",
        "use = false takes the namespace out, so most says nothing; leave one of them out",
    );
    refused_namespace(
        "member_no",
        "use = false",
        "use = false is for built-in namespaces; one that no rule knows says nothing anyway, so leave the entry out",
    );
    let default = Rules::default();
    let names = default.kinds().map(|(_, kind)| kind.namespace.as_str());
    let all: String = names.map(|name| format!("[[identity.namespace]]\nname = \"{name}\"\nuse = false\n")).collect();
    refused(&all, "22: identity: no namespace is in use, so nobody would be told from anybody; leave one in");
}

#[test]
fn strength_is_among_those_of_one_role() {
    let persons = "user_id, wechat_unionid, wechat_openid, loyalty_card, email, phone";
    refused_namespace(
        "phone",
        "stronger_than = \"mail\"",
        &format!("stronger_than is \"mail\", which is no namespace in use; there are {persons}"),
    );
    refused_namespace(
        "phone",
        "stronger_than = \"phone\"",
        "stronger_than is the namespace itself; name another person",
    );
    refused_namespace(
        "phone",
        "stronger_than = \"device_id\"",
        "stronger_than is device_id, a device; a person is compared with persons only, and persons are stronger than \
         devices",
    );
    refused_namespace(
        "phone",
        "stronger_than = \"email\"\n[[identity.namespace]]\nname = \"email\"\nstronger_than = \"phone\"",
        "phone, email: each is to be stronger than the next, which comes round to the first; leave one of them out",
    );
    refused(
        "[[identity.namespace]]\nname = \"email\"\nuse = false\n[[identity.namespace]]\nname = \"phone\"\nstronger_than = \"email\"",
        "6: identity, namespace phone: stronger_than is \"email\", which is no namespace in use; there are user_id, \
         wechat_unionid, wechat_openid, loyalty_card, phone",
    );
}

#[test]
fn what_is_blocked_is_bounded_and_means_something() {
    refused_namespace(
        "email",
        "blocked = [\" \"]",
        "blocked has an empty value; empty values never name anybody, so leave it out",
    );
    refused(
        &format!("[identity]\nblocked = [\"{}\"]", "x".repeat(257)),
        "2: identity: blocked has a value of 257 bytes; an identifier has at most 256",
    );
    refused_namespace(
        "email",
        "blocked = [\"Ann@x.org\"]\nallowed = [\"ann@X.org\"]",
        "\"Ann@x.org\" is in blocked and in allowed; leave it out of one of them",
    );
}

#[test]
fn patterns_are_bounded_and_mean_something() {
    let example = "A pattern is a regular expression such as \"^call-?cent\"";
    let one = |pattern: &str| format!("blocked_patterns = ['{pattern}']");
    refused_namespace("email", &one("(a"), &format!("blocked_patterns has \"(a\"; unclosed group. {example}"));
    refused_namespace(
        "email",
        &one("a*"),
        "blocked_patterns has \"a*\", which every value matches; say more of what is meant",
    );
    assert!(parse(&format!("[identity]\n{}", one("^x*$"))).is_ok(), "it is found in what is empty, and not in all");
    refused_namespace(
        "email",
        &one("([a-z]{1,200}){1,200}"),
        &format!(
            "blocked_patterns has \"([a-z]{{1,200}}){{1,200}}\"; takes too much memory when it is compiled. {example}"
        ),
    );
    refused_namespace(
        "email",
        &one(&"x".repeat(201)),
        "blocked_patterns has a pattern of 201 characters; it has at most 200",
    );
}

#[test]
fn lists_are_bounded() {
    let list = |of: fn(usize) -> String, count| (0..count).map(of).collect::<Vec<_>>().join(",\n");
    let value = |n: usize| format!("'v{n}'");
    assert!(parse(&format!("identity.blocked = [{}]", list(value, 1_000))).is_ok());
    refused(
        &format!("identity.blocked = [{}]", list(value, 1_001)),
        "1001: identity: one more than 1000 values; blocked has at most 1000",
    );
    refused(
        &format!("identity.blocked_patterns = [{}]", list(value, 21)),
        "21: identity: one more than 20 patterns; blocked_patterns has at most 20",
    );
    let namespace = |n: usize| format!("{{ name = 'n{n}', role = 'person' }}");
    refused(
        &format!("identity.namespace = [{}]", list(namespace, 65)),
        "65: identity: one more than 64 namespaces; a tenant has at most 64",
    );
}
