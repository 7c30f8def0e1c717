//! `peers`: one job, done by Rapport and by others, each as its own documentation recommends.

mod install;
mod job;
mod postgres;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::Instant;

use rapport::wire::v1::customer_ref::By;
use rapport::wire::v1::{CustomerRef, GetCustomerRequest, TotalsRequest};

use crate::Result;
use crate::driven::Server;
use crate::driven::publish::{BATCH_EVENTS, Encoded, by_stream};
use crate::frame::{About, Entry, Floor, Plan, Progress, Role, Sample, Setting, Unit, version_of};
use crate::workload::Workload;
use job::{Done, Job};
use postgres::Postgres;

pub const ABOUT: About = About {
    name: "peers",
    measures: "One job: append touchpoints durably and keep for each customer the orders, the revenue and when it was last seen; \
               then 20,000 point reads, one after the other",
    limit: "none: a peer that is ahead is said to be",
};

const USUAL_EVENTS: u64 = 200_000;
const READS: usize = 20_000;
/// For those who would take very long; what is compared is the rate.
const FEWER: u64 = 10;

const KEPT: &str = "appended and kept";
const APPENDED: &str = "appended alone";
const READ: &str = "point reads";

pub fn plan(setting: &Setting) -> Result<Plan> {
    let events = setting.events(USUAL_EVENTS);
    let reads = if setting.quick { READS / 100 } else { READS };
    let all = Rc::new(Job::write(setting, events, reads)?);
    let fewer = Rc::new(Job::write(setting, (events / FEWER).max(1), reads)?);
    let mut plan = Plan {
        settings: vec![
            ("events", events.to_string()),
            ("events of cqrs-es, emmett-sqlite and eventsourcing", fewer.events.to_string()),
            ("reads", reads.to_string()),
        ],
        entries: vec![rapport(setting, &all)?],
        notes: vec![
            "What each did is said in the first lines of its source below benches/peers; all of them sync before they \
             acknowledge, and the sums that each keeps are compared. Those that are slow get a tenth of the touchpoints, \
             which their smaller tables do not harm. Rapport does more for its figure: it checks schemas, resolves \
             identities, and folds journeys and feedback."
                .to_owned(),
        ],
    };
    add(&mut plan, "PostgreSQL and cqrs-es", postgres(setting, &all, &fewer));
    add(&mut plan, "emmett-sqlite", emmett(&fewer));
    add(&mut plan, "eventsourcing", python("eventsourcing", "eventsourcing", &fewer));
    add(&mut plan, "UmaDB", python("UmaDB", "umadb", &all));
    Ok(plan)
}

/// Who was installed, and in which version.
struct Peers {
    entries: Vec<Entry>,
    versions: String,
}

/// Who cannot be had here is left out, and the table says so.
fn add(plan: &mut Plan, name: &'static str, peers: Result<Peers>) {
    match peers {
        Ok(Peers { entries, versions }) => {
            plan.entries.extend(entries);
            plan.settings.push((name, versions));
        }
        Err(error) => {
            Progress::note(ABOUT.name, &format!("{name} is left out: {error}"));
            plan.notes.push(format!("{name} is left out: {error}"));
        }
    }
}

fn rapport(setting: &Setting, job: &Rc<Job>) -> Result<Entry> {
    let encoded = Encoded::new(Workload::new(setting.seed, job.events), BATCH_EVENTS)?;
    let job = job.clone();
    let entry = Entry::new("Rapport", Role::Rapport, move |setting| {
        let folder = setting.new_folder()?;
        let server = Server::start(folder.path(), "bench", "embedded", &[])?;
        setting.runtime.block_on(measure(&server, &job, &encoded))
    });
    Ok(entry
        .floor(KEPT, Floor::TimesOf(1.0, "PostgreSQL: appended and kept"))
        .floor(KEPT, Floor::TimesOf(10.0, "cqrs-es: appended and kept"))
        .floor(KEPT, Floor::TimesOf(10.0, "emmett-sqlite: appended and kept"))
        .floor(KEPT, Floor::TimesOf(10.0, "eventsourcing: appended and kept")))
}

