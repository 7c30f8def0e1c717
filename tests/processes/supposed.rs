//! `rapport whatif`: what other definitions would change, in words and as JSON; with `--promote` they are in force.

use std::fs;
use std::path::Path;

use crate::support::program::Served;

const TOUCHPOINTS: &str = concat!(
    r#"{"specversion":"1.0","id":"1","source":"shop","type":"page.viewed","time":"2024-03-01T10:00:00Z","channel":"web","#,
    r#""data":{"url":"https://shop.example/","identifiers":{"user_id":"ann"}}}"#,
    "\n",
    r#"{"specversion":"1.0","id":"2","source":"shop","type":"survey.answered","time":"2024-03-02T10:00:00Z","channel":"web","#,
    r#""data":{"survey":"s","metric":"nps","score":10,"identifiers":{"user_id":"bob"}}}"#,
    "\n",
);

fn journey(second: &str) -> String {
    format!(
        "[[journey]]\nname = \"sales\"\n[[journey.stage]]\nname = \"aware\"\nenter = [{{ on = [\"*\"] }}]\n\
         [[journey.stage]]\nname = \"fond\"\nenter = [{{ on = [\"{second}\"] }}]\n"
    )
}

fn serve(folder: &Path) -> Served {
    let config = folder.join("rapport.toml");
    Served::start_with(&folder.join("data"), &["--listen", "127.0.0.1:0", "--config", config.to_str().unwrap()])
}

#[test]
fn other_definitions_are_tried_and_put_in_force_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("rapport.toml"), "[tenants.default]\ndefinitions = \"definitions.toml\"\n").unwrap();
    fs::write(path("definitions.toml"), journey("order.placed")).unwrap();
    fs::write(path("touchpoints.ndjson"), TOUCHPOINTS).unwrap();
    fs::write(path("other.toml"), journey("survey.answered")).unwrap();
    fs::write(path("wrong.toml"), journey("survey.answered").replace("\"] }]", "\"], when = \"event.dat\" }]"))
        .unwrap();
    let served = serve(folder.path());
    served.ask(&["import", &path("touchpoints.ndjson")]).well();
    let before = served.ask(&["status", "--wait", "--json"]).json();

    let said = served.ask(&["whatif", "--definitions", &path("other.toml")]).well();
    for part in [
        "The rules of identity in it are those in force.",
        "Journey sales, began 2 now and 2 then",
        "aware          2     1  -1               2     1",
        "fond           0     1  +1               0     1",
        "1  aware  →  fond",
        "nps  100.0  100.0            1     1",
        "Who would be in another stage: 1 of 1",
        "user_id:bob  sales  aware  →  fond",
        "2 events were folded anew",
        "Nothing was changed. To apply it, ask again with --promote",
    ] {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    let found = served.ask(&["whatif", "--definitions", &path("other.toml"), "--examples", "1", "--json"]).json();
    assert_eq!((&found["moved"], &found["identity"]["sameRules"]), (&"1".into(), &true.into()));
    assert_eq!(found["journeys"][0]["stages"][1]["then"]["nowIn"], "1");
    let wrong = served.ask(&["whatif", "--definitions", &path("wrong.toml")]);
    assert_eq!(wrong.code, Some(64), "{wrong:?}");
    assert!(wrong.err.contains("wrong.toml:5: journey sales, stage aware"), "{wrong:?}");
    let after = served.ask(&["status", "--json"]).json();
    assert_eq!((&after["digest"], &after["generation"]), (&before["digest"], &before["generation"]));
    assert!(!folder.path().join("data/default/readmodel/whatif").exists());

    let said = served.ask(&["whatif", "--definitions", &path("other.toml"), "--promote"]).well();
    assert!(said.contains("The definitions are in force: generation 2, position 2, digest "), "{said}");
    let stage =
        |served: &Served| served.ask(&["journey", "user_id:bob", "--json"]).json()["journeys"][0]["stage"].clone();
    assert_eq!(stage(&served), "fond");
    assert_eq!(fs::read_to_string(path("definitions.toml")).unwrap(), journey("survey.answered"));
    let said = served.ask(&["status"]).well();
    assert!(said.contains("no. 1, for `rapport rebuild --back`"), "{said}");
    let back = served.ask(&["rebuild", "--back"]);
    assert_eq!(back.code, Some(1), "{back:?}");
    assert!(back.err.contains("folded under other definitions"), "{back:?}");
    served.terminate();

    // What was there before is there again, without a build.
    fs::rename(path("definitions.toml.bak"), path("definitions.toml")).unwrap();
    let served = serve(folder.path());
    let again = served.ask(&["status", "--json"]).json();
    assert_eq!((&again["generation"], &again["digest"]), (&before["generation"], &before["digest"]));
    assert_eq!(stage(&served), "aware");
}
