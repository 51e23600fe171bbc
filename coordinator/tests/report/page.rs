//! report.html, read strictly, and in a browser where there is one.

use std::{collections::BTreeSet, fs, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use seedgrid_common::hyperparameters::Value;
use seedgrid_coordinator::scheduler::unit_state::UnitState;
use sha2::{Digest as _, Sha256};

use crate::{
    provenance, small,
    synthetic::{Synthetic, five, holdout, row, table_3},
    written,
};

/// A page with neither its first line, its meta elements nor the content of its style and script, which are no XML.
fn as_xml(page: &str) -> String {
    let mut text = page.strip_prefix("<!DOCTYPE html>").expect("it is HTML").to_owned();
    while let Some((before, rest)) = text.split_once("<meta ") {
        text = format!("{before}{}", rest.split_once('>').expect("it ends").1);
    }
    for (begin, end) in [("<style>", "</style>"), ("<script>", "</script>")] {
        let (before, rest) = text.split_once(begin).expect("there is one");
        let (_, after) = rest.split_once(end).expect("it ends");
        text = format!("{before}{begin}{end}{after}");
    }
    text
}

fn between<'a>(page: &'a str, begin: &str, end: &str) -> &'a str {
    page.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).expect("it is there").0
}

#[test]
fn the_page_is_well_formed_and_every_link_leads_somewhere() {
    let mut study = small();
    study.diverge(study.unit(0, 0, 1), 3);
    study.lose(study.unit(1, 2, 5), UnitState::Quarantined);
    let (_folder, files) = written(&study, &provenance("a"));
    let xml = as_xml(&files["report.html"]);
    let page = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}"));
    let elements = || page.descendants().filter(roxmltree::Node::is_element);
    let ids: Vec<&str> = elements().filter_map(|element| element.attribute("id")).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "ids are unique");
    let links: Vec<&str> = elements().filter_map(|element| element.attribute("href")).collect();
    for link in &links {
        let is_there = link.strip_prefix('#').map_or(files.contains_key(*link), |id| unique.contains(id));
        assert!(is_there, "{link} leads nowhere");
    }
    for attribute in ["aria-describedby", "aria-labelledby"] {
        assert!(elements().filter_map(|element| element.attribute(attribute)).all(|id| unique.contains(id)));
    }

    let contents = elements().find(|element| element.has_tag_name("nav")).unwrap();
    let listed: BTreeSet<&str> = contents.descendants().filter_map(|link| link.attribute("href")).collect();
    let sections = elements().filter(|element| element.has_tag_name("section"));
    for id in sections.filter_map(|section| section.attribute("id")) {
        assert!(listed.contains(format!("#{id}").as_str()), "{id} is not among the contents");
    }
    for part in ["#table-1", "#references-2", "#learning-1", "#unit-curves-2", "#units-1", "#network-2", "#data"] {
        assert!(listed.contains(part), "{part}");
    }
}

