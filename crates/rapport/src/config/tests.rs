//! What a wrong argument or file is answered with.

use std::path::Path;

use super::*;

fn args() -> ServeArgs {
    ServeArgs { data: PathBuf::from("data"), ..ServeArgs::default() }
}

/// A configuration folder with this rapport.toml, one good schema file in `own`, and definitions that rest on it.
fn folder(toml: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rapport.toml"), toml).unwrap();
    for (path, text) in [("own/fitting.booked/1.json", r#"{"type":"object"}"#), ("bad/fitting.booked/1.json", "{")] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    for (file, on) in [("definitions.toml", "fitting.booked"), ("misspelt.toml", "fitting.boked")] {
        let journey =
            format!("[[journey]]\nname = \"fit\"\nstage = [\n{{ name = \"a\", enter = [{{ on = [\"{on}\"] }}] }}]");
        std::fs::write(folder.path().join(file), format!("time_zone = \"Europe/Berlin\"\n{journey}")).unwrap();
    }
    std::fs::write(folder.path().join("who.toml"), "[identity]\nmost_persons = 0").unwrap();
    folder
}

fn with_file(toml: &str) -> Result<Config, ConfigError> {
    let folder = folder(toml);
    Config::try_from(ServeArgs { config: Some(folder.path().join("rapport.toml")), ..args() })
}

#[test]
fn without_a_file_there_is_one_tenant_on_the_embedded_log() {
    let config = Config::try_from(args()).unwrap();
    assert_eq!(config.tenants.keys().map(Tenant::as_str).collect::<Vec<_>>(), [DEFAULT_TENANT]);
    assert_eq!(config.log, LogConfig::Embedded { folder: PathBuf::from("data") });
    let definitions = &config.tenants[&Tenant::parse(DEFAULT_TENANT).unwrap()].definitions;
    assert_eq!(definitions.zone.name(), "UTC");
    assert!(definitions.journeys.find("main").is_some());
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.listen.to_string(), "127.0.0.1:7700");
}

#[test]
fn a_file_names_tenants_limits_and_replicas() {
    let text = r#"
        [tenants.acme]
        country = "CN"
        schemas = "own"
        definitions = "definitions.toml"
        custom_types = "refuse"
        [tenants.globex]
        [limits]
        in_flight_bytes = 16777216
        event_types = 100
        [jetstream]
        replicas = 3
    "#;
    let folder = folder(text);
    let log = "nats://127.0.0.1".to_owned();
    let config =
        Config::try_from(ServeArgs { config: Some(folder.path().join("rapport.toml")), log, ..args() }).unwrap();
    let acme = &config.tenants[&Tenant::parse("acme").unwrap()];
    assert_eq!(acme.custom_types, CustomTypes::Refuse);
    assert_eq!(acme.rules.country.map(|country| country.code().to_owned()).as_deref(), Some("CN"));
    assert!(acme.catalogue.newest(&rapport_touchpoint::EventType::parse("fitting.booked").unwrap()).is_some());
    assert_eq!(acme.definitions.zone.name(), "Europe/Berlin");
    assert!(acme.definitions.journeys.find("fit").is_some());
    assert_eq!(config.tenants.len(), 2);
    assert_eq!(config.limits, Limits { in_flight_bytes: 16_777_216, event_types: 100, channels: 64 });
    assert_eq!(config.log, LogConfig::JetStream { url: "nats://127.0.0.1:4222".to_owned(), replicas: 3 });
}

#[test]
fn the_example_is_accepted_and_says_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rapport.toml");
    let config = Config::try_from(ServeArgs { config: Some(path), ..args() }).unwrap();
    assert_eq!(config.tenants.keys().map(Tenant::as_str).collect::<Vec<_>>(), ["acme", DEFAULT_TENANT]);
    let acme = &config.tenants[&Tenant::parse("acme").unwrap()];
    assert_eq!(acme.rules.country.map(|country| country.code().to_owned()).as_deref(), Some("CN"));
    assert_eq!(acme.custom_types, CustomTypes::default());
    let names: Vec<_> = acme.definitions.journeys.iter().map(|journey| journey.name.as_str()).collect();
    assert_eq!(names, ["sales", "onboarding", "service"]);
    let card = |value| acme.rules.comparable(acme.rules.find("loyalty_card").unwrap().1, value);
    assert_eq!((card("Walk-in"), card("77")), (None, Some("77".to_owned())));
    assert_eq!(config.limits, Limits::default());
}

