//! Single units: a table of all, and each one's learning curve, small, beside the others of its configuration.

use std::collections::BTreeSet;

use super::{results, stage_input::Part, untrained_and_stuck};
use crate::{
    aggregate::{
        UnitReport,
        report_json::{ConfigurationReport, EvaluationReport, StageReport},
    },
    report::{
        document::{Block, Cell, Curve, Field, Kind, Section, Table, Tone},
        figure,
        numbers::{NONE, count, rate, whole},
        shown_and_best_rows,
    },
    scheduler::unit_state::UnitState,
};

/// Most rows of a stage's table of units.
const ROWS_MAX: usize = 5_000;

fn id(part: &Part<'_>, row: &ConfigurationReport, place: usize) -> String {
    format!("unit-{}-{}-{}", part.number, row.number, place + 1)
}

/// Every unit's numbers, with a link to its curve.
pub(super) fn table(part: &Part<'_>) -> Vec<Block> {
    if !part.drawings {
        return Vec::new();
    }
    let stage = part.stage;
    let mut units: Vec<Of<'_>> = Vec::new();
    for row in &stage.configurations {
        let mut with_curve = part.drawn(row).map(|(place, _)| place).peekable();
        let of_row = part.units(row).iter().enumerate().take(ROWS_MAX - units.len());
        units.extend(
            of_row.map(|(place, unit)| (row, unit, with_curve.next_if_eq(&place).map(|place| id(part, row, place)))),
        );
    }
    let mut fields = results::named(stage, |(row, ..): &Of<'_>| row);
    if shown_and_best_rows::has_several_draws(stage) {
        fields.push(Field::number("Data seed", |(_, unit, _): &Of<'_>| unit.data_seed.to_string()));
    }
    let or_none = |value: Option<String>| value.unwrap_or_else(|| NONE.to_owned());
    let converged = move |(row, unit, _): &Of<'_>| {
        or_none(unit.converged.map(|converged| untrained_and_stuck::converged(row, converged, unit)))
    };
    let curve = |(.., id): &Of<'_>| Cell { link: id.clone(), ..id.as_ref().map_or(NONE, |_| "show").into() };
    fields.extend([
        Field::number("Seed", |(_, unit, _): &Of<'_>| unit.seed.to_string()),
        Field::number("Fold", move |(_, unit, _): &Of<'_>| or_none(unit.fold.map(|fold| fold.to_string()))),
        Field::number("Ending", |(_, unit, _): &Of<'_>| unit.ending.name()),
        Field::number("Error", |(_, unit, _): &Of<'_>| rate(unit.error)),
        Field::number("Epochs", move |(_, unit, _): &Of<'_>| or_none(unit.epochs.map(|epochs| epochs.to_string()))),
        Field::number("Converged", converged),
        Field::number("Last training loss", |(_, unit, _): &Of<'_>| rate(unit.train_loss)),
        Field::number("Curve", curve),
    ]);
    let mut table = Table::new(Kind::Units, &stage.name, &fields, &units);
    table
        .rows
        .iter_mut()
        .zip(&units)
        .for_each(|(line, (row, ..))| line.selected = shown_and_best_rows::is_selected(stage, row));
    let all: usize = stage.configurations.iter().map(|row| row.counts.planned).sum();
    let remark = || format!("The first {} of {}; units.csv has all.", whole(units.len()), whole(all));
    table.remarks.extend((all > units.len()).then(remark));
    vec![Block::Table(table)]
}

/// A unit with its configuration, and the id of its curve.
type Of<'a> = (&'a ConfigurationReport, &'a UnitReport, Option<String>);

/// Every unit's learning curve: folded, one fold a configuration, in a fold of its model's where there are many.
pub(super) fn curves(part: &Part<'_>) -> Vec<Block> {
    if !part.drawings {
        return Vec::new();
    }
    if part.drawn == 0 {
        let text = "The study has too many configurations for a learning curve of each unit: epochs.csv has all.";
        return vec![Block::Text(Tone::Plain, text.to_owned())];
    }
    let stage = part.stage;
    let validation = match stage.evaluation {
        EvaluationReport::Holdout => "",
        EvaluationReport::Folds(_) => "; black: validation error",
    };
    let text = format!(
        "By epoch, each configuration on its own scale, a tip at the upper edge where a line goes on above. Blue: training loss; orange, dashed: \
         training error{validation}. Numbers: epochs.csv."
    );
    let mut blocks = vec![Block::Text(Tone::Fine, text)];
    let shown: BTreeSet<usize> = shown_and_best_rows::in_tables(stage).iter().map(|row| row.number).collect();
    let all = stage.configurations.len();
    if shown.len() < all {
        let text = format!("The {} best of {}; epochs.csv has all.", whole(shown.len()), count(all, "configuration"));
        blocks.push(Block::Text(Tone::Plain, text));
    }
    for (index, facet) in shown_and_best_rows::facets(stage).into_iter().enumerate() {
        let rows = facet.members.iter().map(|&member| &stage.configurations[member]);
        let of_model = rows.filter(|row| shown.contains(&row.number)).map(|row| configuration(part, row).into());
        if !shown_and_best_rows::crowded(stage) {
            blocks.extend(of_model);
            continue;
        }
        let title = format!("{}: {}", facet.title, count(facet.members.len(), "configuration"));
        let id = format!("curves-of-model-{}-{index}", part.number);
        blocks.push(Section::new(id, title, of_model.collect()).folded().unlisted().into());
    }
    blocks
}

fn configuration(part: &Part<'_>, row: &ConfigurationReport) -> Section {
    let error = match row.error.spread.mean {
        Some(_) => format!(", mean error {}", rate(row.error.spread.mean)),
        None if row.diverged() => format!(", {} diverged", whole(row.counts.diverged)),
        None => String::new(),
    };
    let scale = figure::Scale::from_units(part.units(row));
    let curve = |(place, unit): (usize, &UnitReport)| Curve {
        id: id(part, row, place),
        caption: caption(part.stage, unit),
        svg: scale.svg(&unit.history),
    };
    let shown: Vec<Curve> = part.drawn(row).map(curve).collect();
    let (missing, trained, all) = (row.counts.planned - shown.len(), row.n + row.counts.diverged, row.counts.planned);
    let remark = match (missing, trained > shown.len()) {
        (0, _) => None,
        (_, true) => {
            Some(format!("The first {} of {} with a result: epochs.csv has all.", whole(shown.len()), whole(trained)))
        }
        (missing, false) => Some(format!("{} of {} without a result.", whole(missing), whole(all))),
    };
    let title = format!("{}: {}{error}", shown_and_best_rows::marked(part.stage, row.number), count(all, "unit"));
    let blocks = [Block::Curves(shown)].into_iter().chain(remark.map(|text| Block::Text(Tone::Plain, text)));
    Section::new(format!("curves-of-{}-{}", part.number, row.number), title, blocks.collect()).folded().unlisted()
}

fn caption(stage: &StageReport, unit: &UnitReport) -> String {
    let place = shown_and_best_rows::place(stage, unit);
    let epochs = count(unit.epochs.unwrap_or_default() as usize, "epoch");
    match unit.ending {
        UnitState::Diverged => format!("{place}: diverged after {epochs}"),
        _ => format!("{place}: error {}, {epochs}", rate(unit.error)),
    }
}
