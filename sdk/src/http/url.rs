//! URLs: joined, resolved, and compared by their origin.

use fluent_uri::{Uri, UriRef};
use melisma_engine::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the letters that RFC 3986 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as a part of a path, or of a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Checks the address of an API.
pub(super) fn check(url: &str) -> Result<()> {
    let wrong = |why: &str| Error::config(format!("the URL {}: {why}", shown(url)));
    let parsed =
        Uri::parse(url).map_err(|_| wrong("expected an address such as https://api.example.com/v2"))?;
    if !["http", "https"].contains(&parsed.scheme().as_str()) {
        return Err(wrong("expected http or https"));
    }
    if parsed.has_fragment() {
        return Err(wrong("a fragment (#) is not sent to a server"));
    }
    match parsed.authority() {
        Some(authority) if authority.host().is_empty() => Err(wrong("the host is missing")),
        Some(authority) if authority.has_userinfo() => Err(wrong(
            "a user and a password do not belong into a URL; use basic authentication",
        )),
        Some(_) => Ok(()),
        None => Err(wrong("the host is missing")),
    }
}

/// A text as a part of a URL that is complete otherwise: what no URL may have is encoded, and all else stays.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for letter in text.chars() {
        let foreign = !letter.is_ascii() || letter.is_ascii_control() || " \"<>\\^`{|}[]".contains(letter);
        if foreign {
            tidy.push_str(&encode(letter.encode_utf8(&mut [0; 4])));
        } else {
            tidy.push(letter);
        }
    }
    tidy
}

/// A path below the address of an API; a whole URL stays as it is.
pub(super) fn join(base: &str, path: &str) -> String {
    let path = tidy(path);
    let path = path.as_str();
    if path.starts_with("http://") || path.starts_with("https://") {
        return path.to_owned();
    }
    match (base.trim_end_matches('/'), path.trim_start_matches('/')) {
        (base, "") => base.to_owned(),
        (base, query) if query.starts_with('?') => format!("{base}{query}"),
        (base, path) => format!("{base}/{path}"),
    }
}

/// A link that was found in the answer of `page`: relative ones are below it, as in a browser.
pub(super) fn resolve(page: &str, link: &str) -> Result<String> {
    let wrong = || Error::input(format!("the link to the next page is no URL: {}", shown(link)));
    // Some servers leave spaces and the like as they are.
    let link = tidy(link.trim());
    let base = Uri::parse(page).map_err(|_| wrong())?.strip_fragment().to_owned();
    let link = UriRef::parse(link.as_str()).map_err(|_| wrong())?;
    let resolved = link.resolve_against(&base).map_err(|_| wrong())?;
    let resolved = resolved.strip_fragment().as_str().to_owned();
    check(&resolved).map_err(|_| wrong())?;
    Ok(resolved)
}

/// A URL with the scheme, host and port of another.
pub(super) fn at_origin(base: &str, url: &str) -> String {
    let path = |url: &str| {
        let start = url.find("//").map_or(0, |at| at + 2);
        url[start..].find(['/', '?']).map_or(url.len(), |at| start + at)
    };
    format!("{}{}", &base[..path(base)], &url[path(url)..])
}

/// Scheme, host and port: what credentials are for.
pub(super) fn origin(url: &str) -> Option<(String, String, u16)> {
    let url = Uri::parse(url).ok()?;
    let scheme = url.scheme().as_str().to_ascii_lowercase();
    let authority = url.authority()?;
    let default = if scheme == "https" { 443 } else { 80 };
    let port = match authority.port() {
        Some(port) if !port.is_empty() => port.as_str().parse().ok()?,
        _ => default,
    };
    Some((scheme, authority.host().to_ascii_lowercase(), port))
}

/// The URL with these parameters. Those that it has under the same names are replaced, and only those.
pub(super) fn with_query<'a>(url: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut url = url.to_owned();
    for (name, value) in pairs {
        url = without(&url, &encode(name));
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&encode(name));
        url.push('=');
        url.push_str(&encode(value));
    }
    url
}

fn without(url: &str, name: &str) -> String {
    let Some((path, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name))
        .collect();
    if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    }
}

/// A URL for logs and errors: without its query, which may hold keys and tokens.
pub(super) fn shown(url: &str) -> &str {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    // Nor what stands before an @, which may be a password.
    match (url.find("//"), url.rfind('@')) {
        (Some(start), Some(at)) if start + 2 < at => &url[at + 1..],
        _ => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_below_the_address() {
        assert_eq!(
            join("https://a.example/v2", "/items"),
            "https://a.example/v2/items"
        );
        assert_eq!(
            join("https://a.example/v2/", "items?x=1"),
            "https://a.example/v2/items?x=1"
        );
        assert_eq!(join("https://a.example/v2", ""), "https://a.example/v2");
        assert_eq!(
            join("https://a.example", "https://b.example/x"),
            "https://b.example/x"
        );
    }

    #[test]
    fn links_are_resolved_as_a_browser_does() {
        let page = "https://a.example/v2/items?page=1";
        assert_eq!(
            resolve(page, "?page=2").unwrap(),
            "https://a.example/v2/items?page=2"
        );
        assert_eq!(resolve(page, "/x?y=a b").unwrap(), "https://a.example/x?y=a%20b");
        assert_eq!(
            resolve(page, "https://b.example/é").unwrap(),
            "https://b.example/%C3%A9"
        );
        assert_eq!(
            resolve(page, "items?a[]=1#end").unwrap(),
            "https://a.example/v2/items?a%5B%5D=1"
        );
        assert!(resolve(page, "mailto:a@b").is_err());
    }

    #[test]
    fn origins_differ_by_scheme_host_and_port() {
        let same = |a: &str, b: &str| origin(a) == origin(b);
        assert!(same("https://A.example/x", "https://a.example:443/y"));
        assert!(!same("https://a.example", "http://a.example"));
        assert!(!same("https://a.example", "https://a.example:8443"));
        assert!(!same("https://a.example", "https://a.example.evil.example"));
    }

    #[test]
    fn a_parameter_replaces_its_namesake() {
        let url = with_query(
            "https://a.example/x?page=1&q=a%20b",
            [("page", "2"), ("ta g", "&")],
        );
        assert_eq!(url, "https://a.example/x?q=a%20b&page=2&ta%20g=%26");
    }

    #[test]
    fn errors_show_no_query_and_no_password() {
        assert_eq!(shown("https://a.example/x?key=s3cr3t"), "https://a.example/x");
        assert!(
            !check("https://u:s3cr3t@a.example")
                .unwrap_err()
                .to_string()
                .contains("s3cr3t")
        );
        assert!(check("ftp://a.example").is_err() && check("api.example.com").is_err());
    }
}
