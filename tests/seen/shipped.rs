//! The layouts that are shipped, as containers and as services of systemd, are started as this program wants it.

use std::collections::BTreeSet;
use std::fs;

use clap::Parser;
use rapport::cli::Cli;
use rapport::config::Config;
use rapport::hosting::{Hosting, Role, Service};

use crate::support::repository;

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What `rapport <arguments>` serves.
#[track_caller]
fn served(arguments: &[String]) -> Config {
    let words = ["rapport".to_owned()].into_iter().chain(arguments.iter().cloned());
    let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    let config = cli.served().unwrap_or_else(|| panic!("{arguments:?} is not rapport serve"));
    config.unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

/// A line `<key><JSON>`.
fn json_after(text: &str, key: &str) -> Option<Vec<String>> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(key))?;
    Some(serde_json::from_str(value).unwrap_or_else(|error| panic!("{key}{value}: {error}")))
}

/// The containers of the program in `compose.yaml`, with what they serve.
fn containers() -> Vec<(String, Config)> {
    let text = read("examples/compose.yaml");
    let services = text.split_once("\nservices:\n").unwrap().1.split("\nvolumes:\n").next().unwrap();
    let is_name = |line: &str| line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
    let mut found: Vec<(String, String)> = Vec::new();
    for line in services.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if is_name(line) {
            found.push((line.trim().trim_end_matches(':').to_owned(), String::new()));
        } else if let Some((_, container)) = found.last_mut() {
            container.push_str(line);
            container.push('\n');
        }
    }
    let of_program = found.into_iter().filter(|(_, container)| container.contains("<<: *rapport\n"));
    of_program
        .map(|(name, container)| {
            let config =
                served(&json_after(&container, "command: ").unwrap_or_else(|| panic!("{name} has no command")));
            (name, config)
        })
        .collect()
}

/// The arguments of a unit's `ExecStart`, with its names filled in.
fn exec_start(unit: &str, instance: &str) -> Vec<String> {
    let text = read(&format!("deploy/systemd/{unit}"));
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("ExecStart=")).collect();
    let [line] = lines[..] else { panic!("{unit} starts {lines:?}") };
    let line = line.replace("%i", instance).replace("${LISTEN}", "127.0.0.1:7701");
    let mut words = line.split_whitespace().map(str::to_owned);
    assert_eq!(words.next().as_deref(), Some("/usr/local/bin/rapport"), "{unit}");
    words.collect()
}

/// Together they host everything, and no two hold the same read model.
#[track_caller]
fn assert_complete(parts: &[Hosting]) {
    for service in Service::ALL {
        assert!(parts.iter().any(|part| part.hosts(service)), "nobody hosts {}", service.name());
    }
    let folders: Vec<String> =
        parts.iter().filter(|part| part.has(Role::Projector)).map(Hosting::readmodel_folder).collect();
    assert_eq!(folders.iter().collect::<BTreeSet<_>>().len(), folders.len(), "{folders:?}");
}

#[test]
fn the_containers_share_the_work_and_one_log() {
    let containers = containers();
    let parts: Vec<Hosting> = containers.iter().map(|(_, config)| config.hosting.clone()).collect();
    assert_complete(&parts);
    for (name, config) in &containers {
        assert_eq!(format!("{:?}", config.log), format!("{:?}", containers[0].1.log), "{name}");
        assert_eq!(config.data, containers[0].1.data, "{name}");
        let right = match config.hosting.to_string().split_once(" --models ") {
            None => "gateway".to_owned(),
            Some((_, model)) => format!("projector-{model}"),
        };
        assert_eq!(*name, right, "a container is named after what it does");
    }
}

#[test]
fn the_image_serves_by_itself() {
    let text = read("deploy/Dockerfile");
    assert_eq!(json_after(&text, "ENTRYPOINT "), Some(vec!["rapport".to_owned()]));
    assert_eq!(served(&json_after(&text, "CMD ").unwrap()).hosting, Hosting::default());
    let rust = read("rust-toolchain.toml").lines().find_map(|line| line.strip_prefix("channel = ").map(str::to_owned));
    let version = rust.unwrap().trim_matches('"').to_owned();
    assert!(text.contains(&format!("FROM rust:{version}-slim-bookworm ")), "the image is built by Rust {version}");
}

#[test]
fn the_units_share_the_work_and_one_log() {
    assert_eq!(served(&exec_start("rapport.service", "")).hosting, Hosting::default());
    let gateway = served(&exec_start("rapport-gateway.service", ""));
    assert!(gateway.hosting.has(Role::Gateway) && !gateway.hosting.has(Role::Projector));
    let mut parts = vec![gateway.hosting.clone()];
    let all = Hosting::default();
    for model in all.models().iter() {
        let projector = served(&exec_start("rapport-projector@.service", model.name()));
        assert_eq!(projector.hosting.to_string(), format!("--roles projector --models {}", model.name()));
        assert_eq!(format!("{:?}", projector.log), format!("{:?}", gateway.log));
        parts.push(projector.hosting);
    }
    assert_complete(&parts);
}

/// systemd makes the folder that the program is told to use, and lets it write no other.
#[test]
fn a_unit_may_write_the_folder_that_it_uses() {
    for unit in ["rapport.service", "rapport-gateway.service", "rapport-projector@.service"] {
        let text = read(&format!("deploy/systemd/{unit}"));
        let folder = text.lines().find_map(|line| line.strip_prefix("StateDirectory=")).unwrap();
        let data = served(&exec_start(unit, "profile")).data;
        assert_eq!(data.to_str().unwrap(), format!("/var/lib/{}", folder.replace("%i", "profile")), "{unit}");
    }
}
