//! Block diagrams of the networks, drawn from the models' own data.

use seedgrid_common::{
    model::{Digits, Input},
    unit::Value,
};

use super::{
    drawing::{Anchor, Color, Drawing, Point, Stroke, text_width},
    facets::wrap,
    style::{self, INK, SOFT, TEXT},
};
use crate::{
    layers::{Part, Row, shape},
    report::{networks::Trained, numbers::whole},
};

const LINE: f64 = 14.0;
const PADDING: f64 = 7.0;
const ARROW: f64 = 20.0;
/// Below a block: the shape of what it gives.
const SHAPE: f64 = 17.0;
/// Between the two towers, and between the heads.
const LANES: f64 = 22.0;
const HEADS: f64 = 8.0;
const MARGIN: f64 = 12.0;
/// Characters of a line of settings.
const SETTINGS: usize = 140;

const PLAIN: Color = Color(0xf2, 0xf4, 0xf7);
const COMPARING: Color = Color(0xdc, 0xeb, 0xf7);
const NAMING: Color = Color(0xfb, 0xec, 0xdc);
const RIM: Stroke = Stroke::solid(SOFT, 1.0);
const FLOW: Stroke = Stroke::solid(INK, 1.2);
const SAME: Stroke = Stroke { color: SOFT, width: 1.2, dashes: &[4.0, 3.0], opacity: 1.0 };
const SMALL: f64 = TEXT - 1.0;

/// A box with lines of text.
struct Block {
    lines: Vec<(String, Color)>,
    fill: Color,
    /// What flows out of it.
    shape: String,
}

impl Block {
    fn of(row: &Row, fill: Color, copy: bool) -> Self {
        // Narrow: a word, then its sizes below it.
        let steps = row.steps.iter().map(|step| step.replacen("Linear ", "Linear, ", 1));
        let lines = steps.flat_map(|step| step.split(", ").map(str::to_owned).collect::<Vec<_>>());
        let mut lines: Vec<(String, Color)> = lines.map(|line| (line, INK)).collect();
        let weights = if copy { "same weights".to_owned() } else { format!("{} weights", whole(row.weights)) };
        lines.push((weights, SOFT));
        Self { lines, fill, shape: signed(&row.shape()) }
    }

    /// What is not a layer: black words, then grey ones.
    fn words(black: &[&str], grey: &[&str], fill: Color) -> Self {
        let black = black.iter().map(|line| ((*line).to_owned(), INK));
        let grey = grey.iter().map(|line| ((*line).to_owned(), SOFT));
        Self { lines: black.chain(grey).collect(), fill, shape: String::new() }
    }

    fn width(&self) -> f64 {
        let texts = self.lines.iter().map(|(line, _)| line).chain([&self.shape]);
        texts.map(|text| text_width(text, SMALL)).fold(0.0, f64::max) + 2.0 * PADDING
    }

    fn height(&self) -> f64 {
        LINE * self.lines.len() as f64 + 2.0 * PADDING - 4.0
    }

    /// Draws it with its left edge's middle at a place, at least as wide and high as `room`; gives where its right edge's middle is.
    fn draw(&self, drawing: &mut Drawing, (x, y): Point, room: (f64, f64)) -> Point {
        let size = (self.width().max(room.0), self.height().max(room.1));
        let top = y - size.1 / 2.0;
        drawing.framed((x, top), size, self.fill, RIM);
        let middle = x + size.0 / 2.0;
        let first = y - LINE * self.lines.len() as f64 / 2.0 + 10.5;
        for (index, (line, color)) in self.lines.iter().enumerate() {
            let font = style::font(SMALL, *color, Anchor::Middle);
            drawing.text((middle, first + LINE * index as f64), line, font);
        }
        let below = top + size.1 + 12.5;
        drawing.text((middle, below), &self.shape, style::font(SMALL, INK, Anchor::Middle));
        (x + size.0, y)
    }
}

