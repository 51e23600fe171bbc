//! A report as data: sections of texts, tables and figures. The renderers write it as HTML, Markdown, LaTeX and text.

use super::figure::Drawing;

/// A whole report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    /// The study's name.
    pub(crate) study: String,
    /// The data set's title.
    pub(crate) data: String,
    /// The task in one sentence: the inputs and the prediction.
    pub(crate) task: String,
    /// How many units are done.
    pub(crate) progress: String,
    /// The data set's digest.
    pub(crate) digest: String,
    /// About the study as a whole.
    pub(crate) notices: Vec<Notice>,
    /// The answer, the stages from the last to the first with tuning after the others, then what the study is made of.
    pub(crate) sections: Vec<Section>,
}

impl Document {
    /// "table3 on MNIST pairs".
    pub(crate) fn title(&self) -> String {
        format!("{} on {}", self.study, self.data)
    }

    /// Every figure that becomes a file.
    pub(crate) fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.blocks().filter_map(|block| if let Block::Figure(figure) = block { Some(figure) } else { None })
    }

    /// Every table.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.blocks().filter_map(|block| if let Block::Table(table) = block { Some(table) } else { None })
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.sections.iter().flat_map(Section::all)
    }
}

/// A part under a heading.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Section {
    /// Unique: links lead here.
    pub(crate) id: String,
    pub(crate) title: String,
    /// Opens on demand.
    pub(crate) folded: bool,
    /// In the table of contents.
    pub(crate) listed: bool,
    pub(crate) blocks: Vec<Block>,
}

impl Section {
    pub(crate) fn new(id: impl Into<String>, title: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { id: id.into(), title: title.into(), folded: false, listed: true, blocks }
    }

    pub(crate) fn folded(self) -> Self {
        Self { folded: true, ..self }
    }

    pub(crate) fn unlisted(self) -> Self {
        Self { listed: false, ..self }
    }

    /// Every block, also those in inner sections, in order.
    pub(crate) fn all(&self) -> Vec<&Block> {
        let mut all = Vec::new();
        for block in &self.blocks {
            match block {
                Block::Section(inner) => all.extend(inner.all()),
                other => all.push(other),
            }
        }
        all
    }
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Block {
    Text(Tone, String),
    Notices(Vec<Notice>),
    Table(Table),
    Figure(Figure),
    /// Learning curves of single units, in pages alone.
    Curves(Vec<Curve>),
    /// Words and what they mean.
    Meanings(&'static [(&'static str, &'static str)]),
    Section(Section),
}

impl From<Section> for Block {
    fn from(section: Section) -> Self {
        Self::Section(section)
    }
}

/// How a text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    /// Of the answer: also on terminals.
    Answer,
    /// A stage's best configuration.
    Strong,
    /// A remark below a table or figure.
    Fine,
    /// On terminals alone, where tables are short.
    Terminal,
}

/// A remark that a reader must know before trusting a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) weight: Weight,
    pub(crate) text: String,
}

impl Notice {
    pub(crate) fn new(weight: Weight, text: impl Into<String>) -> Self {
        Self { weight, text: text.into() }
    }
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Results are missing.
    Incomplete,
    /// Results are left out of means.
    LeftOut,
    /// Results that show no learning are in means.
    Doubtful,
    /// Worth knowing.
    Remark,
}

impl Weight {
    /// From what matters most.
    pub(crate) const ALL: [Self; 4] = [Self::Incomplete, Self::LeftOut, Self::Doubtful, Self::Remark];

    /// The word before the text.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Incomplete => "Incomplete",
            Self::LeftOut => "Left out",
            Self::Doubtful => "Doubtful",
            Self::Remark => "Note",
        }
    }
}

