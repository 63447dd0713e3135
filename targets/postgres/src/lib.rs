//! Singer target for PostgreSQL.
