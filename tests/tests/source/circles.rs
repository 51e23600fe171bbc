//! Files within a room import each other one way, too: no circle leads through files of which none contains another.
//! A file that stands above others, such as `mod.rs`, counts as one with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use seedgrid_tests::machine::repository;

use super::{
    allowed_imports::{is_for_tests, item_end, module_of},
    sources,
};

/// The path of a module below its package's root.
type Module = Vec<String>;

/// The content of one file, as far as paths lead to it or out of it.
#[derive(Default)]
struct Content {
    /// The names of its items.
    items: BTreeSet<String>,
    /// The names that it imports, each with its path as written.
    imports: BTreeMap<String, Vec<String>>,
    /// The paths in its items, as written.
    paths: Vec<Vec<String>>,
    /// Modules that exist only for tests.
    for_tests: BTreeSet<String>,
}

/// The tokens of a file without those of tests, as text; a path separator is one token.
fn flatten(stream: TokenStream, content: &mut Content, flat: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_for_tests(&tokens, at) {
            at = item_end(&tokens, at, &mut content.for_tests);
            continue;
        }
        match &tokens[at] {
            TokenTree::Group(group) => {
                let [open, close] = match group.delimiter() {
                    Delimiter::Brace => ["{", "}"],
                    Delimiter::Parenthesis => ["(", ")"],
                    Delimiter::Bracket => ["[", "]"],
                    Delimiter::None => ["", ""],
                };
                flat.push(open.to_owned());
                flatten(group.stream(), content, flat);
                flat.push(close.to_owned());
            }
            TokenTree::Ident(ident) => flat.push(ident.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == ':' && flat.last().is_some_and(|last| last == ":") => {
                flat.pop();
                flat.push("::".to_owned());
            }
            TokenTree::Punct(punct) => flat.push(punct.as_char().to_string()),
            TokenTree::Literal(_) => flat.push("0".to_owned()),
        }
        at += 1;
    }
}

fn is_name(token: Option<&String>) -> bool {
    token.is_some_and(|token| token.starts_with(|first: char| first.is_alphabetic() || first == '_'))
}

/// Reads one branch of an import, and adds the paths that it names. Returns the place behind it.
fn branch(flat: &[String], mut at: usize, before: &[String], imports: &mut BTreeMap<String, Vec<String>>) -> usize {
    let mut path = before.to_vec();
    loop {
        match flat.get(at).map(String::as_str) {
            Some("{") => {
                at += 1;
                while flat.get(at).is_some_and(|token| token != "}") {
                    at = branch(flat, at, &path, imports);
                    at += usize::from(flat.get(at).is_some_and(|token| token == ","));
                }
                return at + 1;
            }
            Some("*") => return at + 1,
            Some(name) => path.push(name.to_owned()),
            None => return at,
        }
        at += 1;
        match flat.get(at).map(String::as_str) {
            Some("::") => at += 1,
            Some("as") => {
                imports.insert(flat[at + 1].clone(), path);
                return at + 2;
            }
            _ => {
                if path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                imports.extend(path.last().cloned().map(|name| (name, path)));
                return at;
            }
        }
    }
}

fn read(text: &str) -> Content {
    let (mut content, mut flat) = (Content::default(), Vec::new());
    flatten(text.parse().unwrap(), &mut content, &mut flat);
    let mut at = 0;
    while at < flat.len() {
        let next_is_name = is_name(flat.get(at + 1));
        match flat[at].as_str() {
            "use" if flat.get(at + 1).is_some_and(|next| next != "<") => {
                at = branch(&flat, at + 1, &[], &mut content.imports);
                continue;
            }
            "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" if next_is_name => {
                content.items.insert(flat[at + 1].clone());
            }
            _ if is_name(flat.get(at)) => {
                let mut path = vec![flat[at].clone()];
                while flat.get(at + 1).is_some_and(|token| token == "::") && is_name(flat.get(at + 2)) {
                    path.push(flat[at + 2].clone());
                    at += 2;
                }
                if path.len() > 1 {
                    content.paths.push(path);
                }
            }
            _ => {}
        }
        at += 1;
    }
    content
}

type Files = BTreeMap<Module, Content>;

/// The path from the package's root, if it leads into the package.
fn absolute(files: &Files, module: &[String], path: &[String]) -> Option<Module> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    let (above, rest) = match path.first()?.as_str() {
        "crate" => (&[][..], &path[1..]),
        "self" => (module, &path[1..]),
        "super" => (&module[..module.len().checked_sub(supers)?], &path[supers..]),
        name => {
            let child = [module, &[name.to_owned()]].concat();
            match files[module].imports.get(name) {
                Some(import) if import.as_slice() != path && import.first() != path.first() => {
                    return Some([absolute(files, module, import)?, path[1..].to_vec()].concat());
                }
                _ if files.contains_key(&child) => (module, path),
                _ => return None,
            }
        }
    };
    Some([above, rest].concat())
}

