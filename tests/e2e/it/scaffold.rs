//! Projects that melisma makes and changes, and what Meltano makes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use melisma_processes::Live;
use serde_json::{Value, json};

use crate::harness::{Outcome, melisma, parquet_rows, python, root, run, script, wait_for};

/// A folder with projects in it.
struct Projects {
    folder: tempfile::TempDir,
}

impl Projects {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &Path, project: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(project))
            .env("HOME", self.path("home"));
        command.env("MELTANO_SEND_ANONYMOUS_USAGE_STATS", "false");
        command
    }

    fn melisma(&self, project: &str, args: &[&str]) -> Outcome {
        run(self.command(melisma(), project).args(args), b"")
    }

    fn lock(&self, path: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(path)).expect("a lock file")).expect("JSON")
    }
}

/// The block of commands in README.md, run by a shell as a reader would: from nothing to a table.
#[test]
fn the_five_commands_of_the_readme_load_a_table() {
    let page = fs::read_to_string(root().join("README.md")).expect("a page");
    let block = page
        .split("```")
        .skip(1)
        .step_by(2)
        .find(|block| block.contains("melisma init"));
    let block = block.expect("a block with `melisma init`").trim();
    assert_eq!(block.lines().count(), 5, "{block}");
    let projects = Projects::new();
    let bin = projects.path("bin");
    fs::create_dir(&bin).expect("made");
    std::os::unix::fs::symlink(melisma(), bin.join("melisma")).expect("a link");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("a path"));
    let mut shell = projects.command(Path::new("sh"), "");
    run(shell.args(["-e", "-c", block]).env("PATH", path), b"").ok();
    let entries = fs::read_dir(projects.path("shop")).expect("a folder");
    let is_table = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "parquet");
    let tables = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_table);
    let rows: Vec<Value> = tables.flat_map(|table| parquet_rows(&table)).collect();
    assert_eq!(
        rows,
        [
            json!({"id": "1", "item": "tea"}),
            json!({"id": "2", "item": "cake"})
        ]
    );
}

/// The lock files of the built-in plugins, read and written again by Meltano's own classes, stay what they are, and Meltano runs
/// the plugins of the project.
#[test]
fn meltano_accepts_a_project_that_melisma_has_made() {
    let projects = Projects::new();
    projects.melisma("", &["init", "shop"]).ok();
    let all = melisma_processes::PLUGINS;
    projects.melisma("shop", &[&["add"], &all[..]].concat()).ok();
    let mut meltano = script("python-meltano", "meltano_locks.py");
    meltano
        .current_dir(projects.path("shop"))
        .env("HOME", projects.path("home"));
    let answer = projects.path("found.json");
    run(meltano.arg(&answer), b"").ok();
    let found: Value = serde_json::from_slice(&fs::read(answer).expect("an answer")).expect("JSON");
    for plugin in all {
        let folder = if plugin.starts_with("tap") {
            "extractors"
        } else {
            "loaders"
        };
        let lock = projects.lock(&format!("shop/plugins/{folder}/{plugin}--melisma.lock"));
        assert_eq!(found[plugin]["canonical"], lock, "{plugin}");
        let settings = lock["settings"].as_array().map_or(0, Vec::len);
        assert_eq!(found[plugin]["settings"], settings, "{plugin}");
        assert_eq!(
            found[plugin]["config"],
            json!({}),
            "{plugin}: no default is passed as if it had been chosen"
        );
    }
}

