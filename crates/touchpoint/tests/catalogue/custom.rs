//! A tenant's own schemas.

use super::*;

fn file(path: &str, text: &str) -> SchemaFile {
    SchemaFile { path: path.to_owned(), text: text.to_owned() }
}

#[track_caller]
fn fails(files: &[(&str, &str)], expected: &str) -> CatalogueError {
    let files: Vec<_> = files.iter().map(|(path, text)| file(path, text)).collect();
    let error = Catalogue::with_custom(&files).unwrap_err();
    assert_eq!(error.to_string(), expected);
    error
}

#[test]
fn a_type_without_a_schema_is_accepted() {
    let event = json!({
        "specversion": "1.0", "id": "1", "source": "test", "channel": "web", "type": "yoga.class_booked",
        "data": {"anything": [1, {"goes": null}]},
    });
    let touchpoint = receive(event, now(), &Catalogue::built_in()).unwrap();
    assert_eq!(touchpoint.schema, None);
    let event = read(touchpoint.into_json(), now(), &Catalogue::built_in()).unwrap();
    assert_eq!(event.content, Content::Other);
}

#[test]
fn a_type_with_a_schema_is_held_to_it() {
    let text = r#"{"required": ["class"], "properties": {"class": {"type": "string"}}}"#;
    let catalogue = Catalogue::with_custom(&[file("yoga.class_booked/1.json", text)]).unwrap();
    assert!(publish(&catalogue, "yoga.class_booked/1", &json!({"class": "dawn"})).is_ok());
    let violations = publish(&catalogue, "yoga.class_booked/1", &json!({})).unwrap_err();
    assert_eq!(violations, [Violation::new("data/class", "is missing")]);
}

#[test]
fn a_type_keeps_its_one_version_whatever_its_number() {
    let catalogue = Catalogue::with_custom(&[file("yoga.class_booked/7.json", "{}")]).unwrap();
    let event = publish(&catalogue, "yoga.class_booked/7", &json!({})).unwrap();
    assert_eq!(event.touchpoint.schema.map(|version| version.0), Some(7));
}

#[test]
fn a_changed_schema_changes_the_fingerprint() {
    let of = |text| Catalogue::with_custom(&[file("a/1.json", text)]).unwrap().fingerprint();
    assert_eq!(of("{}"), of("{}"));
    assert_ne!(of("{}"), of("true"));
    assert_ne!(of("{}"), Catalogue::built_in().fingerprint());
}

#[test]
fn a_misnamed_file_is_refused() {
    fails(
        &[("yoga/1.yaml", "{}")],
        "schema file yoga/1.yaml: does not end in .json; a schema file is called <type>/<version>.json",
    );
    fails(
        &[("yoga.json", "{}")],
        "schema file yoga.json: lies in no folder; a schema file is called <type>/<version>.json",
    );
    fails(
        &[("yoga/new.json", "{}")],
        "schema file yoga/new.json: the version \"new\" is no number from 1; a schema file is called <type>/<version>.json",
    );
    let error = fails(
        &[("Yoga/1.json", "{}")],
        "schema file Yoga/1.json: the type \"Yoga\" must be 1 to 5 lower-case words joined by dots, such as order.placed; \
         a word starts with a letter and goes on with letters, digits and _; at most 64 bytes; \
         a schema file is called <type>/<version>.json",
    );
    assert!(matches!(error, CatalogueError::Name { .. }));
}

#[test]
fn a_file_that_is_not_json_is_refused() {
    let error = fails(
        &[("yoga/1.json", "{")],
        "schema file yoga/1.json is not JSON: EOF while parsing an object at line 1 column 1",
    );
    assert!(matches!(error, CatalogueError::Json { .. }));
}

#[test]
fn a_file_that_is_no_schema_is_refused() {
    let error = fails(
        &[("yoga/1.json", r#"{"type": "text"}"#)],
        "schema file yoga/1.json is not a JSON Schema 2020-12: \
         at /type: \"text\" is not valid under any of the schemas listed in the 'anyOf' keyword",
    );
    assert!(matches!(error, CatalogueError::Schema { .. }));
}

#[test]
fn a_schema_that_lies_elsewhere_is_not_fetched() {
    for elsewhere in ["https://example.com/yoga.json", "file:///yoga.json", "#/$defs/yoga"] {
        fails(
            &[("yoga/1.json", &json!({"$ref": elsewhere}).to_string())],
            "schema file yoga/1.json is not a JSON Schema 2020-12: \
             a $ref leads nowhere inside the file; other files and addresses are not fetched",
        );
    }
}

#[test]
fn a_built_in_type_cannot_be_redefined() {
    let error = fails(
        &[("order.placed/2.json", "{}")],
        "schema file order.placed/2.json describes a type that Rapport brings along; give yours a name of its own",
    );
    assert!(matches!(error, CatalogueError::BuiltIn { .. }));
    fails(
        &[("customer.merged/1.json", "{}")],
        "schema file customer.merged/1.json describes a type that Rapport brings along; give yours a name of its own",
    );
}

#[test]
fn two_versions_need_a_step_between_them() {
    let error = fails(
        &[("yoga/1.json", "{}"), ("yoga/2.json", "{}")],
        "schema file yoga/1.json has a newer version, but nothing says how its data becomes that one; \
         keep one version of a custom type",
    );
    assert!(matches!(error, CatalogueError::NoUpcast { .. }));
}
