//! A server process and its data folder.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::account::Account;
use super::database::Database;
use super::installation::{Installation, installations};

/// The superuser of every server made here.
pub const USER: &str = "melisma";
/// Its password: with quotes, a space and other characters that need care.
pub const PASSWORD: &str = "test's \"p@ss:word/1";

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a server is made like.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The programs; by default the first of [`installations`].
    pub installation: Option<Installation>,
    /// Settings of `postgresql.conf`, such as `("max_connections", "20")`.
    pub settings: Vec<(String, String)>,
    /// Certificate and private key in PEM: then the server speaks TLS.
    pub tls: Option<(String, String)>,
    /// The authority, in PEM, whose certificates the server takes from its clients.
    pub authority: Option<String>,
    /// Whether a commit waits for the disk; off by default, for speed.
    pub durable: bool,
    /// Lines of `pg_hba.conf` that come before the ones that ask for the password.
    pub access: Vec<String>,
    /// Where the data goes, and stays when the process ends: then only [`Server::stop`] stops the server.
    pub folder: Option<PathBuf>,
}

/// A running server. Dropped, it is stopped and its data removed; the same happens when the process that started it
/// ends in any way.
#[derive(Debug)]
pub struct Server {
    installation: Installation,
    account: Account,
    folder: PathBuf,
    port: u16,
    options: Options,
    supervisor: Mutex<Option<Child>>,
}

impl Server {
    /// Makes a cluster and starts its server.
    ///
    /// # Panics
    /// Without an installation, or when the server does not start; the message says what to install, or has the log.
    pub fn start(options: &Options) -> Self {
        let installation = options
            .installation
            .clone()
            .or_else(|| installations().into_iter().next())
            .expect("the tests need PostgreSQL's initdb and postgres: run `cargo xtask setup`");
        let account = Account::find();
        let folder = options.folder.clone().unwrap_or_else(|| free_folder(account));
        let server = Self {
            installation,
            account,
            folder,
            port: free_port(),
            options: options.clone(),
            supervisor: Mutex::new(None),
        };
        server.create();
        server.run();
        server
    }

    /// Runs the server again after [`stop`](Server::stop) or [`kill`](Server::kill), with the same data and port.
    pub fn restart(&self) {
        self.run();
    }

    /// Stops the server in good order: open transactions are rolled back.
    pub fn stop(&self) {
        self.signal("-INT");
        self.gone();
    }

    /// Kills every process of the server, as a crash of the machine would.
    pub fn kill(&self) {
        // Stopped first, so that it starts no more of them, and found before: without their parent nobody can tell whose
        // they were. One that is left would go on sending, or keep the memory that the next server wants.
        self.signal("-STOP");
        let children = self.children();
        self.signal("-KILL");
        let mut kill = Command::new("kill");
        let _ = kill.arg("-KILL").args(&children).stderr(Stdio::null()).status();
        self.gone();
        self.wait("stop", || !children.iter().any(|pid| is_alive(pid)));
    }

    /// Stops the server whose data is in this folder, if one runs there.
    pub fn stop_in(folder: &Path) {
        signal(folder, "-INT");
        wait(folder, "stop", || !folder.join("data/postmaster.pid").exists());
    }

