//! Block diagrams of the networks, drawn from the models' own data.

use seedgrid_common::{
    hyperparameters::Value,
    model::{Digits, Input},
};

use super::{
    drawing::{Anchor, Color, Drawing, Point, Stroke, text_width, wrap},
    style::{self, INK, SOFT, TEXT},
};
use crate::report::{
    network_layers::{Part, Row, shape},
    numbers::whole,
    trained_networks::Trained,
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
    /// The shape of its output.
    shape: String,
}

impl Block {
    fn new(row: &Row, fill: Color, copy: bool) -> Self {
        // Narrow: a word, then its sizes below it.
        let steps = row.steps.iter().map(|step| step.replacen("Linear ", "Linear, ", 1));
        let lines = steps.flat_map(|step| step.split(", ").map(str::to_owned).collect::<Vec<_>>());
        let mut lines: Vec<(String, Color)> = lines.map(|line| (line, INK)).collect();
        let weights = if copy { "same weights".to_owned() } else { format!("{} weights", whole(row.weights)) };
        lines.push((weights, SOFT));
        Self { lines, fill, shape: signed(&row.shape()) }
    }

    /// A box that is not a layer: black words, then grey ones.
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
    (!diagrams.is_empty()).then(|| Drawing::below(&diagrams))
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

/// The reader of the tower's end, which is a head of its own or nothing, and then the output.
struct Reader {
    head: Vec<Block>,
    output: Block,
    /// Which of the towers it reads; both: None.
    tower: Option<usize>,
}

/// The towers from left to right, one below the other, and what reads them.
fn blocks(trained: &Trained<'_>) -> Drawing {
    let tower = trained.parts.iter().find(|part| part.name == "tower");
    let copies = tower.map_or(1, |part| part.copies);
    let towers: Vec<Vec<Block>> =
        (0..copies).map(|copy| tower.map_or_else(Vec::new, |part| of_part(part, PLAIN, copy > 0))).collect();
    let readers = readers(trained);
    let places = Places::arrange(&towers, &readers);
    let mut drawing = Drawing::new(0.0, places.height + SHAPE);
    let inputs = match trained.network.input {
        Input::Both => vec![input(trained, ["both", "images"])],
        Input::Each => ["first", "second"].map(|which| input(trained, [which, "image"])).into(),
    };
    let ends = draw_towers(&mut drawing, &places, &inputs, &towers);
    draw_readers(&mut drawing, &places, &ends, &readers);
    drawing
}

/// Where rows of blocks stand, from the top.
struct Places {
    /// Of the whole, without the shape below the last row.
    height: f64,
    /// Height of a tower, and from one to the next.
    lane: f64,
    lanes_apart: f64,
    lanes: usize,
    /// From one reader of the same tower to the next.
    readers_apart: f64,
    readers: usize,
}

impl Places {
    fn arrange(towers: &[Vec<Block>], readers: &[Reader]) -> Self {
        let highest = |blocks: &[Block]| blocks.iter().map(Block::height).fold(0.0, f64::max);
        let lane = towers.iter().map(|tower| highest(tower)).fold(0.0, f64::max);
        let reader = |one: &Reader| highest(&one.head).max(one.output.height());
        let readers_apart = readers.iter().map(reader).fold(0.0, f64::max) + SHAPE + HEADS;
        let lanes_apart = (lane + SHAPE + LANES).max(2.0 * readers_apart - HEADS);
        let lanes_height = lane + lanes_apart * (towers.len() - 1) as f64;
        let height = lanes_height.max(readers_apart * readers.len() as f64 - HEADS - SHAPE);
        Self { height, lane, lanes_apart, lanes: towers.len(), readers_apart, readers: readers.len() }
    }

    fn of_lane(&self, copy: usize) -> f64 {
        self.height / 2.0 + self.lanes_apart * (copy as f64 - (self.lanes - 1) as f64 / 2.0)
    }

    /// Two towers' digits are read beside them, the comparison between them; heads of one tower stand one below the other.
    fn of_reader(&self, index: usize, reader: &Reader) -> f64 {
        match reader.tower {
            Some(copy) => self.of_lane(copy),
            None => self.height / 2.0 + self.readers_apart * (index as f64 - (self.readers - 1) as f64 / 2.0),
        }
    }
}

fn widest<'a>(blocks: impl Iterator<Item = &'a Block>) -> f64 {
    blocks.map(Block::width).fold(0.0, f64::max)
}

/// Draws the towers and gives where they end.
fn draw_towers(drawing: &mut Drawing, places: &Places, inputs: &[Block], towers: &[Vec<Block>]) -> Vec<Point> {
    let mut ends = Vec::new();
    for (copy, (input, tower)) in inputs.iter().zip(towers).enumerate() {
        let mut end = input.draw(drawing, (0.0, places.of_lane(copy)), (widest(inputs.iter()), 0.0));
        for (place, block) in tower.iter().enumerate() {
            let width = widest(towers.iter().filter_map(|tower| tower.get(place)));
            let begin = (end.0 + ARROW, end.1);
            arrow(drawing, &[end, begin]);
            if copy > 0 {
                let above = places.of_lane(copy - 1) + places.lane / 2.0;
                same(drawing, begin.0 + width / 2.0, (above, end.1 - places.lane / 2.0));
            }
            end = block.draw(drawing, begin, (width, places.lane));
        }
        ends.push(end);
    }
    ends
}

/// Draws what reads the towers' ends, and widens the drawing to hold it.
fn draw_readers(drawing: &mut Drawing, places: &Places, ends: &[Point], readers: &[Reader]) {
    let fork = ends.iter().map(|end| end.0).fold(0.0, f64::max) + ARROW;
    let begin = fork + ARROW;
    let length = |one: &Reader| one.head.iter().map(|block| block.width() + ARROW).sum::<f64>();
    let output_at = begin + readers.iter().map(length).fold(0.0, f64::max);
    let output_width = widest(readers.iter().map(|one| &one.output));
    drawing.width = output_at + output_width;
    for (index, reader) in readers.iter().enumerate() {
        let y = places.of_reader(index, reader);
        let first = if reader.head.is_empty() { output_at } else { begin };
        let read = ends.iter().enumerate().filter(|(copy, _)| reader.tower.is_none_or(|tower| tower == *copy));
        for (_, end) in read {
            if end.1 == y {
                arrow(drawing, &[*end, (first, y)]);
            } else {
                arrow(drawing, &[*end, (fork, end.1), (fork, y), (first, y)]);
            }
        }
        let mut x = begin;
        for (block, next) in reader.head.iter().zip(1..) {
            let end = block.draw(drawing, (x, y), (0.0, 0.0));
            x = if next == reader.head.len() { output_at } else { end.0 + ARROW };
            arrow(drawing, &[end, (x, y)]);
        }
        reader.output.draw(drawing, (output_at, y), (output_width, 0.0));
    }
}

/// A tower's input, and the steps before its first layer with weights.
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
    part.rows.iter().skip(1).map(|row| Block::new(row, fill, copy)).collect()
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
