//! The rules where a tenant says nothing, each with its reason; `docs/identity.md` lists them.

use rapport_touchpoint::{Normalisation, PLACEHOLDERS};

use super::{Blocked, Kind, Role, Visit};

/// Past what a family shares, and soon reached by a call centre.
pub(super) const MOST_PARTNERS: u32 = 10;
/// A customer of many years, with all cards, apps and addresses.
pub(super) const MOST_PERSONS: u32 = 50;
/// E-mails, phones and cards: more than a person uses in years, fewer than a call centre types in a morning.
pub(crate) const MOST_OF_A_KIND: u32 = 5;
/// An openid exists per WeChat app, and companies run a handful of apps.
const MOST_OPENIDS: u32 = 10;

/// After half an hour without a sign of life web analytics takes whoever comes for a new visit.
pub(super) const VISIT: Visit = Visit { nanos: 30 * 60 * 1_000_000_000 };

/// Zeros and dashes, as in an advertising id that its owner took back.
const ZEROS: &str = "^[0-]*$";

/// What people type to get past a form that insists, and what testers leave behind.
const FILLER_ADDRESSES: [&str; 10] = [
    "a@a.com",
    "asdf@asdf.com",
    "email@email.com",
    "email@example.com",
    "na@na.com",
    "noemail@noemail.com",
    "none@none.com",
    "test@example.com",
    "test@test.com",
    "user@example.com",
];
/// A mailbox of a company that nobody reads, taken over from the sender of a mail.
const NO_REPLY: &str = r"^(no|do-?not)[-_.]?reply([-_.+][^@]*)?@";
/// RFC 2606 keeps it free of mailboxes, so systems make up addresses in it.
const INVALID: &str = r"@([^@]*\.)?invalid$";
/// China Mobile's service number, which forms show as their example.
const FILLER_NUMBER: &str = "+8613800138000";
/// The block of each North American area that is kept for films.
const FICTITIOUS: &str = r"^\+1[2-9][0-9]{2}55501[0-9]{2}$";
/// What Android gave as its id on a whole generation of telephones and on emulators.
const FAULTY_ANDROID_ID: &str = "9774d56d682e549c";
/// What Android and iOS say when a program asks for the network card's address.
const HIDDEN_ADDRESS: &str = "02:00:00:00:00:00";

pub(super) fn blocked() -> Blocked {
    block(&PLACEHOLDERS, &[ZEROS])
}

/// Strongest first, persons before devices.
pub(super) fn kinds() -> Vec<Kind> {
    use Normalisation::{Email, Phone, Trim};
    let person = |namespace, normalisation, most| Kind::new(namespace, Role::Person, normalisation, most);
    let device = |namespace| Kind::new(namespace, Role::Device, Trim, u32::MAX);
    vec![
        // A shop knows a customer by one account.
        person("user_id", Trim, 1),
        // WeChat knows a person by one for all apps of a company.
        person("wechat_unionid", Trim, 1),
        person("wechat_openid", Trim, MOST_OPENIDS),
        person("loyalty_card", Trim, MOST_OF_A_KIND),
        person("email", Email, MOST_OF_A_KIND).blocking(block(&FILLER_ADDRESSES, &[NO_REPLY, INVALID])),
        person("phone", Phone, MOST_OF_A_KIND).blocking(block(&[FILLER_NUMBER], &[FICTITIOUS])),
        device("anonymous_id"),
        device("device_id").blocking(block(&[FAULTY_ANDROID_ID, HIDDEN_ADDRESS], &[])),
    ]
}

fn block(values: &[&str], patterns: &[&str]) -> Blocked {
    Blocked::new(values.iter().copied(), patterns.iter().copied()).expect("the default patterns are tested")
}