/// The file that defines what a path from the package's root names, through re-exports.
fn defined_in(files: &Files, path: &[String], steps: usize) -> Option<Module> {
    let length = (0..=path.len()).rev().find(|length| files.contains_key(&path[..*length]))?;
    let (module, rest) = path.split_at(length);
    let Some(name) = rest.first() else { return Some(module.to_vec()) };
    let content = &files[module];
    if content.items.contains(name) {
        return Some(module.to_vec());
    }
    let import = content.imports.get(name).filter(|_| steps > 0)?;
    let path = [absolute(files, module, import)?, rest[1..].to_vec()].concat();
    defined_in(files, &path, steps - 1)
}

/// The most re-exports between a name and its definition.
const STEPS_MAX: usize = 8;

/// The files that each file imports, without those above and below it.
fn imports(files: &Files) -> BTreeMap<&Module, BTreeSet<Module>> {
    let of = |module: &Module, content: &Content| {
        let paths = content.imports.values().chain(&content.paths);
        let absolute = paths.filter_map(|path| absolute(files, module, path));
        let defined = absolute.filter_map(|path| defined_in(files, &path, STEPS_MAX));
        defined.filter(|other| !other.starts_with(module) && !module.starts_with(other)).collect()
    };
    files.iter().map(|(module, content)| (module, of(module, content))).collect()
}

/// The imports that are part of a circle or lead from one to another, as text.
fn circles(files: &Files) -> Vec<String> {
    let mut imports = imports(files);
    loop {
        let before = imports.len();
        let left: BTreeSet<Module> = imports.keys().map(|module| (*module).clone()).collect();
        imports.values_mut().for_each(|others| others.retain(|other| left.contains(other)));
        imports.retain(|_, others| !others.is_empty());
        let imported: BTreeSet<Module> = imports.values().flatten().cloned().collect();
        imports.retain(|module, _| imported.contains(*module));
        if imports.len() == before {
            break;
        }
    }
    let line = |(module, others): (&&Module, &BTreeSet<Module>)| {
        let others: Vec<String> = others.iter().map(|other| other.join("::")).collect();
        format!("{} imports {}", module.join("::"), others.join(", "))
    };
    imports.iter().map(line).collect()
}

fn files(folder: &Path) -> Files {
    let all = sources(folder).into_iter().filter_map(|path| {
        let module = module_of(folder, &path);
        let is_main = module.first().is_some_and(|first| first == "main");
        (!is_main).then(|| (module, read(&fs::read_to_string(&path).unwrap())))
    });
    let all: Files =
        all.map(|(module, content)| (if module == ["lib"] { Vec::new() } else { module }, content)).collect();
    let is_test = |module: &[String]| {
        (0..module.len()).any(|end| all.get(&module[..end]).is_some_and(|above| above.for_tests.contains(&module[end])))
    };
    let tests: BTreeSet<Module> = all.keys().filter(|module| is_test(module)).cloned().collect();
    all.into_iter().filter(|(module, _)| !tests.contains(module)).collect()
}

#[test]
fn files_of_a_room_import_each_other_without_circles() {
    for package in ["common", "coordinator", "worker"] {
        let found = circles(&files(&repository(package).join("src")));
        assert!(found.is_empty(), "{package} has a circle among these files:\n{}", found.join("\n"));
    }
}

#[test]
fn circles_are_found_through_every_form_of_import() {
    let circles_of = |texts: &[(&str, &str)]| {
        let files = texts.iter().map(|(module, text)| {
            let module = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            (module, read(text))
        });
        circles(&files.collect())
    };
    let rest = [("", "mod room;"), ("room", "mod a; mod b; mod c; pub use b::Thing; pub(crate) struct Own;")];
    let with = |a: &'static str, b: &'static str| {
        circles_of(&[&rest[..], &[("room::a", a), ("room::b", b), ("room::c", "fn g() {}")]].concat())
    };
    let b = "pub struct Thing; use super::a::f;";
    for a in [
        "use super::Thing; pub fn f() {}",
        "use super::b::{self, Thing as Other}; pub fn f() {}",
        "use crate::room::{c::g, b::Thing}; pub fn f() {}",
        "pub fn f() -> super::Thing { todo!() }",
        "pub fn f() { let x = vec![crate::room::b::Thing]; }",
        "use super::b; pub fn f() { b::new(); }",
    ] {
        assert_eq!(with(a, b).len(), 2, "{a}");
    }
    for a in [
        "use super::c::g; pub fn f() {}",
        "use super::Own; pub fn f() {}",
        "pub fn f() {} #[cfg(test)] mod tests { use super::super::b::Thing; }",
        "pub fn f() {} #[cfg(test)] use super::Thing;",
    ] {
        assert_eq!(with(a, b), Vec::<String>::new(), "{a}");
    }
    assert!(with("use super::Thing; pub fn f() {}", "pub struct Thing; fn h() { super::c::g(); }").is_empty());
}
