//! Imports between the files of a crate: none may run in a circle, save between a module and its own children.
//!
//! A circle of files can only be read as a whole, and none of its files can be moved or tested alone. The compiler does
//! not mind one, so this does: it reads the paths that begin with `crate`, `super`, `self` or a child module from the
//! source of every product crate, and follows re-exports (`pub use keeper::Keeper`) to the file that they come from. Code
//! of tests does not count.
//!
//! A child may use what its parent defines, as in `super::Args`: that edge is not followed. The edge from the parent to
//! the child is, so that a file cannot reach itself through the front of another module.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::{Result, sh};

/// A module by its names from the root of the crate.
type Module = Vec<String>;

/// One file of a crate.
struct Source {
    file: String,
    /// Every path to something of this crate, `crate` first.
    paths: Vec<Vec<String>>,
    /// The names that it re-exports, with the paths that they stand for.
    exports: BTreeMap<String, Vec<String>>,
}

/// The crates of the product.
const CRATES: [&str; 15] = [
    "adbc",
    "bench",
    "engine",
    "sdk",
    "postgres",
    "taps/adbc",
    "taps/csv",
    "taps/postgres",
    "taps/rest",
    "targets/adbc",
    "targets/csv",
    "targets/jsonl",
    "targets/parquet",
    "targets/postgres",
    "cli",
];

/// Every circle, as a sentence.
pub(crate) fn violations() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for name in CRATES {
        let root = sh::root().join(name).join("src");
        for circle in circles(&root).map_err(|error| format!("{}: {error}", root.display()))? {
            found.push(format!(
                "{name}: these files import each other in a circle: {circle:?}"
            ));
        }
    }
    Ok(found)
}

/// The circles of one crate: its files in groups, of which each reaches every other.
fn circles(root: &Path) -> io::Result<Vec<Vec<String>>> {
    let mut files = Vec::new();
    find(root, root, &mut files)?;
    let modules: BTreeSet<Module> = files.iter().map(|(module, _)| module.clone()).collect();
    let mut sources = BTreeMap::new();
    for (module, path) in files {
        let text = code(&fs::read_to_string(&path)?);
        let file = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        sources.insert(module.clone(), read(&text, file, &module, &modules));
    }
    let edges: BTreeMap<&Module, BTreeSet<Module>> = sources
        .iter()
        .map(|(module, source)| (module, targets(module, source, &sources)))
        .collect();
    Ok(groups(&edges)
        .into_iter()
        .map(|group| group.iter().map(|module| sources[*module].file.clone()).collect())
        .collect())
}

fn find(root: &Path, folder: &Path, files: &mut Vec<(Module, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            find(root, &path, files)?;
        } else if path.extension().is_some_and(|end| end == "rs") {
            let inside = path.strip_prefix(root).unwrap_or(&path).with_extension("");
            let mut module: Module = inside
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            if name == "mod" || module.len() == 1 && (name == "main" || name == "lib") {
                module.pop();
            }
            files.push((module, path));
        }
    }
    Ok(())
}

/// The text without comments and without what is compiled for tests only.
fn code(text: &str) -> String {
    let mut out = String::new();
    // The indentation of a test item that is being skipped.
    let mut skipped: Option<usize> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if let Some(start) = skipped {
            let ends = line.trim_start().starts_with('}') || line.ends_with(';');
            if indent == start && ends {
                skipped = None;
            }
            continue;
        }
        if line.trim() == "#[cfg(test)]" {
            skipped = Some(indent);
            continue;
        }
        let comment = line.match_indices("//").map(|(at, _)| at);
        let quotes = |at: &usize| line[..*at].matches('"').count().is_multiple_of(2);
        let end = comment.into_iter().find(quotes).unwrap_or(line.len());
        out.push_str(&line[..end]);
        out.push('\n');
    }
    out
}

fn read(text: &str, file: String, module: &Module, modules: &BTreeSet<Module>) -> Source {
    let mut source = Source {
        file,
        paths: Vec::new(),
        exports: BTreeMap::new(),
    };
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    while let Some(start) = text[at..].find(is_name).map(|start| at + start) {
        let end = text[start..]
            .find(|c| !is_name(c))
            .map_or(text.len(), |end| start + end);
        at = end;
        let inside_a_path = text[..start].ends_with("::") || text[..start].ends_with('$');
        if inside_a_path || !text[end..].starts_with("::") {
            continue;
        }
        let Some(first) = absolute(&text[start..end], module, modules) else {
            continue;
        };
        let mut rest = &text[end + 2..];
        let mut leaves = Vec::new();
        tree(&mut rest, first, &mut leaves);
        at = text.len() - rest.len();
        let line = text[..start].rfind([';', '}', '{']).map_or(0, |line| line + 1);
        let exported = text[line..start].contains("pub") && text[line..start].trim_end().ends_with("use");
        for (path, name) in leaves {
            if exported {
                source.exports.insert(name, path.clone());
            }
            source.paths.push(path);
        }
    }
    source
}

/// What the first name of a path stands for, from the root of the crate; `None` when it is of another crate.
fn absolute(name: &str, module: &Module, modules: &BTreeSet<Module>) -> Option<Vec<String>> {
    match name {
        "crate" => Some(Vec::new()),
        "self" => Some(module.clone()),
        "super" => Some(module[..module.len().checked_sub(1)?].to_vec()),
        child => {
            let path = [module.as_slice(), &[child.to_owned()]].concat();
            modules.contains(&path).then_some(path)
        }
    }
}