/// One diagram a model, one below the other; None where there is none.
pub(in crate::report) fn networks(trained: &[Trained<'_>]) -> Option<Drawing> {
    let diagrams: Vec<Drawing> = trained.iter().map(diagram).collect();
    let width = diagrams.iter().map(|diagram| diagram.width).reduce(f64::max)?;
    let mut whole = Drawing::new(width, diagrams.iter().map(|diagram| diagram.height).sum());
    let mut top = 0.0;
    for diagram in &diagrams {
        whole.place((0.0, top), diagram);
        top += diagram.height;
    }
    Some(whole)
}

/// A model's name and settings above its blocks.
fn diagram(trained: &Trained<'_>) -> Drawing {
    let blocks = blocks(trained);
    let given: Vec<String> =
        trained.row.hyperparameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let settings = wrap(&format!("{}: {}", trained.which, given.join(" ")), SETTINGS);
    let texts = settings.iter().map(|line| 0.9 * text_width(line, SMALL));
    let above = 26.0 + LINE * settings.len() as f64 + 6.0;
    let width = texts.fold(blocks.width, f64::max) + 2.0 * MARGIN;
    let mut drawing = Drawing::new(width, above + blocks.height + 22.0);
    let title = format!("{}: {} weights", trained.model.title, whole(trained.network.parameter_count()));
    drawing.text((MARGIN, 18.0), &title, style::bold(TEXT + 1.0, Anchor::Start));
    for (index, line) in settings.iter().enumerate() {
        let at = (MARGIN, 34.0 + LINE * index as f64);
        drawing.text(at, line, style::font(SMALL, SOFT, Anchor::Start));
    }
    drawing.place((MARGIN, above), &blocks);
    drawing
}

/// What the tower's end is read by: a head of its own or nothing, then what comes out.
struct Reader {
    head: Vec<Block>,
    output: Block,
    /// Which of the towers it reads; both: None.
    tower: Option<usize>,
}

fn blocks(trained: &Trained<'_>) -> Drawing {
    let part = |name: &str| trained.parts.iter().find(|part| part.name == name);
    let copies = part("tower").map_or(1, |part| part.copies);
    let towers: Vec<Vec<Block>> =
        (0..copies).map(|copy| part("tower").map_or_else(Vec::new, |part| of_part(part, PLAIN, copy > 0))).collect();
    let inputs: Vec<Block> = match trained.network.input {
        Input::Both => vec![input(trained, ["both", "images"])],
        Input::Each => ["first", "second"].map(|which| input(trained, [which, "image"])).into(),
    };
    let readers = readers(trained);

    let height_of = |blocks: &[Block]| blocks.iter().map(Block::height).fold(0.0, f64::max);
    let lane = towers.iter().map(|tower| height_of(tower)).fold(0.0, f64::max);
    let lanes = lane * copies as f64 + (SHAPE + LANES) * (copies - 1) as f64;
    let row =
        readers.iter().map(|one| height_of(&one.head).max(one.output.height()) + SHAPE).fold(0.0, f64::max) + HEADS;
    let height = lanes.max(row * readers.len() as f64 - HEADS - SHAPE);
    let lane_y = |copy: usize| (height - lanes) / 2.0 + lane / 2.0 + (lane + SHAPE + LANES) * copy as f64;
    // Two towers' digits are read beside them, the comparison between them; heads of one tower stand one below the other.
    let reader_y = |index: usize| match readers[index].tower {
        Some(copy) => lane_y(copy),
        None => height / 2.0 + row * (index as f64 - (readers.len() - 1) as f64 / 2.0),
    };

    let widest = |blocks: &mut dyn Iterator<Item = &Block>| blocks.map(Block::width).fold(0.0, f64::max);
    let input_width = widest(&mut inputs.iter());
    let mut drawing = Drawing::new(0.0, height + SHAPE);
    let mut ends = Vec::new();
    for (copy, (input, tower)) in inputs.iter().zip(&towers).enumerate() {
        let mut end = input.draw(&mut drawing, (0.0, lane_y(copy)), (input_width, 0.0));
        for (place, block) in tower.iter().enumerate() {
            let width = widest(&mut towers.iter().filter_map(|tower| tower.get(place)));
            let begin = (end.0 + ARROW, end.1);
            arrow(&mut drawing, &[end, begin]);
            if copy > 0 {
                same(&mut drawing, begin.0 + width / 2.0, (lane_y(copy - 1) + lane / 2.0, end.1 - lane / 2.0));
            }
            end = block.draw(&mut drawing, begin, (width, lane));
        }
        ends.push(end);
    }
    let tower_end = ends.iter().map(|end| end.0).fold(0.0, f64::max);
    let fork = tower_end + ARROW;
    let begin = fork + ARROW;
    let long = |head: &[Block]| head.iter().map(|block| block.width() + ARROW).sum::<f64>();
    let output_width = widest(&mut readers.iter().map(|one| &one.output));
    let output_at = begin + readers.iter().map(|one| long(&one.head)).fold(0.0, f64::max);
    for (index, reader) in readers.iter().enumerate() {
        let y = reader_y(index);
        let from = ends.iter().enumerate().filter(|(copy, _)| reader.tower.is_none_or(|tower| tower == *copy));
        let first = if reader.head.is_empty() { output_at } else { begin };
        for (_, end) in from {
            if end.1 == y {
                arrow(&mut drawing, &[*end, (first, y)]);
            } else {
                arrow(&mut drawing, &[*end, (fork, end.1), (fork, y), (first, y)]);
            }
        }
        let mut x = begin;
        for (block, next) in reader.head.iter().zip(1..) {
            let end = block.draw(&mut drawing, (x, y), (0.0, 0.0));
            x = if next == reader.head.len() { output_at } else { end.0 + ARROW };
            arrow(&mut drawing, &[end, (x, y)]);
        }
        let end = reader.output.draw(&mut drawing, (output_at, y), (output_width, 0.0));
        drawing.width = drawing.width.max(end.0);
    }
    drawing
}

/// What a tower reads, and what is done before its first layer with weights.
fn input(trained: &Trained<'_>, words: [&str; 2]) -> Block {
    let mut block = Block::words(&words, &[&signed(&shape(trained.network.input_shape()))], Color::WHITE);
    let first = trained.parts.first().and_then(|part| part.rows.first());
    if let Some(row) = first.filter(|row| !row.steps.is_empty()) {
        block.lines.extend(row.steps.iter().map(|step| (step.clone(), INK)));
        block.shape = signed(&row.shape());
    }
    block
}

/// "32 × 12 × 12".
fn signed(shape: &str) -> String {
    shape.replace(" x ", " × ")
}

/// A part's layers, without its input.
fn of_part(part: &Part, fill: Color, copy: bool) -> Vec<Block> {
    part.rows.iter().skip(1).map(|row| Block::of(row, fill, copy)).collect()
}

/// The comparison, and around it what names the digits.
fn readers(trained: &Trained<'_>) -> Vec<Reader> {
    let heads = |name: &str, fill| {
        let part = trained.parts.iter().find(|part| part.name == name);
        part.map_or_else(Vec::new, |part| of_part(part, fill, false))
    };
    let weight = match trained.row.hyperparameters.get("auxiliary_weight") {
        Some(Value::Number(weight)) => Some(*weight),
        _ => None,
    };
    // Decimal places that undo what 1 - 0.3 does to the last digit.
    let share = |weight: f64| format!("{}", (weight * 1e6).round() / 1e6);
    let compared = match weight {
        Some(weight) => format!("loss × {}", share(1.0 - weight)),
        None => "loss".to_owned(),
    };
    let comparison = Reader {
        head: heads("comparison", COMPARING),
        output: Block::words(&["first ≤ second?"], &[&compared], COMPARING),
        tower: None,
    };
    let auxiliary = weight.map_or_else(|| "loss".to_owned(), |weight| format!("loss × {}", share(weight)));
    let named = |which: usize, head: Vec<Block>, tower| {
        let names = ["first digit?", "second digit?"];
        Reader { head, output: Block::words(&[names[which]], &["auxiliary", &auxiliary], NAMING), tower }
    };
    match &trained.network.digits {
        Digits::Untrained => vec![comparison],
        Digits::Tower => vec![named(0, Vec::new(), Some(0)), comparison, named(1, Vec::new(), Some(1))],
        Digits::Heads(_) => {
            vec![
                named(0, heads("first digit", NAMING), None),
                comparison,
                named(1, heads("second digit", NAMING), None),
            ]
        }
    }
}

/// A line with a head at its end.
fn arrow(drawing: &mut Drawing, points: &[Point]) {
    let (Some(&(x, y)), Some(&(from, _))) = (points.last(), points.iter().rev().nth(1)) else { return };
    let mut line = points.to_vec();
    if let Some(end) = line.last_mut() {
        // The head covers the end.
        end.0 = (x - 5.0).max(from);
    }
    drawing.path(&line, FLOW, None);
    drawing.area(&[(x, y), (x - 7.0, y - 3.5), (x - 7.0, y + 3.5)], INK, 1.0);
}

/// Two blocks, one below the other, that are one.
fn same(drawing: &mut Drawing, x: f64, (top, bottom): (f64, f64)) {
    // Beside the shape that stands below the upper block.
    drawing.line((x, top + SHAPE), (x, bottom), SAME);
}