#[test]
fn a_wrong_file_is_answered_with_key_value_and_what_would_be_right() {
    for (toml, says) in [
        ("[tenants.acme", &["rapport.toml", "line 1"][..]),
        ("[tenant.acme]", &["tenant", "expected", "tenants"]),
        ("[tenants.acme]\ncontry = 'CN'", &["contry", "country"]),
        ("[tenants.acme]\ncountry = 86", &["country = 86", "string"]),
        ("[tenants.acme]\ncountry = 'China'", &["tenants.acme.country", "China", "such as \"CN\""]),
        ("[tenants.Acme]", &["tenants", "Acme", "lower-case"]),
        ("[tenants.acme]\ncustom_types = 'maybe'", &["tenants.acme.custom_types", "maybe", "\"accept\" or \"refuse\""]),
        ("[tenants.acme]\nschemas = 'none'", &["tenants.acme.schemas", "none", "<type>/<version>.json"]),
        ("[tenants.acme]\nschemas = 'bad'", &["tenants.acme.schemas", "bad", "fitting.booked/1.json", "not JSON"]),
        (
            "[tenants.acme]\ndefinitions = 'none.toml'",
            &["tenants.acme.definitions", "none.toml", "cannot be read", "definitions.toml"],
        ),
        (
            "[tenants.acme]\nschemas = 'own'\ndefinitions = 'misspelt.toml'",
            &["tenants.acme.definitions: misspelt.toml:5: journey fit, stage a: ", "fitting.boked", "fitting.booked?"],
        ),
        ("[tenants.acme]\ndefinitions = 'definitions.toml'", &["definitions.toml:5: ", "fitting.booked", "schema"]),
        (
            "[tenants.acme]\ndefinitions = 'who.toml'",
            &["tenants.acme.definitions: who.toml:2: identity: most_persons is 0; it must be from 1 to 1000"],
        ),
        ("[limits]\nin_flight_bytes = 5", &["limits.in_flight_bytes", "is 5", "16777216"]),
        ("[limits]\nevent_types = 0", &["limits.event_types", "is 0", "from 1"]),
        ("[limits]\nchannels = -1", &["limits.channels", "is -1", "from 1"]),
        ("[jetstream]\nreplicas = 2", &["jetstream.replicas", "is 2", "1, 3 or 5"]),
    ] {
        let error = with_file(toml).unwrap_err().to_string();
        for part in says {
            assert!(error.contains(part), "{toml:?} says {error:?}, without {part:?}");
        }
        assert!(error.contains("rapport.toml"), "{error}");
    }
}