/// A Hub on this machine, in the layout of Meltano's: what melisma and Meltano make of its definitions is the same.
#[test]
fn definitions_of_a_hub_become_the_lock_files_that_meltano_makes() {
    let projects = Projects::new();
    let hub = Hub::start(&projects);
    let url = hub.url.clone();
    projects.melisma("", &["init", "ours"]).ok();
    projects.melisma("", &["init", "theirs"]).ok();
    let ours = |args: &[&str]| {
        run(
            projects
                .command(melisma(), "ours")
                .args(args)
                .env("MELTANO_HUB_URL", &url),
            b"",
        )
    };
    ours(&["add", "--no-install", "tap-hub"]).ok();
    ours(&[
        "add",
        "--no-install",
        "tap-hub--two",
        "--inherit-from",
        "tap-hub",
        "--variant",
        "other",
    ])
    .ok();
    let meltano = python("python-meltano").with_file_name("meltano");
    for args in [
        &["add", "--no-install", "tap-hub"][..],
        &[
            "add",
            "--no-install",
            "tap-hub--two",
            "--inherit-from",
            "tap-hub",
            "--variant",
            "other",
        ],
    ] {
        run(
            projects
                .command(&meltano, "theirs")
                .args(args)
                .env("MELTANO_HUB_URL", &url),
            b"",
        )
        .ok();
    }
    for name in [
        "plugins/extractors/tap-hub--best.lock",
        "plugins/extractors/tap-hub--other.lock",
        "plugins/files/files-hub--best.lock",
    ] {
        assert_eq!(
            projects.lock(&format!("ours/{name}")),
            projects.lock(&format!("theirs/{name}")),
            "{name}"
        );
    }
    let plugins = |project: &str| {
        let text = fs::read_to_string(projects.path(project).join("meltano.yml")).expect("a project");
        text.split_once("plugins:").expect("plugins").1.to_owned()
    };
    assert_eq!(plugins("ours"), plugins("theirs"));

    ours(&["add", "tap-hubb"]).fails(
        78,
        &["knows no extractor \"tap-hubb\"", "did you mean \"tap-hub\"?"],
    );
    ours(&["add", "tap-hub", "--variant", "worst"]).fails(78, &["no variant \"worst\"", "best"]);
    drop(hub);
    ours(&["lock", "--update", "tap-hub"]).fails(69, &["the Hub did not answer", "--from FILE"]);
    // The definition of another project is as good.
    let lock = projects.path("theirs/plugins/extractors/tap-hub--best.lock");
    ours(&[
        "lock",
        "--update",
        "tap-hub",
        "--from",
        lock.to_str().expect("UTF-8"),
    ])
    .ok();
}

/// A web server of Python with the files of a Hub.
struct Hub {
    url: String,
    _server: Live,
}

impl Hub {
    fn start(projects: &Projects) -> Self {
        let folder = projects.path("hub/meltano/api/v1/plugins");
        let port_file = projects.path("hub/port");
        let url_of = |kind: &str, name: &str, variant: &str| {
            format!("@/meltano/api/v1/plugins/{kind}/{name}--{variant}")
        };
        let write = |name: &str, value: &Value| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, value.to_string()).expect("written");
        };
        let variants = |kind: &str, name: &str| {
            json!({
                "best": {"ref": url_of(kind, name, "best")}, "other": {"ref": url_of(kind, name, "other")}
            })
        };
        for (kind, name) in [("extractors", "tap-hub"), ("files", "files-hub")] {
            write(
                &format!("{kind}/index"),
                &json!({name: {"logo_url": "/logo.png", "default_variant": "best", "variants": variants(kind, name)}}),
            );
            for variant in ["best", "other"] {
                let mut definition = json!({
                    "name": name, "namespace": name.replace('-', "_"), "variant": variant, "label": "Hub", "logo_url": "/logo.png",
                    "docs": "docs", "repo": "repo", "pip_url": format!("{name}=={variant}"), "capabilities": [], "settings": [],
                    "hidden": false, "description": "", "settings_group_validation": [[]], "keywords": ["a"], "quality": "gold",
                });
                if kind == "extractors" {
                    definition["capabilities"] = json!(["catalog", "discover"]);
                    definition["settings"] = json!([
                        {"name": "port", "kind": "integer", "value": 0, "label": "Port", "description": ""},
                        {"name": "password", "kind": "string", "sensitive": true, "aliases": ["pw"]},
                    ]);
                    definition["select"] = json!(["*.*"]);
                    definition["requires"] = json!({"files": [{"name": "files-hub", "variant": "best"}]});
                }
                write(&format!("{kind}/{name}--{variant}"), &definition);
            }
        }
        let mut server = script("python", "hub_server.py");
        server
            .arg(projects.path("hub"))
            .arg(&port_file)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = Live::start(&mut server);
        let port = wait_for("the server", || {
            fs::read_to_string(&port_file)
                .ok()
                .filter(|port| !port.is_empty())
        });
        Self {
            url: format!("http://127.0.0.1:{port}"),
            _server: server,
        }
    }
}

