//! A PostgreSQL server, and rows read back from it.

use std::thread;
use std::time::Duration;

use melisma_testing::postgres::{self as testing, Options};
use postgres::{Client, NoTls};

/// A server of its own, so that it can be killed.
pub struct Server(testing::Server);

impl Server {
    /// Starts one.
    pub fn start() -> Self {
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self(testing::Server::start(&Options {
            settings: vec![
                // What it confirms survives the end of its processes; the machine's own end is not tried here.
                setting("synchronous_commit", "on"),
                setting("max_connections", "40"),
                setting("shared_buffers", "32MB"),
            ],
            ..Options::default()
        }))
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Kills all of its processes.
    pub fn kill(&self) {
        self.0.kill();
    }

    /// Starts it again, and waits until it takes connections.
    pub fn restart(&self) {
        self.0.restart();
    }

    /// A connection.
    ///
    /// # Errors
    /// The server takes none.
    pub fn client(&self) -> Result<Client, String> {
        let mut config = postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(self.port())
            .user(testing::USER)
            .password(testing::PASSWORD)
            .dbname("postgres");
        let mut tries = 0;
        loop {
            match config.connect(NoTls) {
                Ok(client) => return Ok(client),
                Err(error) if tries == 200 => return Err(format!("PostgreSQL: {error}")),
                Err(_) => tries += 1,
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}
