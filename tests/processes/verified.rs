//! `rapport verify` after a kill: the read model is what the log says, until somebody changes it.

use rusqlite::Connection;

use crate::support::cdnow;
use crate::support::program::Served;

#[test]
fn after_a_kill_all_is_equal_and_a_change_by_hand_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    let (file, mapping) = (cdnow::file(), cdnow::mapping());
    served.ask(&["import", file.to_str().unwrap(), "--mapping", mapping.to_str().unwrap()]).well();
    let address = served.address().to_owned();
    served.kill();
    let served = Served::start_at(folder.path(), &address);
    served.ask(&["status", "--wait"]).well();

    let said = served.ask(&["verify"]).well();
    assert!(said.starts_with("tenant default: equal"), "{said}");
    let found = served.ask(&["verify", "--json"]).json();
    assert_eq!(
        (&found["equal"], &found["events"], &found["customers"]),
        (&true.into(), &"6919".into(), &"2357".into())
    );

    let model = Connection::open(folder.path().join("default/readmodel/000001.db")).unwrap();
    let (key, name): (i64, String) = model
        .query_row(
            "SELECT c.id, i.value FROM customers c JOIN identifiers i ON i.id = c.id WHERE c.events > 3",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let other = "(SELECT profile FROM customers WHERE id <> ?1 LIMIT 1)";
    let changed = model.execute(&format!("UPDATE customers SET profile = {other} WHERE id = ?1"), [key]);
    assert_eq!(changed.unwrap(), 1);
    let ended = served.ask(&["verify"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in ["tenant default: different", "Models that differ", "profile", "Customers that differ: 1", &name] {
        assert!(ended.out.contains(part), "{part:?} is not in: {}", ended.out);
    }
    assert!(ended.err.contains("differs from its log"), "{ended:?}");
    assert_eq!(served.ask(&["verify", "--json"]).code, Some(1));
    assert!(!folder.path().join("default/readmodel/verify").exists());

    served.ask(&["rebuild"]).well();
    served.ask(&["verify"]).well();
}