#[test]
fn the_page_needs_no_other_file_and_lets_the_browser_load_none() {
    let (_folder, files) = written(&small(), &provenance("a"));
    let page = &files["report.html"];
    assert!(page.contains("<title>small on synthetic pairs</title>"));
    let without_namespace = page.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http:", "https:", "src=", "@import", "url(", "<link", "<script src"] {
        assert!(!without_namespace.contains(outside), "{outside}");
    }
    let hash = |begin, end| BASE64.encode(Sha256::digest(between(page, begin, end)));
    let (style, script) = (hash("<style>", "</style>"), hash("<script>", "</script>"));
    let policy = format!("default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'");
    assert!(page.contains(&format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")));
    assert!(!page.contains(" style=\"") && !page.contains(" onclick"), "which the policy would not allow");
    assert_eq!(page.matches("<svg xmlns").count(), 2 * 5 + 2, "five figures a stage, the pairs and the networks");
    assert_eq!(page.matches("<figcaption><b>").count(), 2 * 5 + 2);
}

#[test]
fn names_cannot_break_out_of_pages_and_figures() {
    let hostile = "</title></style></script><script>alert(1)</script><!-- ]]> \" ' & | `x`";
    let mut study = Synthetic::new(hostile, 40, vec![holdout(hostile, 1..=3, vec![row("fc", &[]), row("cnn", &[])])]);
    study.dataset.about.title = hostile.to_owned();
    study.study.references = table_3(hostile);
    for reference in &mut study.study.references {
        (reference.source, reference.note) = (hostile.to_owned(), Some(hostile.to_owned()));
        reference.error += 0.3;
    }
    study.diverge(study.unit(0, 0, 1), 3);
    let (_folder, files) = written(&study, &provenance("a"));
    let page = &files["report.html"];
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (1, 1), "the page's own");
    assert_eq!((page.matches("<!--").count(), page.matches("</style").count()), (0, 1));
    let xml = as_xml(page);
    let document = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}"));
    let texts: String = document.descendants().filter_map(|node| node.text()).collect();
    assert!(texts.contains(&format!("Stage {hostile}")), "it stays a text, whole");
    for (name, svg) in files.iter().filter(|(name, _)| name.ends_with(".svg")) {
        assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{name}");
        roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(files["report.md"].contains("\\<script\\>alert(1)\\</script\\>\\<!-- ]]\\> \" ' & \\| \\`x\\`"));
}

#[test]
fn every_unit_with_a_result_has_a_curve_and_a_row_that_leads_to_it() {
    let mut study = small();
    study.diverge(study.unit(0, 0, 1), 3);
    study.lose(study.unit(1, 2, 5), UnitState::Quarantined);
    let (_folder, files) = written(&study, &provenance("a"));
    let page = &files["report.html"];
    // Three configurations with 4 seeds, and three with 4 folds of 2 seeds, one of which failed.
    assert_eq!(page.matches("<figure id=\"unit-").count(), 12 + 24 - 1);
    assert_eq!(page.matches("\">show</a>").count(), 12 + 24 - 1);
    let diverged = page.split("<figure id=\"unit-1-1-2\">").nth(1).unwrap().split("</figure>").next().unwrap();
    assert!(diverged.contains("<figcaption>seed 2: diverged after 3 epochs</figcaption>"), "{diverged}");
    assert!(page.contains("<p>1 of 8 without a result.</p>"));
    assert!(!page.contains(" open=\"\""), "it is folded");

    // The curve is the unit's own: as many points as epochs, none of which fall together in so short a history.
    let unit = study.unit(0, 2, 0);
    let figure = page.split("<figure id=\"unit-1-3-1\">").nth(1).unwrap().split("</figure>").next().unwrap();
    let loss = between(figure, "<path class=\"l\" d=\"m", "\"");
    let numbers = loss.replace('-', " -");
    assert_eq!(numbers.split_whitespace().count(), 2 * study.results[&unit].epochs.len());
}

#[test]
fn a_study_of_many_units_stays_a_page_of_reasonable_size() {
    let rates = [0.01, 0.05, 0.1, 0.2].map(Value::Number);
    let rows = five().iter().map(|given| row(&given.model, &[("learning_rate", &rates)])).collect();
    let study = Synthetic::new("many", 20, vec![holdout("search", 1..=30, rows)]);
    let (_folder, files) = written(&study, &provenance("a"));
    let page = &files["report.html"];
    assert_eq!(page.matches("<figure id=\"unit-").count(), 600);
    assert_eq!(page.matches("<details id=\"curves-of-model-").count(), 5, "a fold for each model");
    assert!(page.len() < 600 * 6_000, "{} bytes", page.len());
}

/// Runs the page's script in a browser and gives the page as it then is; None where there is no browser.
fn in_browser(page: &str, fragment: &str, width: usize) -> Option<String> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let browser = names.into_iter().find(|name| Command::new(name).arg("--version").output().is_ok())?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    fs::write(&path, page).unwrap();
    let mut command = Command::new(browser);
    command.arg(format!("--window-size={width},900"));
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
    let ended = command.arg(format!("file://{}#{fragment}", path.display())).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Some(String::from_utf8(ended.stdout).unwrap())
}