/// The paths of a tree such as `a::{self, b::C as D}`, each with the name that it gets here.
fn tree(rest: &mut &str, path: Vec<String>, leaves: &mut Vec<(Vec<String>, String)>) {
    *rest = rest.trim_start();
    if let Some(inner) = rest.strip_prefix('{') {
        *rest = inner.trim_start();
        while !rest.is_empty() && !rest.starts_with('}') {
            tree(rest, path.clone(), leaves);
            *rest = rest.trim_start_matches([',', ' ', '\n']);
        }
        *rest = rest.strip_prefix('}').unwrap_or(rest);
        return;
    }
    let end = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*')
        .unwrap_or(rest.len());
    let name = rest[..end].to_owned();
    *rest = &rest[end..];
    let path = match name.as_str() {
        "self" | "*" | "" => path,
        "super" => path[..path.len().saturating_sub(1)].to_vec(),
        _ => [path, vec![name.clone()]].concat(),
    };
    if let Some(inner) = rest.strip_prefix("::") {
        *rest = inner;
        return tree(rest, path, leaves);
    }
    let known = match rest.trim_start().strip_prefix("as ") {
        Some(after) => {
            let end = after.find(|c: char| !c.is_alphanumeric() && c != '_');
            let (alias, left) = after.split_at(end.unwrap_or(after.len()));
            *rest = left;
            alias.to_owned()
        }
        None => name,
    };
    if !path.is_empty() {
        leaves.push((path, known));
    }
}

/// The modules that a file imports from, its own ancestors left out.
fn targets(module: &Module, source: &Source, sources: &BTreeMap<Module, Source>) -> BTreeSet<Module> {
    let resolved = source.paths.iter().map(|path| resolve(path, sources, 0));
    resolved.filter(|target| !module.starts_with(target)).collect()
}

/// The module that defines what a path names.
fn resolve(path: &[String], sources: &BTreeMap<Module, Source>, depth: usize) -> Module {
    let mut length = path.len();
    while !sources.contains_key(&path[..length]) {
        length -= 1;
    }
    let module = path[..length].to_vec();
    let exported = path
        .get(length)
        .and_then(|name| sources[&module].exports.get(name));
    match exported {
        Some(origin) if depth < 8 => resolve(origin, sources, depth + 1),
        _ => module,
    }
}

/// Groups of modules that reach each other.
fn groups<'a>(edges: &BTreeMap<&'a Module, BTreeSet<Module>>) -> Vec<Vec<&'a Module>> {
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = edges
        .keys()
        .map(|module| (*module, reach(module, edges)))
        .collect();
    let mut found: Vec<Vec<&Module>> = Vec::new();
    for module in edges.keys() {
        let group: Vec<&Module> = reached[module]
            .iter()
            .filter(|other| reached[*other].contains(module))
            .copied()
            .collect();
        if group.len() > 1 && !found.contains(&group) {
            found.push(group);
        }
    }
    found
}

fn reach<'a>(from: &Module, edges: &BTreeMap<&'a Module, BTreeSet<Module>>) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut todo = vec![from];
    while let Some(module) = todo.pop() {
        for to in &edges[module] {
            if let Some((to, _)) = edges.get_key_value(to)
                && reached.insert(*to)
            {
                todo.push(to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_of_the_product_imports_itself_in_a_circle() {
        assert_eq!(violations().expect("the sources are read"), Vec::<String>::new());
    }

    /// The circles of a crate with these files.
    fn of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        }
        circles(folder.path()).expect("read")
    }

    #[test]
    fn a_circle_is_found_through_paths_trees_and_re_exports() {
        let main = ("main.rs", "mod a;\nmod b;\n");
        let b = ("b.rs", "use crate::{args::X, a::{self, Y}};\n");
        let circle = [["a.rs".to_owned(), "b.rs".to_owned()]];
        assert_eq!(of(&[main, ("a.rs", "fn f() { crate::b::g() }\n"), b]), circle);
        let front = ("front/mod.rs", "mod inner;\npub(crate) use inner::Z as W;\n");
        let inner = ("front/inner.rs", "use crate::a::Y;\n");
        let found = of(&[main, ("a.rs", "use crate::front::{W};\n"), front, inner]);
        assert_eq!(found, [["a.rs".to_owned(), "front/inner.rs".to_owned()]]);
    }

    #[test]
    fn a_parent_and_its_children_comments_and_tests_are_no_circle() {
        let parent = ("m/mod.rs", "mod child;\nuse child::C;\npub(crate) struct P;\n");
        let child = ("m/child.rs", "use super::P;\n");
        assert_eq!(
            of(&[("lib.rs", "mod m;\nmod a;\n"), parent, child]),
            Vec::<Vec<String>>::new()
        );
        let test = "#[cfg(test)]\nmod tests {\n    use crate::b::X;\n}\n// crate::b::X\n";
        let found = of(&[("lib.rs", ""), ("a.rs", test), ("b.rs", "use crate::a::Y;\n")]);
        assert_eq!(found, Vec::<Vec<String>>::new());
    }
}
