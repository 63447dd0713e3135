//! Local `$ref` put in place.