#[test]
fn the_script_sorts_tables_and_opens_what_a_link_leads_to() {
    let (_folder, files) = written(&small(), &provenance("a"));
    let page = &files["report.html"];
    let Some(shown) = in_browser(page, "unit-2-1-3", 1280) else {
        println!("skipped: no browser is installed (Debian: chromium)");
        return;
    };
    // The policy lets the script run, so headers have buttons; the fold around the unit is open, and no other.
    assert!(shown.contains("<button type=\"button\" title=\"Sort by this column\">Error</button>"), "no button");
    assert_eq!(shown.matches(" open=\"\">").count(), 1);
    let fold = shown.split(" open=\"\">").nth(1).unwrap();
    assert!(fold.split("</details>").next().unwrap().contains("id=\"unit-2-1-3\""));

    // Another script, which the policy would forbid, clicks on a header: once, twice and three times.
    let policy = between(page, "<meta http-equiv=", ">");
    let clicking = "<script>const found = []; const table = document.querySelector('#table-2 table');\
        const header = table.tHead.rows[0].cells[2];\
        for (let click = 0; click < 3; click++) { header.firstElementChild.click();\
          const shown = Array.from(table.tBodies[0].rows).filter((row) => getComputedStyle(row).display !== 'none');\
          found.push(header.getAttribute('aria-sort') + ':' + shown.map((row) => row.cells[2]?.textContent ?? '').join(','));\
        } document.title = found.join('|');</script></body>";
    let page = page.replace(policy, "\"none\" ").replace("</body>", clicking);
    let shown = in_browser(&page, "", 1280).unwrap();
    let title = between(&shown, "<title>", "</title>");
    let orders: Vec<(&str, Vec<&str>)> = title
        .split('|')
        .map(|order| order.split_once(':').map(|(sort, cells)| (sort, cells.split(',').collect())).unwrap())
        .collect();
    let mean = |cell: &&str| cell.split(' ').next().unwrap().parse::<f64>().unwrap();
    let means = |cells: &[&str]| cells.iter().map(mean).collect::<Vec<f64>>();
    let [(first, up), (second, down), (third, before)] = orders.as_slice() else { panic!("{title}") };
    assert_eq!((*first, *second, *third), ("ascending", "descending", "null"));
    assert!(means(up).is_sorted() && means(down).iter().rev().is_sorted(), "{title}");
    assert_eq!(up.len(), 3, "every row");
    assert_eq!(before.len(), 3, "as they were");
}

/// A page that measures itself. Headless browsers have windows of at least 500 pixels, so that a phone is a frame of 390 in one.
#[test]
fn on_a_phone_nothing_is_wider_than_the_screen_but_what_says_that_it_scrolls() {
    let (_folder, files) = written(&small(), &provenance("a"));
    let page = files["report.html"].replace("<details", "<details open=\"\"");
    let policy = between(&page, "<meta http-equiv=", ">");
    let page = page.replace(policy, "\"none\" ").replace('&', "&amp;").replace('"', "&quot;");
    let measuring = "<script>const frame = document.querySelector('iframe'); frame.addEventListener('load', () => {\
        const inner = frame.contentDocument; const wide = Array.from(inner.querySelectorAll('.scroll, .drawing'));\
        const scrolls = wide.filter((one) => one.scrollWidth > one.clientWidth + 1);\
        const says = scrolls.filter((one) => frame.contentWindow.getComputedStyle(one, '::before').display === 'block');\
        document.title = [inner.documentElement.scrollWidth, wide.length, scrolls.length, says.length].join('|'); });</script>";
    let frame = format!(
        "<!DOCTYPE html><title></title><iframe width=\"390\" height=\"800\" srcdoc=\"{page}\"></iframe>{measuring}"
    );
    let Some(shown) = in_browser(&frame, "", 1280) else {
        println!("skipped: no browser is installed (Debian: chromium)");
        return;
    };
    let measured: Vec<usize> =
        between(&shown, "<title>", "</title>").split('|').map(|one| one.parse().unwrap()).collect();
    let [width, all, scrolls, says] = measured[..] else { panic!("{measured:?}") };
    assert!(width <= 390, "the page itself does not scroll sideways: {width}");
    assert!(all > 20 && scrolls > 5, "tables and figures are there: {all}, {scrolls}");
    assert_eq!(scrolls, says, "whatever scrolls says so");
}
