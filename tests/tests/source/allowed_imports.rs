//! Imports between the rooms of each package run one way. docs/architecture.md lists the rooms and the imports of each.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use seedgrid_tests::machine::repository;

use super::sources;

/// Rooms and the rooms of the same package that each imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// The imports of one file.
#[derive(Default)]
struct Found {
    /// The imported rooms, by their names.
    rooms: BTreeSet<String>,
    /// Modules that exist only for tests.
    for_tests: BTreeSet<String>,
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn ident(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

/// Whether the tokens from `at` are an attribute that restricts an item to tests or documentation.
pub(super) fn is_for_tests(tokens: &[TokenTree], at: usize) -> bool {
    let attribute = match tokens.get(at + 1) {
        Some(TokenTree::Group(group)) if is_punct(tokens.get(at), '#') => group.stream().to_string(),
        _ => return false,
    };
    let spaceless: String = attribute.split_whitespace().collect();
    ["cfg(test)", "cfg(doc)"].contains(&spaceless.as_str())
}

/// The place behind the item that such an attribute at `at` begins. A module of it joins `for_tests`.
pub(super) fn item_end(tokens: &[TokenTree], at: usize, for_tests: &mut BTreeSet<String>) -> usize {
    // The item ends with a semicolon or a block.
    let mut end = at + 2;
    while end < tokens.len() {
        if ident(tokens.get(end)).as_deref() == Some("mod") {
            for_tests.extend(ident(tokens.get(end + 1)));
        }
        let block = matches!(&tokens[end], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if block || is_punct(tokens.get(end), ';') {
            break;
        }
        end += 1;
    }
    end + 1
}

/// The path of the module in the file at `path` below its package's root, which is in `folder`.
pub(super) fn module_of(folder: &Path, path: &Path) -> Vec<String> {
    let inside = path.strip_prefix(folder).unwrap().with_extension("");
    let mut module: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

/// The first names of a list such as `{a::b, c::{d, e}}`.
fn heads(list: TokenStream) -> Vec<String> {
    let mut heads = Vec::new();
    let mut begins = true;
    for token in list {
        match &token {
            TokenTree::Ident(ident) if begins => heads.push(ident.to_string()),
            _ => {}
        }
        begins = is_punct(Some(&token), ',');
    }
    heads
}

/// Adds the imports in `stream`, which belongs to a module `depth` levels below the package's root.
fn scan(stream: TokenStream, depth: usize, found: &mut Found) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_for_tests(&tokens, at) {
            at = item_end(&tokens, at, &mut found.for_tests);
            continue;
        }
        if let TokenTree::Group(group) = &tokens[at] {
            scan(group.stream(), depth, found);
        }
        // `crate::`, or as many `super::` as lead to the package's root.
        let mut levels = 0;
        let mut next = at;
        while ident(tokens.get(next)).as_deref() == Some("super") && is_punct(tokens.get(next + 1), ':') {
            levels += 1;
            next += 3;
        }
        let at_root = levels > 0 && levels == depth;
        let is_crate = ident(tokens.get(at)).as_deref() == Some("crate") && is_punct(tokens.get(at + 1), ':');
        if is_crate {
            next = at + 3;
        }
        if is_crate || at_root {
            match tokens.get(next) {
                Some(TokenTree::Ident(ident)) => {
                    found.rooms.insert(ident.to_string());
                }
                Some(TokenTree::Group(group)) => found.rooms.extend(heads(group.stream())),
                _ => {}
            }
        }
        at = next.max(at) + usize::from(next <= at || at_root || is_crate);
    }
}

/// The imports of each room of the package in `folder`.
fn imports(folder: &Path) -> Imports {
    let files: BTreeMap<Vec<String>, Found> = sources(folder)
        .into_iter()
        .filter_map(|path| {
            let module = module_of(folder, &path);
            if ["lib", "main"].contains(&module[0].as_str()) {
                return None;
            }
            let text = fs::read_to_string(&path).unwrap();
            let mut found = Found::default();
            scan(text.parse().unwrap(), module.len(), &mut found);
            Some((module, found))
        })
        .collect();
    let is_test = |module: &[String]| {
        (1..module.len())
            .any(|end| files.get(&module[..end]).is_some_and(|parent| parent.for_tests.contains(&module[end])))
    };
    let rooms: BTreeSet<&String> = files.keys().map(|module| &module[0]).collect();
    let mut imports: Imports = rooms.iter().map(|room| ((*room).clone(), BTreeSet::new())).collect();
    for (module, found) in files.iter().filter(|(module, _)| !is_test(module)) {
        let others = found.rooms.iter().filter(|room| rooms.contains(room) && **room != module[0]);
        imports.get_mut(&module[0]).unwrap().extend(others.cloned());
    }
    imports
}

/// The rooms of `package` that the page lists, in its order, with the imports of each.
fn listed(page: &str, package: &str) -> Vec<(String, BTreeSet<String>)> {
    let (_, section) = page.split_once(&format!("### The rooms of `{package}`")).expect("the page has the section");
    let section = section.split("\n#").next().unwrap();
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            let room = cells[0].trim().trim_end_matches('`').to_owned();
            (room, names(cells[2]).into_iter().collect())
        })
        .collect()
}

#[test]
fn rooms_import_as_the_page_says_and_without_circles() {
    let page = fs::read_to_string(repository("docs/architecture.md")).unwrap();
    for package in ["common", "coordinator", "worker"] {
        let found = imports(&repository(package).join("src"));
        let listed = listed(&page, package);
        let mut above = BTreeSet::new();
        for (room, imported) in &listed {
            let below: Vec<&String> = imported.iter().filter(|one| !above.contains(*one)).collect();
            assert!(below.is_empty(), "{package}: {room} imports {below:?}, which docs/architecture.md lists below it");
            above.insert(room.clone());
        }
        let table: Imports = listed.into_iter().collect();
        let rows = |imports: &Imports| {
            let row = |(room, imported): (&String, &BTreeSet<String>)| {
                let imported: Vec<&str> = imported.iter().map(String::as_str).collect();
                format!("{room}: {}", imported.join(" "))
            };
            imports.iter().map(row).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(
            rows(&found),
            rows(&table),
            "{package}: left, the imports of the sources; right, those of docs/architecture.md"
        );
    }
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::{a::{b, c}, d}; #[cfg(test)] use crate::hidden; #[cfg(test)] mod tests { use crate::also; } \
                #[cfg(test)] mod file; fn f() { crate::e::g(); let x = vec![crate::macros::h()]; } use super::super::i::j;";
    let mut found = Found::default();
    scan(text.parse().unwrap(), 2, &mut found);
    assert_eq!(Vec::from_iter(found.rooms), ["a", "d", "e", "i", "macros"]);
    assert_eq!(Vec::from_iter(found.for_tests), ["file", "tests"]);
}
