//! Reads libpq's password file (PostgreSQL manual, "The Password File").

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// The password that `own`, else `PGPASSFILE`, else `~/.pgpass`, has for this connection.
///
/// As in libpq, a file that is not there has none, and one that others may read is ignored, with a warning.
pub(crate) fn password(
    own: Option<&str>,
    host: &str,
    port: u16,
    database: &str,
    user: &str,
) -> Option<String> {
    let path = own
        .map(PathBuf::from)
        .or_else(|| env::var_os("PGPASSFILE").map(PathBuf::from))
        .or_else(|| Some(env::home_dir()?.join(".pgpass")))?;
    let mode = fs::metadata(&path).ok()?.permissions().mode();
    if mode & 0o077 != 0 {
        log::warn!(
            "{} is ignored: others may read it (its mode should be 0600)",
            path.display()
        );
        return None;
    }
    // A connection by Unix socket is written as `localhost` in the file.
    let host = if host.starts_with('/') { "localhost" } else { host };
    let port = port.to_string();
    let text = fs::read_to_string(&path).ok()?;
    find(&text, [host, &port, database, user])
}

/// The password of the first line whose fields fit: `host:port:database:user:password`.
fn find(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let mut fields = fields(line).into_iter();
            let fits = wanted.iter().all(|wanted| {
                fields
                    .next()
                    .is_some_and(|field| field == "*" || field == *wanted)
            });
            if fits { fields.next() } else { None }
        })
}

/// Splits at `:`; a backslash takes the special meaning from the character after it.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' => fields.push(String::new()),
            '\\' => fields
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|field| field.extend(chars.next())),
            c => fields
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|field| field.push(c)),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let text = "# comment\nother:5432:*:me:no\ndb:*:shop:me:s\\:e\\\\cret\n*:*:*:*:rest\n";
        let find = |host, database| find(text, [host, "5432", database, "me"]);
        assert_eq!(find("db", "shop").as_deref(), Some("s:e\\cret"));
        assert_eq!(find("db", "stock").as_deref(), Some("rest"));
        assert_eq!(
            super::find("db:1:a:me", ["db", "1", "a", "me"]),
            None,
            "no password in the line"
        );
    }
}
