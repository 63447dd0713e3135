//! What melisma's connectors of ADBC databases share: where drivers are, how a database is opened with one, and how to speak of
//! what goes wrong.
//!
//! A driver is a shared library that the user installs, and that is loaded when a run names it: nothing of it is linked.

mod database;
pub mod drivers;
mod errors;
mod holder;
mod secrets;
mod snowflake;
mod uri;

pub use database::{Address, Database, run};
pub use errors::{failed, is_locked};
pub use holder::with_holder;
pub use snowflake::SnowflakeLogin;
pub use uri::encoded;
