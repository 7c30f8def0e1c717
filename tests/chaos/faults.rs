//! The hand that kills, freezes and brings back, as the plan says.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::task::block_in_place;
use tokio::time::{sleep, timeout};

use super::plan::{Fault, Injection, Victim};
use super::world::{STREAM, World};
use crate::support::soon::soon;

/// How often what was done.
#[derive(Debug, Default, Clone)]
pub struct Done(BTreeMap<&'static str, usize>);

impl Done {
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        self.0.iter().map(|(kind, count)| (*kind, *count))
    }

    /// Of whatever processes; all NATS servers at once are one.
    pub fn kills(&self) -> usize {
        self.by_kind().filter(|(kind, _)| kind.ends_with("killed")).map(|(_, count)| count).sum()
    }
}

/// One injection, until it is over and all is brought back.
pub async fn inject(world: &mut World, injection: &Injection, done: &mut Done) {
    sleep(injection.after).await;
    // A leader can step down only while there is one.
    let (step_down, others): (Vec<Fault>, _) = injection.faults.iter().partition(|fault| **fault == Fault::StepDown);
    for fault in step_down.into_iter().chain(others) {
        begin(world, fault).await;
        *done.0.entry(fault.kind()).or_default() += 1;
    }
    sleep(injection.lasting).await;
    // What others need comes back first.
    let needed = |fault: &&Fault| matches!(fault, Fault::KillAllNats | Fault::Kill(Victim::Nats(_)) | Fault::Freeze(_));
    block_in_place(|| {
        injection.faults.iter().filter(needed).for_each(|fault| undo(world, *fault));
        injection.faults.iter().filter(|fault| !needed(fault)).for_each(|fault| undo(world, *fault));
    });
}

async fn begin(world: &mut World, fault: Fault) {
    match fault {
        Fault::StepDown => step_down(world).await,
        Fault::KillAllNats => block_in_place(|| world.nats.iter_mut().for_each(|server| server.kill())),
        Fault::Kill(victim) => block_in_place(|| match victim {
            Victim::Gateway(number) => world.gateways[number].kill(),
            Victim::Projector(number) => world.projectors[number].kill(),
            Victim::Nats(number) => world.nats[number].kill(),
        }),
        Fault::Freeze(victim) => match victim {
            Victim::Gateway(number) => world.gateways[number].freeze(),
            Victim::Projector(number) => world.projectors[number].freeze(),
            Victim::Nats(number) => world.nats[number].freeze(),
        },
    }
}

fn undo(world: &mut World, fault: Fault) {
    match fault {
        Fault::StepDown => {}
        Fault::KillAllNats => world.nats.iter_mut().for_each(|server| server.restart()),
        Fault::Kill(victim) => match victim {
            Victim::Gateway(number) => world.start_gateway(number),
            Victim::Projector(number) => world.start_projector(number),
            Victim::Nats(number) => world.nats[number].restart(),
        },
        Fault::Freeze(victim) => match victim {
            Victim::Gateway(number) => world.gateways[number].thaw(),
            Victim::Projector(number) => world.projectors[number].thaw(),
            Victim::Nats(number) => world.nats[number].thaw(),
        },
    }
}

/// Asks until there is a leader that gives up its place.
async fn step_down(world: &World) {
    let client = world.nats_client().await;
    let subject = format!("$JS.API.STREAM.LEADER.STEPDOWN.{STREAM}");
    soon(async {
        loop {
            // While there is no leader, nobody answers.
            let request = timeout(Duration::from_secs(1), client.request(subject.clone(), "".into()));
            let answer = request.await.ok().and_then(Result::ok);
            let told = answer.and_then(|answer| serde_json::from_slice::<Value>(&answer.payload).ok());
            if told.is_some_and(|told| told["success"] == true) {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}