    /// A new, empty database.
    pub fn database(&self) -> Database<'_> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("create database {name}"));
        Database::new(self, name)
    }

    /// The programs that it runs.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its Unix socket.
    pub fn socket_folder(&self) -> &Path {
        &self.folder
    }

    /// The URL of one of its databases, password included.
    pub fn url(&self, database: &str) -> String {
        let password = "test%27s%20%22p%40ss%3Aword%2F1";
        format!(
            "postgresql://{USER}:{password}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// What `psql` says to these statements in one of its databases: unaligned, without headers.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let mut command = self.client(database);
        let mut child = command
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql starts");
        let mut stdin = child.stdin.take().expect("piped");
        let output = thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(sql.as_bytes()));
            child.wait_with_output().expect("psql ends")
        });
        assert!(
            output.status.success(),
            "psql: {}\n{sql}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).expect("psql says UTF-8");
        text.trim_end_matches('\n').to_owned()
    }

    /// `psql` with the connection set; arguments are the caller's.
    pub(super) fn client(&self, database: &str) -> Command {
        let own = self.installation.bin.join("psql");
        let mut command = Command::new(if own.is_file() { own } else { "psql".into() });
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", USER)
            .env("PGPASSWORD", PASSWORD)
            .env("PGDATABASE", database);
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn create(&self) {
        let password = self.folder.join("password");
        let _ = fs::create_dir_all(&self.folder);
        self.account.own(&self.folder);
        fs::write(&password, PASSWORD).expect("the folder can be written");
        self.account.own(&password);
        let output = self
            .account
            .command(self.installation.bin.join("initdb"))
            .args([
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--auth=scram-sha-256",
            ])
            .arg(format!("--username={USER}"))
            .arg(format!("--pwfile={}", password.display()))
            .arg(format!("--pgdata={}", self.data().display()))
            .output()
            .expect("initdb starts");
        assert!(
            output.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        self.configure();
    }

    fn configure(&self) {
        let file = |name: &str| {
            let path = self.data().join(name);
            let mut options = File::options();
            let file = options.append(true).create(true).open(&path);
            (path, file.expect("the data folder can be written"))
        };
        let (_, mut conf) = file("postgresql.conf");
        writeln!(conf, "listen_addresses = '127.0.0.1'").expect("written");
        writeln!(conf, "unix_socket_directories = '{}'", self.folder.display()).expect("written");
        writeln!(conf, "timezone = 'UTC'\nlog_timezone = 'UTC'").expect("written");
        if !self.options.durable {
            writeln!(
                conf,
                "fsync = off\nsynchronous_commit = off\nfull_page_writes = off"
            )
            .expect("written");
        }
        if let Some((certificate, key)) = &self.options.tls {
            writeln!(conf, "ssl = on").expect("written");
            for (name, pem) in [("server.crt", certificate), ("server.key", key)] {
                let (path, mut file) = file(name);
                file.write_all(pem.as_bytes()).expect("written");
                file.set_permissions(fs::Permissions::from_mode(0o600))
                    .expect("ours");
                self.account.own(&path);
            }
        }
        if let Some(authority) = &self.options.authority {
            let path = self.data().join("clients.crt");
            fs::write(&path, authority).expect("written");
            self.account.own(&path);
            writeln!(conf, "ssl_ca_file = 'clients.crt'").expect("written");
        }
        for (name, value) in &self.options.settings {
            writeln!(conf, "{name} = '{value}'").expect("written");
        }
        if !self.options.access.is_empty() {
            let path = self.data().join("pg_hba.conf");
            let rest = fs::read_to_string(&path).expect("initdb wrote it");
            fs::write(&path, format!("{}\n{rest}", self.options.access.join("\n"))).expect("written");
        }
    }

    fn run(&self) {
        // A server that was killed leaves them. With the first the wait for this one would end too early; with the other it
        // would not start as long as the shell has not noticed the death of the one before.
        let _ = fs::remove_file(self.data().join("postmaster.pid"));
        let _ = fs::remove_file(self.folder.join(format!(".s.PGSQL.{}.lock", self.port)));
        if self.options.folder.is_some() {
            self.detach();
        } else {
            self.supervise();
        }
        self.wait("start", || self.ready());
    }

    /// Starts the server under a shell that stops it, and removes its data, when our end of a pipe closes.
    fn supervise(&self) {
        const SUPERVISE: &str = r#"
            trap '' INT TERM HUP
            while read -r start; do
                "$1" -D "$2/data" -p "$3" </dev/null >>"$2/log" 2>&1 &
                server=$!
            done
            kill -INT $server 2>/dev/null
            wait $server
            rm -rf "$2"
        "#;
        let mut supervisor = self
            .supervisor
            .lock()
            .expect("nothing panics while it holds this");
        let shell = supervisor.get_or_insert_with(|| {
            let mut command = self.account.command("sh");
            command
                .args(["-c", SUPERVISE, "sh"])
                .arg(self.installation.bin.join("postgres"))
                .arg(&self.folder)
                .arg(self.port.to_string())
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.spawn().expect("sh starts")
        });
        let stdin = shell.stdin.as_mut().expect("piped");
        stdin.write_all(b"start\n").expect("the shell waits for orders");
    }

    /// Starts the server so that it outlives us.
    fn detach(&self) {
        let mut command = self.account.command(self.installation.bin.join("pg_ctl"));
        command
            .arg("start")
            .arg("--silent")
            .arg(format!("--pgdata={}", self.data().display()))
            .arg(format!("--log={}", self.folder.join("log").display()))
            .arg(format!("--options=-p {}", self.port))
            .stdin(Stdio::null());
        assert!(
            command.status().is_ok_and(|status| status.success()),
            "pg_ctl fails"
        );
    }

    /// Whether the last line of `postmaster.pid` says so.
    fn ready(&self) -> bool {
        fs::read_to_string(self.data().join("postmaster.pid"))
            .is_ok_and(|text| text.lines().nth(7).is_some_and(|state| state.trim() == "ready"))
    }

    /// The processes that the first one has started: one for each connection, and the server's own helpers.
    fn children(&self) -> Vec<String> {
        let pid = first_process(&self.folder).unwrap_or_default();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().map(str::to_owned).collect()
    }

    fn signal(&self, name: &str) {
        signal(&self.folder, name);
    }

    fn gone(&self) {
        let port = self.port;
        self.wait("stop", || TcpListener::bind(("127.0.0.1", port)).is_ok());
    }

    fn wait(&self, what: &str, done: impl Fn() -> bool) {
        wait(&self.folder, what, done);
    }
}

/// The number of the server's first process, in the first line of its file.
fn first_process(folder: &Path) -> Option<String> {
    let file = fs::read_to_string(folder.join("data/postmaster.pid")).ok()?;
    file.lines().next().map(str::to_owned)
}

/// Whether a process is there, and not only waits to be forgotten.
fn is_alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Sends a signal to the first process of the server.
fn signal(folder: &Path, signal: &str) {
    if let Some(pid) = first_process(folder) {
        let mut kill = Command::new("kill");
        let _ = kill.args([signal, &pid]).stderr(Stdio::null()).status();
    }
}

fn wait(folder: &Path, what: &str, done: impl Fn() -> bool) {
    let step = Duration::from_millis(20);
    for _ in 0..PATIENCE.as_millis() / step.as_millis() {
        if done() {
            return;
        }
        thread::sleep(step);
    }
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    panic!("the PostgreSQL server does not {what}:\n{log}");
}

impl Drop for Server {
    fn drop(&mut self) {
        let shell = self.supervisor.get_mut().ok().and_then(Option::take);
        if let Some(mut shell) = shell {
            drop(shell.stdin.take());
            let _ = shell.wait();
        }
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// A new folder that the server's user reaches: under `target/`, else under the system's folder for temporary files.
fn free_folder(account: Account) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    /// A Unix socket's path has at most 107 bytes, of which `/.s.PGSQL.54321.lock` is one part.
    const LONGEST: usize = 80;
    let name = format!(
        "postgres-{}-{}",
        process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let test = env::current_exe().unwrap_or_default();
    let target = test
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    let temporary = env::temp_dir();
    for parent in target.into_iter().chain([temporary.as_path()]) {
        // The server's user owns this one, so that its shell may remove the folder itself.
        let parent = parent.join("postgres");
        let folder = parent.join(&name);
        if folder.as_os_str().len() > LONGEST || fs::create_dir_all(&parent).is_err() {
            continue;
        }
        account.own(&parent);
        if account.reaches(&parent) {
            DirBuilder::new()
                .mode(0o700)
                .create(&folder)
                .expect("the name is new");
            account.own(&folder);
            return folder;
        }
    }
    panic!(
        "no folder that PostgreSQL's user may write to, such as {}",
        temporary.display()
    );
}