#[test]
fn a_wrong_argument_is_answered_with_what_would_be_right() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let log = |log: &str| ServeArgs { log: log.to_owned(), ..args() };
    let otlp = |endpoint: &str| ServeArgs { otlp_endpoint: Some(endpoint.to_owned()), ..args() };
    let listen = |listen: &str| ServeArgs { listen: listen.to_owned(), ..args() };
    for (args, says) in [
        (log("kafka://x"), &["--log", "kafka://x", "embedded", "nats://127.0.0.1:4222"][..]),
        (log("nats://"), &["--log", "host"]),
        (log("nats://a b"), &["--log", "host"]),
        (log("nats://a:0"), &["--log", "port"]),
        (log("nats://a:70000"), &["--log", "port", "65535"]),
        (log("nats://ann:secret@a:x"), &["--log", "nats://…@a:x"]),
        (log("nats://ann:secret@a,nats://ann:secret@b:x"), &["--log", "nats://…@a,nats://…@b:x", "port"]),
        (log("nats://ann:very,secret@a"), &["--log", "nats://…@a", "a cluster with commas"]),
        (log("nats://a,b:4222"), &["--log", "nats://a,b:4222", "a cluster with commas"]),
        (log("nats://a,"), &["--log", "a cluster with commas"]),
        (log("embedded,nats://a"), &["--log", "embedded,nats://a"]),
        (listen("7700"), &["--listen", "7700", "127.0.0.1:7700"]),
        (listen("127.0.0.1"), &["--listen", "port"]),
        (listen("0.0.0.0:7700"), &["--listen", "TLS and tokens are not available yet", "--insecure"]),
        (listen("[::]:7700"), &["--insecure"]),
        (listen("192.168.1.5:7700"), &["--insecure"]),
        (ServeArgs { log_format: "xml".to_owned(), ..args() }, &["--log-format", "xml", "text", "json"]),
        (otlp("127.0.0.1:4317"), &["--otlp-endpoint", "127.0.0.1:4317", "http://127.0.0.1:4317"]),
        (otlp("https://ann:secret@traces:4317"), &["--otlp-endpoint", "http://"]),
        (otlp("http://traces"), &["--otlp-endpoint", "http://traces"]),
        (otlp("http://:4317"), &["--otlp-endpoint"]),
        (ServeArgs { data: file.path().to_owned(), ..args() }, &["--data", "folder"]),
        (ServeArgs { config: Some(Path::new("/nowhere.toml").to_owned()), ..args() }, &["/nowhere.toml", "read"]),
    ] {
        let error = Config::try_from(args).unwrap_err().to_string();
        for part in says {
            assert!(error.contains(part), "{error:?} lacks {part:?}");
        }
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn only_this_machine_is_listened_to_unless_insecure_is_said() {
    for good in ["localhost:0", "127.0.0.2:1", "[::1]:7700", "[::ffff:127.0.0.1]:7700"] {
        assert!(Config::try_from(ServeArgs { listen: good.to_owned(), ..args() }).is_ok(), "{good}");
    }
    assert!(Config::try_from(ServeArgs { listen: "0.0.0.0:7700".to_owned(), insecure: true, ..args() }).is_ok());
}

#[test]
fn a_nats_url_may_hold_a_user_and_an_address_and_a_clusters_servers_stand_side_by_side() {
    for (text, url) in [
        ("nats://nats.example.com", "nats://nats.example.com:4222"),
        ("nats://[::1]:4333", "nats://[::1]:4333"),
        ("nats://ann:secret@nats:4333", "nats://ann:secret@nats:4333"),
        ("nats://a,nats://ann:secret@b:4333, nats://c", "nats://a:4222,nats://ann:secret@b:4333,nats://c:4222"),
    ] {
        let config = Config::try_from(ServeArgs { log: text.to_owned(), ..args() }).unwrap();
        assert_eq!(config.log, LogConfig::JetStream { url: url.to_owned(), replicas: 1 });
    }
}

fn hosting(roles: Option<&str>, models: Option<&str>) -> Result<String, String> {
    let [roles, models] = [roles, models].map(|text| text.map(str::to_owned));
    let config = Config::try_from(ServeArgs { roles, models, ..args() }).map_err(|error| error.to_string())?;
    Ok(config.hosting.to_string())
}

#[test]
fn a_process_may_have_a_part_of_the_work() {
    assert_eq!(hosting(Some("gateway"), None).as_deref(), Ok("--roles gateway"));
    assert_eq!(hosting(Some("gateway, projector"), None), hosting(None, None));
    assert_eq!(hosting(Some("projector"), Some("profile")).as_deref(), Ok("--roles projector --models profile"));
    assert_eq!(hosting(Some("projector"), Some("profile,identity")), hosting(Some("projector"), Some("profile")));
    assert_eq!(hosting(Some("projector"), Some("identity")).as_deref(), Ok("--roles projector --models identity"));
    assert_eq!(hosting(None, Some("identity")).as_deref(), Ok("--roles gateway,projector --models identity"));
}

#[test]
fn a_wrong_part_is_answered_with_what_there_is() {
    for (roles, models, says) in [
        (Some("gatekeeper"), None, &["--roles is \"gatekeeper\"", "there is no gatekeeper", "gateway, projector"][..]),
        (Some(""), None, &["--roles is \"\"", "a name is missing", "one or more of gateway, projector"]),
        (Some("gateway,gateway"), None, &["--roles is \"gateway,gateway\"", "gateway is there twice"]),
        (None, Some("prophet"), &["--models is \"prophet\"", "there is no prophet", "identity, profile"]),
        (None, Some("profile,"), &["--models is \"profile,\"", "a name is missing"]),
        (None, Some("profile,profile"), &["profile is there twice"]),
        (Some("gateway"), Some("profile"), &["--models is \"profile\"", "--roles gateway folds no models"]),
    ] {
        let error = hosting(roles, models).unwrap_err();
        for part in says {
            assert!(error.contains(part), "{error:?} lacks {part:?}");
        }
    }
}

#[test]
fn traces_go_where_it_is_said_and_nowhere_else() {
    let endpoint = |text: Option<&str>| {
        let otlp_endpoint = text.map(str::to_owned);
        Config::try_from(ServeArgs { otlp_endpoint, ..args() }).unwrap().otlp_endpoint
    };
    for good in ["http://127.0.0.1:4317", "http://collector:4317/", "http://[::1]:4317"] {
        assert_eq!(endpoint(Some(good)).as_deref(), Some(good));
    }
    assert_eq!((endpoint(None), endpoint(Some(""))), (None, None), "an empty variable of the environment says nothing");
}
