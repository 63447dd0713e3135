//! What melisma's PostgreSQL connectors share: how to reach a server, and how to speak of it.
//!
//! The settings have the names that MeltanoLabs' tap-postgres and target-postgres gave them; those of pipelinewise's
//! pair are aliases. What is not set is looked for where libpq looks: `PGHOST`, `PGPORT`, `PGUSER`, `PGDATABASE`,
//! `PGPASSWORD`, the password file, and the user of the operating system.

mod complete;
mod connection;
mod copy_in;
mod failure;
mod name;
mod options;
mod passfile;
mod pem;
mod server;
mod session;
mod tls;
mod url;
mod verifier;

pub use connection::{Connection, SshTunnel, SslMode};
pub use copy_in::CopyIn;
pub use failure::failed;
pub use name::{identifier, literal};
pub use postgres;
pub use server::Server;
pub use session::{Running, Session};
