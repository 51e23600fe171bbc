//! The table that a run ends with.

use seedgrid_common::terminal::lines;

use crate::report::{
    document::{Block, Document, Holds, Kind, Notice, Row, Section, Table, Tone},
    text_table,
};

/// A report as plain text of so many columns: the answer, then for each stage a table and what must be known about it. A stage of many
/// configurations shows each model's best.
pub(in crate::report) fn text(document: &Document, width: usize) -> String {
    let mut text = Text { text: String::new(), width };
    text.paragraph("", &format!("{}. {}", document.title(), document.task));
    text.paragraph("", &document.progress);
    document.notices.iter().for_each(|notice| text.notice("", notice));
    document.sections.iter().for_each(|part| text.section(part));
    text.text
}

struct Text {
    text: String,
    width: usize,
}

impl Text {
    fn section(&mut self, part: &Section) {
        let results = |block: &Block| matches!(block, Block::Table(table) if table.kind == Kind::Results);
        // Tables come before what is to be known about them.
        let (tables, others): (Vec<&Block>, Vec<&Block>) = part.all().into_iter().partition(|block| results(block));
        tables.into_iter().chain(others).for_each(|block| self.block(block));
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Text(Tone::Answer, text) => self.paragraph("", text),
            Block::Text(Tone::Terminal, text) => self.paragraph("  ", text),
            Block::Notices(notices) => notices.iter().for_each(|notice| self.notice("  ", notice)),
            Block::Table(table) if table.kind == Kind::Results => self.results(table),
            Block::Table(table) if table.kind == Kind::References => {
                table.remarks.iter().for_each(|remark| self.paragraph("  ", remark));
            }
            Block::Text(..)
            | Block::Table(_)
            | Block::Figure(_)
            | Block::Curves(_)
            | Block::Meanings(_)
            | Block::Section(_) => {}
        }
    }

    /// A stage's configurations, without the columns of settings: a row's variant stands below its model's name. A star marks what was selected.
    fn results(&mut self, table: &Table) {
        let shown: Vec<usize> =
            (1..table.columns.len()).filter(|&one| table.columns[one].holds != Holds::Settings).collect();
        let numbers =
            shown.iter().map(|&one| text_table::Column::right(&table.columns[one].title).rank(table.columns[one].rank));
        let columns: Vec<text_table::Column> =
            [text_table::Column::text(&table.of)].into_iter().chain(numbers).collect();
        let mut content = text_table::Table::new(columns);
        let mut rows: Vec<&Row> = table.rows.iter().filter(|row| !row.long).collect();
        let models: Vec<&str> = table.rows.iter().map(|row| row.cells[0].text.as_str()).collect();
        // Each model's rows together.
        rows.sort_by_key(|row| models.iter().position(|model| *model == row.cells[0].text));
        let mut above = None;
        for row in rows {
            let model = row.cells[0].text.as_str();
            if !row.variant.is_empty() && above.replace(model) != Some(model) {
                content.span(model);
            }
            let name = match (row.variant.as_str(), row.selected) {
                ("", false) => model.to_owned(),
                ("", true) => format!("{model} *"),
                (variant, false) => format!("  {variant}"),
                (variant, true) => format!("* {variant}"),
            };
            let numbers = shown.iter().map(|&one| row.cells[one].text.clone());
            content.row(std::iter::once(name).chain(numbers).collect::<Vec<_>>());
        }
        self.text.push('\n');
        self.text += &content.render(self.width);
        if table.rows.iter().any(|row| row.selected) {
            self.paragraph("  ", "* selected for later stages");
        }
        if let Some(left_out) = &table.left_out {
            self.paragraph("  ", left_out);
        }
    }

    fn notice(&mut self, indent: &str, notice: &Notice) {
        self.paragraph(indent, &format!("{}: {}", notice.weight.word(), notice.text));
    }

    fn paragraph(&mut self, indent: &str, words: &str) {
        for line in lines(&format!("{indent}{words}"), self.width) {
            self.text.push_str(&line);
            self.text.push('\n');
        }
    }
}
