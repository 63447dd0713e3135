//! A folder for each test, and plugins for faults that no real plugin makes on demand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use melisma_processes::{kill, sqlite, wait_for};
use tempfile::TempDir;

/// A test double of a tap: does what its arguments say, in order.
pub(crate) const TAP: &str = r#"
import json, os, sys, time
args = sys.argv[1:]
def option(name):
    return args[args.index(name) + 1] if name in args else None
config = json.load(open(option("--config"))) if option("--config") else {}
here = config.get("here", ".")
def note(name, value):
    with open(os.path.join(here, name), "a") as f:
        f.write(json.dumps(value) + "\n")
if "--discover" in args:
    note("discovered", args)
    print(json.dumps(config["catalog"]))
    sys.exit(0)
note("tap.args", [a for a in args if a.startswith("--")])
note("tap.config", config)
note("tap.env", dict(os.environ))
note("tap.state", json.load(open(option("--state"))) if option("--state") else None)
if option("--catalog"):
    note("tap.catalog", json.load(open(option("--catalog"))))
    note("tap.mode", oct(os.stat(option("--config")).st_mode & 0o777))
def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
say({"type": "SCHEMA", "stream": "s", "schema": {"properties": {"i": {"type": "integer"}}}, "key_properties": []})
for step in config.get("steps", ["records:3", "state:{\"n\":3}"]):
    what, _, value = step.partition(":")
    if what == "records":
        for i in range(int(value)):
            say({"type": "RECORD", "stream": "s", "record": {"i": i}})
    elif what == "state":
        sys.stdout.write('{"type": "STATE", "value": ' + value + '}\n')
        sys.stdout.flush()
    elif what == "touch":
        note(value, 1)
    elif what == "sleep":
        time.sleep(float(value))
    elif what == "stderr":
        sys.stderr.write(value + "\n")
    elif what == "forever":
        while True:
            say({"type": "RECORD", "stream": "s", "record": {"i": 0}})
    elif what == "exit":
        sys.exit(int(value))
"#;

/// A test double of a target: tells each STATE's value as it came, appends records to `out`.
pub(crate) const TARGET: &str = r#"
import json, os, sys, time
args = sys.argv[1:]
config = json.load(open(args[args.index("--config") + 1])) if "--config" in args else {}
here = config.get("here", ".")
open(os.path.join(here, "target.config"), "w").write(json.dumps(config))
open(os.path.join(here, "target.env"), "w").write(json.dumps(dict(os.environ)))
fail_after = config.get("fail_after")
records = 0
out = open(os.path.join(here, "out"), "a")
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "RECORD":
        records += 1
        out.write(json.dumps(message["record"]) + "\n")
        if records == fail_after:
            out.flush()
            sys.exit(config.get("code", 3))
    elif message["type"] == "STATE":
        out.flush()
        start = line.index('"value": ') + 9
        sys.stdout.write(line[start:].rstrip()[:-1] + "\n")
        sys.stdout.flush()
for text in config.get("say", []):
    print(text, flush=True)
time.sleep(config.get("linger", 0))
sys.exit(config.get("end", 0))
"#;

/// A folder with a test double of a tap and of a target.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("tap.py", TAP);
        folder.write("target.py", TARGET);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A tap of shell: `row N` and `state JSON` after its SCHEMA.
    pub(crate) fn script(&self, name: &str, tap: &str) {
        let head = r#"#!/bin/sh
row() { echo '{"type": "RECORD", "stream": "s", "record": {"i": '$1'}}'; }
state() { echo '{"type": "STATE", "value": '$1'}'; }
echo '{"type": "SCHEMA", "stream": "s", "schema": {"properties": {"i": {"type": "integer"}}}, "key_properties": []}'
"#;
        self.write(name, &format!("{head}{tap}"));
        self.executable(name);
    }

    pub(crate) fn executable(&self, name: &str) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(self.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes `tap-x` and `target-x`, which start the Python plugins of the folder.
    pub(crate) fn write_plugins(&self) {
        for name in ["tap", "target"] {
            let script = format!("#!/bin/sh\nexec python3 \"$(dirname \"$0\")/{name}.py\" \"$@\"\n");
            self.write(&format!("{name}-x"), &script);
            self.executable(&format!("{name}-x"));
        }
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.join(name)).unwrap()
    }

    /// The JSON lines that a test double noted.
    pub(crate) fn notes(&self, name: &str) -> Vec<serde_json::Value> {
        self.read(name)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// `melisma` in this folder, without the variables that would change what it does.
    pub(crate) fn melisma(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_melisma"));
        command.args(args).current_dir(self.path());
        for (name, _) in std::env::vars() {
            if ["MELTANO", "TAP_", "TARGET_", "SINGER"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
            {
                command.env_remove(name);
            }
        }
        command
            .env("TMPDIR", self.join("tmp"))
            .env("XDG_STATE_HOME", self.join("xdg-state"))
            .stdin(Stdio::null());
        fs::create_dir_all(self.join("tmp")).unwrap();
        command
    }

    /// `melisma` in this folder, with a terminal of 30 lines and 160 columns as its stdout and its stderr. What the
    /// terminal gets is the stdout of the command.
    pub(crate) fn on_a_terminal(&self, args: &[&str]) -> Command {
        const SCRIPT: &str = "import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 160, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";
        let melisma = self.melisma(args);
        let mut command = Command::new("python3");
        command
            .args(["-c", SCRIPT])
            .arg(melisma.get_program())
            .args(melisma.get_args());
        for (name, value) in melisma.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
            .current_dir(self.path())
            .env("TERM", "xterm")
            .stdin(Stdio::null());
        command
    }

    /// Runs the two test doubles as command lines, with these configs.
    pub(crate) fn run(&self, tap: &str, target: &str, more: &[&str]) -> Output {
        self.run_command(tap, target, more).output().unwrap()
    }

    pub(crate) fn run_command(&self, tap: &str, target: &str, more: &[&str]) -> Command {
        self.write("tap.json", tap);
        self.write("target.json", target);
        let mut args = vec!["run"];
        args.extend(more);
        args.extend([
            "python3 tap.py --config tap.json",
            "python3 target.py --config target.json",
        ]);
        self.melisma(&args)
    }

    /// The rows of a statement on the system database.
    pub(crate) fn query(&self, sql: &str) -> Vec<Vec<String>> {
        sqlite(&self.join(".meltano/meltano.db"), sql)
    }

    /// Waits until a file is there.
    pub(crate) fn wait_for(&self, name: &str) {
        wait_for(name, || self.join(name).exists().then_some(()));
    }

    /// What a run has in its folders: config files, a catalog, a state.
    pub(crate) fn of_runs(&self) -> Vec<PathBuf> {
        let folders = ["tmp", ".meltano/run"].map(|folder| fs::read_dir(self.join(folder)));
        let entries = folders.into_iter().flatten().flatten().flatten();
        // The link to melisma itself stays.
        let entries = entries.map(|entry| entry.path());
        entries.filter(|path| !path.ends_with("run/bin")).collect()
    }

    /// That no run has left anything of it behind.
    pub(crate) fn assert_clean(&self) {
        let left = self.of_runs();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

/// The stderr of a finished process.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// That it ended with this exit code; shows its stderr otherwise.
pub(crate) fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
}

/// Sends a signal by name.
pub(crate) fn signal(child: &Child, name: &str) {
    kill(name, &child.id().to_string());
}
