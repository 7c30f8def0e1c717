//! What is done to which process, when and for how long: a seed says it all.

use std::ops::Range;
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::world::Layout;

/// One thing that is done to a process, or to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL, and a start when it is over.
    Kill(Victim),
    /// SIGSTOP, and SIGCONT when it is over.
    Freeze(Victim),
    /// All NATS servers at once.
    KillAllNats,
    /// The leader of the stream gives up its place.
    StepDown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// A Rapport process that takes events in.
    Gateway(usize),
    /// A Rapport process that folds.
    Projector(usize),
    Nats(usize),
}

/// Faults that come together and are over together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// Since the one before was over.
    pub after: Duration,
    pub faults: Vec<Fault>,
    pub lasting: Duration,
}

/// How fast injections follow each other, in milliseconds.
#[derive(Debug, Clone)]
pub struct Pace {
    pub after: Range<u64>,
    pub lasting: Range<u64>,
    /// Of one injection in eight; long enough for a cluster to give up a frozen leader.
    pub lasting_long: Range<u64>,
}

impl Pace {
    pub const SHORT: Self = Self { after: 150..400, lasting: 100..500, lasting_long: 500..501 };
    pub const LONG: Self = Self { after: 200..1500, lasting: 50..2000, lasting_long: 5_000..14_000 };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    KillGateway,
    KillProjector,
    KillNats,
    KillAllNats,
    FreezeGateway,
    FreezeProjector,
    FreezeNats,
    StepDown,
}

/// Injections without end. Every kind that a layout allows comes once before any comes again.
pub struct Plan {
    chance: ChaCha8Rng,
    layout: Layout,
    pace: Pace,
    kinds: Vec<Kind>,
    /// What has not come yet in this round.
    left: Vec<Kind>,
}

impl Plan {
    pub fn new(layout: Layout, pace: Pace, seed: u64) -> Self {
        let kinds = match layout {
            Layout::Embedded => vec![Kind::KillGateway, Kind::FreezeGateway],
            Layout::Single => vec![
                Kind::KillGateway,
                Kind::KillProjector,
                Kind::KillNats,
                Kind::FreezeGateway,
                Kind::FreezeProjector,
                Kind::FreezeNats,
            ],
            Layout::Cluster => vec![
                Kind::KillGateway,
                Kind::KillProjector,
                Kind::KillNats,
                Kind::KillAllNats,
                Kind::FreezeGateway,
                Kind::FreezeProjector,
                Kind::FreezeNats,
                Kind::StepDown,
            ],
        };
        Self { chance: ChaCha8Rng::seed_from_u64(seed), layout, pace, kinds, left: Vec::new() }
    }

    /// One injection of each kind.
    pub fn round(&self) -> usize {
        self.kinds.len()
    }

    fn kind(&mut self) -> Kind {
        if self.left.is_empty() {
            self.left.clone_from(&self.kinds);
            self.left.shuffle(&mut self.chance);
        }
        self.left.pop().expect("a layout has faults")
    }

    fn fault(&mut self, kind: Kind) -> Fault {
        let mut one_of = |many: usize| self.chance.random_range(0..many);
        match kind {
            Kind::KillGateway => Fault::Kill(Victim::Gateway(one_of(self.layout.gateways()))),
            Kind::KillProjector => Fault::Kill(Victim::Projector(one_of(self.layout.projectors()))),
            Kind::KillNats => Fault::Kill(Victim::Nats(one_of(self.layout.nats()))),
            Kind::KillAllNats => Fault::KillAllNats,
            Kind::FreezeGateway => Fault::Freeze(Victim::Gateway(one_of(self.layout.gateways()))),
            Kind::FreezeProjector => Fault::Freeze(Victim::Projector(one_of(self.layout.projectors()))),
            Kind::FreezeNats => Fault::Freeze(Victim::Nats(one_of(self.layout.nats()))),
            Kind::StepDown => Fault::StepDown,
        }
    }
}

impl Iterator for Plan {
    type Item = Injection;

    fn next(&mut self) -> Option<Injection> {
        let kind = self.kind();
        let mut faults = vec![self.fault(kind)];
        if self.chance.random_ratio(1, 4) {
            let another = self.kinds[self.chance.random_range(0..self.kinds.len())];
            let another = self.fault(another);
            if !faults[0].meets(another) {
                faults.push(another);
            }
        }
        let lasting = if self.chance.random_ratio(1, 8) { &self.pace.lasting_long } else { &self.pace.lasting };
        let lasting = Duration::from_millis(self.chance.random_range(lasting.clone()));
        let after = Duration::from_millis(self.chance.random_range(self.pace.after.clone()));
        Some(Injection { after, faults, lasting })
    }
}

impl Fault {
    /// As it is counted.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Kill(Victim::Gateway(_)) => "gateway killed",
            Self::Kill(Victim::Projector(_)) => "projector killed",
            Self::Kill(Victim::Nats(_)) => "nats-server killed",
            Self::KillAllNats => "all nats-servers killed",
            Self::Freeze(Victim::Gateway(_)) => "gateway frozen",
            Self::Freeze(Victim::Projector(_)) => "projector frozen",
            Self::Freeze(Victim::Nats(_)) => "nats-server frozen",
            Self::StepDown => "leader stepped down",
        }
    }

    /// Do the two want the same process?
    fn meets(self, other: Self) -> bool {
        let of_nats = |fault| matches!(fault, Self::Kill(Victim::Nats(_)) | Self::Freeze(Victim::Nats(_)));
        match (self, other) {
            (Self::Kill(one) | Self::Freeze(one), Self::Kill(other) | Self::Freeze(other)) => one == other,
            (Self::StepDown, Self::StepDown) | (Self::KillAllNats, Self::KillAllNats) => true,
            (Self::KillAllNats, other) => of_nats(other),
            (one, Self::KillAllNats) => of_nats(one),
            (Self::StepDown, _) | (_, Self::StepDown) => false,
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_plan() {
    for layout in Layout::ALL {
        let plan = |seed| Plan::new(layout, Pace::LONG, seed).take(200).collect::<Vec<_>>();
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
    }
}

#[test]
fn every_kind_comes_in_every_round_and_no_process_is_hit_twice_at_once() {
    for layout in Layout::ALL {
        let plan = Plan::new(layout, Pace::SHORT, 1);
        let round = plan.round();
        let injections: Vec<Injection> = plan.take(round * 20).collect();
        for round in injections.chunks(round) {
            let kinds: std::collections::BTreeSet<_> =
                round.iter().map(|injection| injection.faults[0].kind()).collect();
            assert_eq!(kinds.len(), round.len(), "{round:?}");
        }
        assert!(injections.iter().any(|injection| injection.faults.len() == 2) || layout == Layout::Embedded);
        for injection in injections {
            assert!(injection.faults.len() < 2 || !injection.faults[0].meets(injection.faults[1]), "{injection:?}");
        }
    }
}
