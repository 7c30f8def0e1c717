//! `rapport merge`, `split` and `identity`: who is who, by hand and explained, on the command line.

use serde_json::json;

use crate::support::program::Served;

/// Ann by her account, Bo by his e-mail.
fn told(served: &Served, folder: &std::path::Path) {
    let event = |id: &str, identifiers: serde_json::Value| {
        json!({
            "specversion": "1.0", "id": id, "source": "shop", "type": "fitting.booked", "channel": "store",
            "time": "2024-03-01T10:00:00Z", "data": {"identifiers": identifiers},
        })
    };
    let events = [
        event("1", json!({"user_id": "ann"})),
        event("2", json!({"email": "bo@x.org"})),
        event("3", json!({"user_id": "cy"})),
    ];
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    let file = folder.join("events.ndjson");
    std::fs::write(&file, lines.join("\n")).unwrap();
    served.ask(&["import", file.to_str().unwrap()]).well();
}

#[test]
fn a_merge_is_told_explained_and_undone() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("data"));
    told(&served, folder.path());

    let against = served.ask(&["merge", "user_id:ann", "user_id:cy", "--reason", "so it seems"]);
    assert_eq!(against.code, Some(1), "{against:?}");
    assert!(against.err.contains("at most 1 user_id"), "{against:?}");

    let merge = ["merge", "user_id:ann", "email:bo@x.org", "--reason", "she wrote from both", "--by", "ops"];
    let merged = served.ask(&merge).well();
    for part in ["merges user_id:ann and email:bo@x.org", "holds", "ops", "she wrote from both", "2 touchpoints"] {
        assert!(merged.contains(part), "{part:?} is not in: {merged}");
    }
    let listed = served.ask(&["identity", "decisions", "--json"]).json();
    let id = listed["decisions"][0]["name"]["id"].as_str().unwrap();
    let explained = served.ask(&["identity", "explain", "email:bo@x.org", "--without-decision", id]).well();
    for part in ["Why", "email:bo@x.org  is  user_id:ann", "merge by hand", id, "Without it there would be"] {
        assert!(explained.contains(part), "{part:?} is not in: {explained}");
    }

    let undone = served.ask(&["split", "--undo", id, "--reason", "it was her sister"]).well();
    assert!(undone.contains(&format!("undoes {id}")) && undone.matches("1 touchpoints").count() == 2, "{undone}");
    let listed = served.ask(&["identity", "decisions"]).well();
    assert!(listed.contains("undone by"), "{listed}");
    assert_eq!(served.ask(&["identity", "refusals"]).well(), "No link is refused.\n");
    assert_eq!(served.ask(&["identity", "void"]).well(), "No identifier is void.\n");
    served.ask(&["verify"]).well();
}

#[test]
fn a_wrong_command_says_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    for (line, right) in [
        (&["merge", "user_id:ann", "user_id:cy"][..], "--reason"),
        (&["merge", "user_id:ann", "cy", "--reason", "r"], "namespace:value"),
        (&["split", "user_id:ann", "--reason", "r"], "--identifiers"),
        (&["split", "user_id:ann", "--undo", "6f1c", "--reason", "r"], "cannot be used with"),
        (&["split", "--undo", "6f1c", "--reason", ""], "6f1c"),
    ] {
        let ended = served.ask(line);
        assert!(ended.code != Some(0) && ended.err.contains(right), "{line:?}: {ended:?}");
    }
}
