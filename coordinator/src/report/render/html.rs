//! report.html: one file that needs no other, for a screen and for paper.
//!
//! Everything is in the page as it is written; its script only sorts tables, shows what scrolls and opens what a link leads to. The page is
//! XML too, but for its first line and its meta elements, so that a test can read it strictly.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::report::{
    document::{Block, Cell, Column, Curve, Document, Figure, Kind, Notice, Row, Section, Table, Tone, Weight},
    figure::Text,
};

const STYLE: &str = concat!("\n", include_str!("page.css"));
const SCRIPT: &str = concat!("\n", include_str!("page.js"));

/// Figures that are wider than this do not shrink to a phone's width: they scroll.
const SHRINKS_MAX: f64 = 520.0;

/// The whole page.
pub(in crate::report) fn page(document: &Document) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (Text(&document.title())) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (Text(&document.study)) " " small { "on " (Text(&document.data)) } }
                    p.lead { (Text(&document.task)) }
                    p.lead { (Text(&document.progress)) }
                    (notices(&document.notices))
                    @for (index, part) in document.sections.iter().enumerate() {
                        (section(part, 2)) "\n"
                        // The answer stands before everything.
                        @if index == 0 { (contents(document)) }
                    }
                    footer {
                        p {
                            "Data set digest " code { (Text(&document.digest)) } ". The numbers with every digit are in report.json and the CSV "
                            "files beside this page: every unit in " a href="units.csv" { "units.csv" } ", its epochs in "
                            a href="epochs.csv" { "epochs.csv" } ". Each figure is there as SVG and PNG, each table as LaTeX. "
                            a href="attempts.csv" { "attempts.csv" } " has the worker, the machine and the time of each attempt, provenance.json "
                            "the workers and versions."
                        }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string() + "\n"
}

