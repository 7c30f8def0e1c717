//! What can be wrong with the rules of identity.

use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdentityProblem {
    #[error("{key} is {found}; it must be from {least} to {most}")]
    Range { key: &'static str, found: i64, least: i64, most: i64 },
    #[error("{key} is {found:?}; it must be {right}")]
    Word { key: &'static str, found: String, right: String },

    #[error("the name is {found:?}; a namespace is a lower-case word such as member_no, at most {most} bytes")]
    Name { found: String, most: usize },
    #[error("there is a namespace {name} on line {line} already; say everything of it in one place")]
    Duplicate { name: String, line: usize },
    #[error("{}", no_role(nearest.as_deref()))]
    NoRole { nearest: Option<String> },
    #[error("use = false takes the namespace out, so {key} says nothing; leave one of them out")]
    SaysNothing { key: &'static str },
    #[error(
        "use = false is for built-in namespaces; one that no rule knows says nothing anyway, so leave the entry out"
    )]
    OwnUnused,
    #[error("no namespace is in use, so nobody would be told from anybody; leave one in")]
    NothingUsed,

    #[error("stronger_than is {found:?}, which is no namespace in use; there are {known}")]
    StrongerUnknown { found: String, known: String },
    #[error("stronger_than is the namespace itself; name another {role}")]
    StrongerItself { role: &'static str },
    #[error(
        "stronger_than is {found}, a {theirs}; a {ours} is compared with {ours}s only, and persons are stronger than devices"
    )]
    StrongerRole { found: String, theirs: &'static str, ours: &'static str },
    #[error("{circle}: each is to be stronger than the next, which comes round to the first; leave one of them out")]
    StrongerCircle { circle: String },

    #[error("most is for persons; a customer may have any number of devices, so leave it out")]
    MostOfDevice,
    #[error(
        "most_partners does not go with most = 1: what a customer has one of tells customers apart and is never void; leave it out"
    )]
    PartnersOfSingle,

    #[error("{list} has an empty value; empty values never name anybody, so leave it out")]
    EmptyValue { list: &'static str },
    #[error("{list} has a value of {bytes} bytes; an identifier has at most {most}")]
    LongValue { list: &'static str, bytes: usize, most: usize },
    #[error("{found:?} is in blocked and in allowed; leave it out of one of them")]
    BlockedAndAllowed { found: String },
    #[error("blocked_patterns has {found:?}; {why}. A pattern is a regular expression such as \"^call-?cent\"")]
    Pattern { found: String, why: String },
    #[error("blocked_patterns has a pattern of {chars} characters; it has at most {most}")]
    LongPattern { chars: usize, most: usize },
    #[error("blocked_patterns has {found:?}, which every value matches; say more of what is meant")]
    PatternOfAll { found: String },
    #[error("the blocked_patterns together: {why}; use fewer or simpler ones")]
    Patterns { why: String },
}

fn no_role(nearest: Option<&str>) -> String {
    let right = "a namespace of your own says role = \"person\" or role = \"device\"";
    match nearest {
        Some(nearest) => format!("is not built in and has no role; did you mean {nearest}? Else {right}"),
        None => format!("is not built in and has no role; {right}"),
    }
}