/// A removed plugin leaves nothing behind: block, lock file, installation, stored settings. One that others inherit from stays.
#[test]
fn a_removed_plugin_leaves_nothing_behind() {
    let projects = Projects::new();
    projects.melisma("", &["init", "shop"]).ok();
    projects.melisma("shop", &["add", "tap-csv", "target-jsonl"]).ok();
    projects
        .melisma("shop", &["add", "tap-csv--eu", "--inherit-from", "tap-csv"])
        .ok();
    let file = projects.path("shop/meltano.yml");
    let text = fs::read_to_string(&file).expect("a project");
    fs::write(
        &file,
        text.replace("- name: tap-csv\n", "- name: tap-csv  # the shop's\n"),
    )
    .expect("written");
    projects
        .melisma("shop", &["remove", "tap-csv"])
        .fails(78, &["tap-csv--eu inherits from tap-csv"]);
    let installed = projects.path("shop/.meltano/loaders/target-jsonl/venv");
    fs::create_dir_all(&installed).expect("made");
    projects
        .melisma("shop", &["remove", "loader", "target-jsonl"])
        .ok();
    assert!(!installed.exists());
    assert!(
        !projects
            .path("shop/plugins/loaders/target-jsonl--melisma.lock")
            .exists()
    );
    let text = fs::read_to_string(&file).expect("a project");
    assert!(
        !text.contains("target-jsonl") && text.contains("# the shop's"),
        "{text}"
    );
    projects
        .melisma("shop", &["remove", "tap-csv", "tap-csv--eu"])
        .ok();
    projects
        .melisma("shop", &["remove", "tap-csv"])
        .fails(78, &["there is no plugin \"tap-csv\""]);
}

#[test]
fn what_init_and_add_cannot_do_is_said_in_one_line() {
    let projects = Projects::new();
    projects.melisma("", &["init", "shop", "--no-usage-stats"]).ok();
    let text = fs::read_to_string(projects.path("shop/meltano.yml")).expect("a project");
    assert!(text.contains("send_anonymous_usage_stats: false"), "{text}");
    projects
        .melisma("", &["init", "shop"])
        .fails(78, &["there is a project in shop already", "--force"]);
    projects
        .melisma("", &["add", "tap-csv"])
        .fails(64, &["there is no meltano.yml here or above", "melisma init"]);
    projects
        .melisma("shop", &["add", "tap-x", "--custom"])
        .fails(64, &["--custom", "--from-ref"]);
    projects
        .melisma("shop", &["add", "extractor"])
        .fails(64, &["name a plugin"]);
    projects
        .melisma("shop", &["add", "tap:x"])
        .fails(78, &["must not contain a colon"]);
    let read_only = run(
        projects
            .command(melisma(), "shop")
            .args(["add", "tap-csv"])
            .env("MELTANO_PROJECT_READONLY", "true"),
        b"",
    );
    read_only.fails(78, &["read-only"]);
    // Someone else's definition, without a lock file.
    let definition = "name: tap-mine\nnamespace: tap_mine\nexecutable: ./mine.sh\ncapabilities: [discover]\nselect: [a.*]\n";
    fs::write(projects.path("shop/mine.yml"), definition).expect("written");
    projects
        .melisma("shop", &["add", "tap-mine", "--from-ref", "mine.yml"])
        .ok();
    projects
        .melisma("shop", &["add", "tap-yours", "--from-ref", "mine.yml"])
        .fails(78, &["name \"tap-mine\"", "\"tap-yours\""]);
    let text = fs::read_to_string(projects.path("shop/meltano.yml")).expect("a project");
    assert!(
        text.contains("executable: ./mine.sh") && !text.contains("a.*"),
        "{text}"
    );
}
