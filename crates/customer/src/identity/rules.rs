//! The identity rules of a tenant: which namespaces tell persons or devices apart, how strongly, and the limits.

use rapport_touchpoint::{Country, Normalisation};
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Names a person; two of them in one event are a link.
    Person,
    /// Names a thing that a person uses, and may pass on.
    Device,
}

/// One namespace that the rules know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kind {
    pub namespace: String,
    pub role: Role,
    pub normalisation: Normalisation,
    /// How many of them one customer may have. Devices are not limited.
    pub most: u32,
}

impl Kind {
    /// May a customer have several of this kind? Only then can one of them be void.
    pub fn is_plural(&self) -> bool {
        self.role == Role::Device || self.most > 1
    }
}

/// A kind's place among the rules' kinds; the smaller, the stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindIndex(pub u8);

#[derive(Debug, Clone)]
pub struct Rules {
    /// Strongest first, persons before devices.
    kinds: Vec<Kind>,
    /// Different partners of one kind beyond which an identifier is void.
    pub most_partners: u32,
    /// Person identifiers that one customer may have in all.
    pub most_persons: u32,
    /// Whose telephone numbers are meant where a number names no country.
    pub country: Option<Country>,
}

impl Default for Rules {
    /// The defaults, and why: a shop knows a customer by one account (`user_id`) and WeChat by one `unionid`; an `openid`
    /// exists per WeChat app, and companies run a handful of apps; five e-mails, phones and cards are more than a person
    /// uses in years and fewer than a call centre types in a morning; ten partners is past what a family shares.
    fn default() -> Self {
        let person = |namespace: &str, normalisation, most| Kind {
            namespace: namespace.to_owned(),
            role: Role::Person,
            normalisation,
            most,
        };
        let device = |namespace: &str| Kind {
            namespace: namespace.to_owned(),
            role: Role::Device,
            normalisation: Normalisation::Trim,
            most: u32::MAX,
        };
        Self {
            kinds: vec![
                person("user_id", Normalisation::Trim, 1),
                person("wechat_unionid", Normalisation::Trim, 1),
                person("wechat_openid", Normalisation::Trim, 10),
                person("loyalty_card", Normalisation::Trim, 5),
                person("email", Normalisation::Email, 5),
                person("phone", Normalisation::Phone, 5),
                device("anonymous_id"),
                device("device_id"),
            ],
            most_partners: 10,
            most_persons: 50,
            country: None,
        }
    }
}

impl Rules {
    pub fn with_country(self, country: Option<Country>) -> Self {
        Self { country, ..self }
    }

    pub fn find(&self, namespace: &str) -> Option<(KindIndex, &Kind)> {
        let place = self.kinds.iter().position(|kind| kind.namespace == namespace)?;
        Some((KindIndex(u8::try_from(place).ok()?), &self.kinds[place]))
    }

    /// The kind at a place that [`Rules::find`] gave.
    pub fn kind(&self, index: KindIndex) -> &Kind {
        &self.kinds[usize::from(index.0)]
    }

    pub fn kinds(&self) -> impl Iterator<Item = (KindIndex, &Kind)> {
        (0..).map(KindIndex).zip(&self.kinds)
    }

    /// What the rules say, as bytes that change whenever they do.
    pub fn canonical(&self) -> Vec<u8> {
        let country = self.country.as_ref().map(Country::code);
        serde_json::to_vec(&(&self.kinds, self.most_partners, self.most_persons, country))
            .expect("rules are plain data")
    }
}
