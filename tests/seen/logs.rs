//! What a server says on standard error while it runs.

use serde_json::Value;

use crate::support::program::Served;

#[test]
fn as_json_each_line_is_an_object_with_fields() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start_with(folder.path(), &["--listen", "127.0.0.1:0", "--log-format", "json"]);
    served.ask(&["rebuild"]).well();
    let ended = served.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<Value> = ended
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for line in &lines {
        for field in ["timestamp", "level", "message", "target"] {
            assert!(line[field].is_string(), "no {field}: {line}");
        }
    }
    let said =
        |message: &str| lines.iter().find(|line| line["message"] == message).unwrap_or_else(|| panic!("{lines:?}"));
    let open = said("the read model is open");
    assert_eq!((&open["tenant"], &open["generation"]), (&"default".into(), &1.into()));
    assert_eq!((&open["position"], &open["head"]), (&0.into(), &0.into()));
    let serves = said("a new generation serves");
    assert_eq!((&serves["tenant"], &serves["generation"]), (&"default".into(), &2.into()));
    let hosting = said("all logs and read models are open")["hosting"].as_str().unwrap();
    assert!(hosting.starts_with("--roles gateway,projector --models "), "{hosting}");
}
