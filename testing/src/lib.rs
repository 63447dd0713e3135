//! Real servers for the tests: PostgreSQL.
