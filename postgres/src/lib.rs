//! What the PostgreSQL connectors share.