async fn measure(server: &Server, job: &Job, encoded: &Encoded) -> Result<Vec<Sample>> {
    let connection = server.connect().await?;
    let tenant = || server.tenant.clone();
    let began = Instant::now();
    let published = by_stream(&connection, &server.tenant, encoded).await?;
    server.caught_up(published.position).await?;
    let kept = began.elapsed();
    let mut client = connection.customers();
    let began = Instant::now();
    for customer in &job.reads {
        let customer = Some(CustomerRef { by: Some(By::Identifier(format!("user_id:{customer}"))) });
        client.get(GetCustomerRequest { tenant: tenant(), customer, ..Default::default() }).await?;
    }
    let read = began.elapsed();
    let totals = client.totals(TotalsRequest { tenant: tenant(), ..Default::default() }).await?.into_inner();
    job.check_orders(totals.orders)?;
    let per_s = |count: u64, seconds: f64| count as f64 / seconds;
    Ok(vec![
        Sample::new(KEPT, Unit::PerSecond, per_s(job.events, kept.as_secs_f64())),
        Sample::new(APPENDED, Unit::PerSecond, per_s(job.events, published.elapsed.as_secs_f64())),
        Sample::new(READ, Unit::PerSecond, per_s(job.reads.len() as u64, read.as_secs_f64())),
    ])
}

fn postgres(setting: &Setting, all: &Rc<Job>, fewer: &Rc<Job>) -> Result<Peers> {
    let program = install::cargo("postgres")?;
    let server = Rc::new(Postgres::start(setting)?);
    let entry = |name, which: &'static str, job: &Rc<Job>| {
        let (program, server, job) = (program.clone(), server.clone(), job.clone());
        peer(name, move |_| {
            let database = server.new_database()?;
            job.run(Command::new(&program).args([which, &database.url]))
        })
    };
    let versions = [
        version_of(&server.programs.join("postgres")),
        install::locked("postgres", "cqrs-es")?,
        install::locked("postgres", "postgres-es")?,
    ];
    let entries = vec![entry("PostgreSQL", "plain", all), entry("cqrs-es", "cqrs", fewer)];
    Ok(Peers { entries, versions: versions.join(", ") })
}

fn emmett(job: &Rc<Job>) -> Result<Peers> {
    let (script, job) = (install::npm("emmett")?, job.clone());
    let package = script.with_file_name("node_modules").join("@event-driven-io/emmett-sqlite/package.json");
    let package: serde_json::Value = serde_json::from_str(&fs::read_to_string(package)?)?;
    let version = package["version"].as_str().unwrap_or("unknown");
    let entry = peer("emmett-sqlite", move |setting| {
        let folder = setting.new_folder()?;
        job.run(Command::new("node").arg(&script).arg(folder.path()))
    });
    Ok(Peers { entries: vec![entry], versions: format!("{version}, Node {}", version_of(Path::new("node"))) })
}

fn python(name: &'static str, package: &str, job: &Rc<Job>) -> Result<Peers> {
    let (python, job) = (install::pip(package)?, job.clone());
    let script = install::source(package).join("bench.py");
    let wanted = fs::read_to_string(install::source(package).join("requirements.txt"))?;
    let versions = format!("{}, {}", wanted.trim(), version_of(&python));
    let entry = peer(name, move |setting| {
        let folder = setting.new_folder()?;
        job.run(Command::new(&python).arg(&script).arg(folder.path()))
    });
    Ok(Peers { entries: vec![entry], versions })
}

/// One that keeps nothing gives the figure of its append alone.
fn peer(name: &'static str, mut run: impl FnMut(&Setting) -> Result<Done> + 'static) -> Entry {
    let entry = Entry::new(name, Role::Peer, move |setting| {
        let done = run(setting)?;
        let appended = Sample::new(if done.reads > 0 { KEPT } else { APPENDED }, Unit::PerSecond, done.append_per_s());
        let read = (done.reads > 0).then(|| Sample::new(READ, Unit::PerSecond, done.read_per_s()));
        Ok([appended].into_iter().chain(read).collect())
    });
    entry
        .against(KEPT, "Rapport: appended and kept")
        .against(APPENDED, "Rapport: appended alone")
        .against(READ, "Rapport: point reads")
}
