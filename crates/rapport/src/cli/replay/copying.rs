//! A replay into another tenant or server: published there as an adapter would, so that its rules hold and retries count once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use rapport_touchpoint::EventType;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::fetch::{Fetch, Reached, STEPS_AHEAD, Step};
use super::{CliError, ReplayArgs};
use crate::client::Connection;
use crate::import::{self, Summary};
use crate::wire::v1::CopyDecisionRequest;

pub(super) async fn run(args: &ReplayArgs) -> Result<(), CliError> {
    let (server, tenant) = (&args.target.server, &args.target.tenant);
    let into_server = args.into_server.as_ref().unwrap_or(server);
    let into_tenant = args.into_tenant.as_ref().unwrap_or(tenant);
    if into_server == server && into_tenant == tenant {
        let wrong =
            format!("--into-tenant {into_tenant} is the tenant that is replayed; name another, or another server");
        return Err(CliError::Usage(wrong));
    }
    let connection = args.target.connect().await?;
    let into = Connection::open(into_server).await?;
    let (steps, receiver) = mpsc::channel(STEPS_AHEAD);
    let copied = Copied::default();
    let touchpoints =
        Touchpoints { steps: receiver, current: Vec::new().into_iter(), given: 0, copied: copied.clone() };
    let mut fetch = Fetch::new(&connection, args.request(), steps);
    let mut summary = Summary::default();
    let ended = {
        let publishing = import::run_copied(touchpoints, format!("tenant {tenant}"), &into, into_tenant, &mut summary);
        tokio::pin!(publishing);
        let both = async {
            let fetched = tokio::select! {
                fetched = fetch.run() => fetched,
                // It ends first only if it cannot go on.
                published = &mut publishing => return published.map_err(CliError::from),
            };
            fetch.end();
            let published = publishing.await;
            fetched?;
            published.map_err(CliError::from)
        };
        tokio::select! {
            ended = both => ended,
            _ = tokio::signal::ctrl_c() => Err(CliError::Interrupted),
        }
    };
    fetch.end();
    let settled = summary.acknowledged() + summary.bad();
    eprintln!("{} touchpoints copied, {} were there already", summary.accepted, summary.duplicates);
    // Decisions hold for all times, so they may come last; a discard is of a record that is there by then.
    let ended = match ended {
        Ok(()) => copy_decisions(&into, into_tenant, copied.take_decisions()).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(()) if summary.bad() > 0 => Err(CliError::BadRows { bad: summary.bad(), read: summary.read }),
        Ok(()) => Ok(()),
        Err(cause) => match copied.reached(settled) {
            Some(reached) => Err(CliError::BrokenOff { cause: Box::new(cause), done: "copied", reached }),
            None => Err(cause),
        },
    }
}

async fn copy_decisions(into: &Connection, tenant: &str, decisions: Vec<String>) -> Result<(), CliError> {
    if decisions.is_empty() {
        return Ok(());
    }
    let (all, mut there) = (decisions.len(), 0);
    for event_json in decisions {
        let request = CopyDecisionRequest { tenant: tenant.to_owned(), event_json };
        let copied = into.admin().copy_decision(request).await.map_err(|status| into.failed(status))?;
        there += usize::from(copied.into_inner().was_there);
    }
    eprintln!("{} decisions copied, {there} were there already", all - there);
    Ok(())
}

/// What the reading thread has given to be published.
#[derive(Clone, Default)]
struct Copied(Arc<Mutex<Progress>>);

#[derive(Default)]
struct Progress {
    /// After so many touchpoints, everything up to there was given. The oldest first.
    marks: VecDeque<(u64, Reached)>,
    /// As they stand; few beside the touchpoints, for people make them.
    decisions: Vec<String>,
}

impl Copied {
    fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn take_decisions(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).decisions)
    }

    /// Up to where all is there, if these many were answered.
    fn reached(&self, settled: u64) -> Option<Reached> {
        let progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        progress.marks.iter().take_while(|(given, _)| *given <= settled).last().map(|(_, reached)| reached.clone())
    }
}

/// The touchpoints as they come, with decisions put aside. Blocks while it waits.
struct Touchpoints {
    steps: mpsc::Receiver<Step>,
    current: std::vec::IntoIter<(u64, String)>,
    given: u64,
    copied: Copied,
}

impl Iterator for Touchpoints {
    type Item = (u64, String);

    fn next(&mut self) -> Option<(u64, String)> {
        loop {
            if let Some(touchpoint) = self.current.next() {
                return Some(touchpoint);
            }
            let Step::Touchpoints { touchpoints, reached } = self.steps.blocking_recv()? else { return None };
            let events = touchpoints.into_iter().map(|touchpoint| (touchpoint.position, touchpoint.event_json));
            let (decisions, kept): (Vec<_>, Vec<_>) = events.partition(|(_, json)| is_decision(json));
            self.given += kept.len() as u64;
            let given = self.given;
            self.copied.update(|progress| {
                progress.decisions.extend(decisions.into_iter().map(|(_, json)| json));
                progress.marks.extend(reached.map(|reached| (given, reached)));
            });
            self.current = kept.into_iter();
        }
    }
}

fn is_decision(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }
    let typed = serde_json::from_str(json).ok().and_then(|Typed { r#type }| EventType::parse(&r#type).ok());
    typed.is_some_and(|event_type| event_type.is_decision())
}