/// The browser may load only the page's own style and script.
fn policy() -> String {
    let hash = |text: &str| BASE64.encode(Sha256::digest(text.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'", hash(STYLE), hash(SCRIPT))
}

/// The table of contents: each section with its listed parts.
fn contents(document: &Document) -> Markup {
    html! {
        nav aria-labelledby="contents" {
            h2 #contents { "Contents" }
            ul {
                @for part in &document.sections {
                    li {
                        a href={ "#" (part.id) } { (Text(&part.title)) }
                        @let inner = listed(part);
                        @if !inner.is_empty() {
                            ul { @for one in inner { li { a href={ "#" (one.id) } { (Text(&one.title)) } } } }
                        }
                    }
                }
            }
        }
    }
}

fn listed(part: &Section) -> Vec<&Section> {
    let inner =
        part.blocks.iter().filter_map(|block| if let Block::Section(inner) = block { Some(inner) } else { None });
    inner.flat_map(|inner| inner.listed.then_some(inner).into_iter().chain(listed(inner))).collect()
}

fn section(part: &Section, level: usize) -> Markup {
    let content = html! { @for block in grouped(&part.blocks) { (block) "\n" } };
    html! {
        @if part.folded {
            details #(part.id) { summary { (Text(&part.title)) } (content) }
        } @else {
            section #(part.id) {
                @match level {
                    2 => h2 { (Text(&part.title)) },
                    3 => h3 { (Text(&part.title)) },
                    _ => h4 { (Text(&part.title)) },
                }
                (content)
            }
        }
    }
}

/// The blocks of a section; figures that are narrow stand side by side.
fn grouped(blocks: &[Block]) -> Vec<Markup> {
    let is_narrow = |block: &Block| matches!(block, Block::Figure(figure) if !is_wide(figure));
    let groups = blocks.chunk_by(|a, b| is_narrow(a) && is_narrow(b));
    let group = |blocks: &[Block]| match blocks {
        [one] => block(one),
        many => html! { div.pair { @for one in many { (block(one)) } } },
    };
    groups.map(group).collect()
}

fn block(block: &Block) -> Markup {
    match block {
        Block::Text(Tone::Terminal, _) => html! {},
        Block::Text(Tone::Plain, text) => html! { p { (Text(text)) } },
        Block::Text(Tone::Answer | Tone::Strong, text) => html! { p.best { (Text(text)) } },
        Block::Text(Tone::Fine, text) => html! { p.columns { (Text(text)) } },
        Block::Notices(all) => notices(all),
        Block::Table(one) => table(one),
        Block::Figure(one) => figure(one),
        Block::Curves(all) => html! { div.curves { @for one in all { (curve(one)) } } },
        Block::Meanings(all) => html! { dl { @for (word, text) in *all { dt { (word) } dd { (text) } } } },
        Block::Section(inner) => section(inner, 3),
    }
}

fn notices(notices: &[Notice]) -> Markup {
    let class = |weight: Weight| match weight {
        Weight::Incomplete => "notice incomplete",
        Weight::LeftOut => "notice left-out",
        Weight::Doubtful => "notice doubtful",
        Weight::Remark => "notice remark",
    };
    html! {
        @for weight in Weight::ALL {
            @let of_weight: Vec<&Notice> = notices.iter().filter(|notice| notice.weight == weight).collect();
            @if !of_weight.is_empty() {
                div class=(class(weight)) {
                    @for notice in of_weight { p { strong { (weight.word()) "." } " " (Text(&notice.text)) } }
                }
            }
        }
    }
}

fn table(table: &Table) -> Markup {
    let class = if table.kind == Kind::Layers { "layers" } else { "sortable" };
    let selects = table.kind == Kind::Results && table.rows.iter().any(|row| row.selected);
    html! {
        div.scroll tabindex="0" {
            table class=(class) {
                thead { tr { @for column in &table.columns { th scope="col" class=[column.is_words().then_some("words")] { (Text(&column.title)) } } } }
                tbody { @for line in &table.rows { (row(table, line)) "\n" } }
            }
        }
        @if !table.notes.is_empty() {
            p.columns { (Text(&table.notes)) @if selects { " Selected: what later stages start from." } }
        }
        @if !table.remarks.is_empty() {
            div.notice.remark { @for remark in &table.remarks { p { (Text(remark)) } } }
        }
    }
}

fn row(table: &Table, row: &Row) -> Markup {
    let begins_part = table.kind == Kind::Layers && row.cells.first().is_some_and(|cell| !cell.text.is_empty());
    let classes = [(row.best, "lowest"), (row.selected, "chosen"), (begins_part, "part")];
    let cell_classes =
        |cell: &Cell, column: &Column| classes_of(&[(column.is_words(), "words"), (cell.alert, "short")]);
    html! {
        tr class=[classes_of(&classes)] {
            @for (index, (cell, column)) in row.cells.iter().zip(&table.columns).enumerate() {
                @if index == 0 {
                    th scope="row" { (text(cell)) @if row.selected { " " span.selected { "selected" } } }
                } @else {
                    td class=[cell_classes(cell, column)] { (text(cell)) }
                }
            }
        }
    }
}

/// The classes that apply; None without any.
fn classes_of(classes: &[(bool, &str)]) -> Option<String> {
    let all: Vec<&str> = classes.iter().filter(|(applies, _)| *applies).map(|(_, class)| *class).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

fn text(cell: &Cell) -> Markup {
    match &cell.link {
        Some(id) => html! { a href={ "#" (id) } { (Text(&cell.text)) } },
        None => html! { (Text(&cell.text)) },
    }
}

fn is_wide(figure: &Figure) -> bool {
    figure.drawing.width() > SHRINKS_MAX
}

fn figure(figure: &Figure) -> Markup {
    html! {
        figure class=[is_wide(figure).then_some("wide")] {
            div.drawing tabindex="0" { (PreEscaped(figure.drawing.document(&figure.title, 1.0))) }
            figcaption { b { (figure.title) "." } " " (Text(&figure.caption)) }
        }
    }
}

fn curve(curve: &Curve) -> Markup {
    html! { figure #(curve.id) { (PreEscaped(&curve.svg)) figcaption { (Text(&curve.caption)) } } }
}