/// The subject of a table: some renderers show only some kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A stage's configurations: the one table on terminals.
    Results,
    /// Other numbers of configurations, and pairs of them.
    Other,
    /// Configurations next to references, whose remarks stand on terminals.
    References,
    /// Single units, in pages alone.
    Units,
    /// A network's layers, which have an order of their own.
    Layers,
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) kind: Kind,
    /// Of a stage, or of a model.
    pub(crate) of: String,
    /// Of its LaTeX file and label; None: LaTeX has no such table.
    pub(crate) label: Option<Label>,
    /// The beginning of its caption in LaTeX.
    pub(crate) caption: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
    /// The meaning of its columns, in sentences; may be empty.
    pub(crate) notes: String,
    /// Notes about single rows.
    pub(crate) remarks: Vec<String>,
    /// Which rows short forms show, in a sentence; None where they show all.
    pub(crate) left_out: Option<String>,
}

/// The LaTeX file and label of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// Without its ending: "comparisons-final".
    pub(crate) file: String,
    /// "tab:comparisons:final".
    pub(crate) label: String,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) title: String,
    pub(crate) holds: Holds,
    /// On terminals, the column of the highest rank goes first where there is no room; 0 stays.
    pub(crate) rank: u8,
}

/// The kind of a column's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// The subject of a row.
    Names,
    /// The value of a setting; terminals show a row's variant instead.
    Settings,
    Numbers,
    Words,
}

impl Column {
    /// Whether its cells are texts.
    pub(crate) fn is_words(&self) -> bool {
        matches!(self.holds, Holds::Words | Holds::Names)
    }
}

/// A column with the cell that each subject of a row has in it.
pub(crate) struct Field<'a, T: ?Sized> {
    column: Column,
    cell: Box<dyn Fn(&T) -> Cell + 'a>,
}

impl<'a, T: ?Sized> Field<'a, T> {
    pub(crate) fn new<C: Into<Cell>>(holds: Holds, title: impl Into<String>, cell: impl Fn(&T) -> C + 'a) -> Self {
        Self {
            column: Column { title: title.into(), holds, rank: 0 },
            cell: Box::new(move |subject| cell(subject).into()),
        }
    }

    pub(crate) fn name<C: Into<Cell>>(title: impl Into<String>, cell: impl Fn(&T) -> C + 'a) -> Self {
        Self::new(Holds::Names, title, cell)
    }

    pub(crate) fn number<C: Into<Cell>>(title: impl Into<String>, cell: impl Fn(&T) -> C + 'a) -> Self {
        Self::new(Holds::Numbers, title, cell)
    }

    pub(crate) fn words<C: Into<Cell>>(title: impl Into<String>, cell: impl Fn(&T) -> C + 'a) -> Self {
        Self::new(Holds::Words, title, cell)
    }

    /// On terminals, the column of the highest rank goes first.
    pub(crate) fn rank(mut self, rank: u8) -> Self {
        self.column.rank = rank;
        self
    }
}

impl Table {
    /// A row for each subject, without texts around them.
    pub(crate) fn new<'t, T: 't>(
        kind: Kind,
        of: &str,
        fields: &[Field<'_, T>],
        subjects: impl IntoIterator<Item = &'t T>,
    ) -> Self {
        let cells = |subject| fields.iter().map(|field| (field.cell)(subject)).collect();
        Self {
            kind,
            of: of.to_owned(),
            label: None,
            caption: String::new(),
            columns: fields.iter().map(|field| field.column.clone()).collect(),
            rows: subjects.into_iter().map(|subject| Row { cells: cells(subject), ..Row::default() }).collect(),
            notes: String::new(),
            remarks: Vec::new(),
            left_out: None,
        }
    }
}

/// A row of a table: a cell for each column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    /// The settings that distinguish configurations of one name, in place of the cells of settings.
    pub(crate) variant: String,
    /// Selected for later stages.
    pub(crate) selected: bool,
    /// The lowest mean error.
    pub(crate) best: bool,
    /// Left out of short forms.
    pub(crate) long: bool,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// The id of what it leads to.
    pub(crate) link: Option<String>,
    /// Something is amiss.
    pub(crate) alert: bool,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), link: None, alert: false }
    }
}

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    /// Its files' name without its ending: "roc-final".
    pub(crate) file: String,
    pub(crate) title: String,
    pub(crate) caption: String,
    pub(crate) drawing: Drawing,
}

/// A unit's learning curve.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    pub(crate) id: String,
    pub(crate) caption: String,
    /// A small drawing as SVG.
    pub(crate) svg: String,
}
