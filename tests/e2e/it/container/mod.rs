//! What the Containerfile makes, run as a root folder: there is no need of a container engine to see that nothing is missing.

mod root_folder;

use std::fs;
use std::os::unix::fs::MetadataExt;

use root_folder::RootFolder;

/// A project that loads two rows, and a run of it in the container: nothing but the files of the Containerfile, no user name, no
/// shell, and no right to write anywhere but in the project, its home and /tmp.
#[test]
fn the_container_loads_a_table_as_a_user_without_rights() {
    let root = RootFolder::of_the_containerfile();
    root.write(
        "project/meltano.yml",
        "default_environment: dev\nenvironments: [{name: dev}]\nplugins:\n  extractors:\n  - name: tap-csv\n    config: {incremental: true, files: \
         [{entity: orders, path: orders.csv, keys: [id]}]}\n  loaders:\n  - name: target-jsonl\n    config: {destination_path: \
         output}\n",
    );
    root.write("project/orders.csv", "id,item\n1,tea\n2,cake\n");
    root.run(&["run", "tap-csv", "target-jsonl"]).ok();
    let rows = root.path("project/output/orders.jsonl");
    let text = fs::read_to_string(&rows).expect("rows");
    assert_eq!(text.lines().count(), 2, "{text}");
    assert_eq!(
        fs::metadata(&rows).expect("a file").uid(),
        root.uid(),
        "the owner of what it wrote"
    );
    root.run(&["run", "tap-csv", "target-jsonl"]).ok();
    assert_eq!(
        fs::read_to_string(&rows).expect("rows"),
        text,
        "the second run resumes from the state"
    );
}

#[test]
fn the_container_knows_its_plugins_and_refuses_what_it_cannot_run() {
    let root = RootFolder::of_the_containerfile();
    let version = root.run(&["tap-csv", "--version"]).ok().stdout;
    assert!(
        version.starts_with(b"tap-csv "),
        "{}",
        String::from_utf8_lossy(&version)
    );
    root.run(&["run", "python tap.py", "target-jsonl"])
        .fails(64, &["python"]);
}

/// A static binary cannot load any, and says so rather than which one to install.
#[test]
fn the_container_has_no_drivers_of_databases_and_says_why() {
    let root = RootFolder::of_the_containerfile();
    root.write("project/orders.csv", "id,item\n1,tea\n");
    root.write(
        "project/tap.json",
        r#"{"files": [{"entity": "orders", "path": "orders.csv", "keys": ["id"]}]}"#,
    );
    root.write("project/target.json", r#"{"path": "shop.duckdb"}"#);
    let why = if RootFolder::is_static() {
        "linked statically and cannot load ADBC drivers"
    } else {
        "found none named duckdb"
    };
    let pair = ["tap-csv --config tap.json", "target-duckdb --config target.json"];
    root.run(&["run", pair[0], pair[1]]).fails(78, &[why]);
    root.run(&["drivers", "duckdb"]).fails(78, &[why]);
}
