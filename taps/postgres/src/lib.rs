//! Singer tap for PostgreSQL.
