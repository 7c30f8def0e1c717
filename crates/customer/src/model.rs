//! The models: what can be known of a customer. Each is a state, a fold and what it contributes to the totals.
//!
//! A new model is one file like `profile.rs`, a field of [`States`](crate::States), and one arm in each `match` here.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// Made by the identity rules and not by a fold; always there.
    Identity,
    Profile,
    Journey,
    Feedback,
}

impl Model {
    pub const ALL: [Self; 4] = [Self::Identity, Self::Profile, Self::Journey, Self::Feedback];

    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Profile => "profile",
            Self::Journey => "journey",
            Self::Feedback => "feedback",
        }
    }

    /// Raised whenever the same events give another state; read models of an older version are then built anew.
    pub fn version(self) -> u32 {
        match self {
            Self::Identity => 2,
            Self::Profile => 1,
            Self::Journey => 1,
            Self::Feedback => 1,
        }
    }

    /// The number under which a read model stores the model's states. Never reused.
    pub fn number(self) -> u8 {
        match self {
            Self::Identity => 0,
            Self::Profile => 1,
            Self::Journey => 2,
            Self::Feedback => 3,
        }
    }

    /// What it cannot be folded without.
    pub fn builds_on(self) -> &'static [Self] {
        match self {
            Self::Identity => &[],
            Self::Profile => &[Self::Identity],
            // Conditions ask the profile.
            Self::Journey => &[Self::Identity, Self::Profile],
            // Answers are sliced by the stage.
            Self::Feedback => &[Self::Identity, Self::Profile, Self::Journey],
        }
    }

    /// These models and all that they build on, each once.
    pub fn with_all_below(models: &[Self]) -> Vec<Self> {
        let needed = |model: &Self| models.iter().any(|wanted| wanted == model || wanted.builds_on().contains(model));
        Self::ALL.into_iter().filter(|model| *model == Self::Identity || needed(model)).collect()
    }
}
