//! Tables that a reader may sort.

use std::fmt::Write as _;

use super::escape;

/// Begins a table with these headers, each being HTML.
pub(in super::super) fn begin<'a>(page: &mut String, attributes: &str, headers: impl IntoIterator<Item = &'a str>) {
    let _ = write!(page, "<div class=\"scroll\"><table class=\"sortable\"{attributes}>\n<thead><tr>");
    for header in headers {
        let _ = write!(page, "<th scope=\"col\">{header}</th>");
    }
    page.push_str("</tr></thead>\n<tbody>\n");
}

/// Ends what [`begin`] began.
pub(in super::super) fn end(page: &mut String) {
    page.push_str("</tbody>\n</table></div>\n");
}

/// A row of a name, which is HTML, and numbers or words.
pub(in super::super) fn row(page: &mut String, name: &str, cells: &[String]) {
    let _ = write!(page, "<tr><th scope=\"row\">{name}</th>");
    for cell in cells {
        let _ = write!(page, "<td>{}</td>", escape(cell));
    }
    page.push_str("</tr>\n");
}

/// What the columns mean, and what must be known about single rows.
pub(super) fn explained(page: &mut String, columns: &str, remarks: &[String]) {
    let _ = writeln!(page, "<p class=\"columns\">{}</p>", escape(columns));
    if !remarks.is_empty() {
        page.push_str("<div class=\"notice remark\">\n");
        for remark in remarks {
            let _ = writeln!(page, "<p>{}</p>", escape(remark));
        }
        page.push_str("</div>\n");
    }
}
