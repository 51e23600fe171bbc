//! The figures, as SVG and as PNG.

use std::collections::BTreeMap;

use seedgrid_common::{
    data::{
        pairs::{PAIR_PIXELS, Pairs},
        values::NumberType,
    },
    hyperparameters::Value,
    model,
};

use crate::{
    provenance, small,
    synthetic::{Synthetic, five, holdout, row},
    texts, written, written_bytes,
};

/// A decoded PNG file.
struct Image {
    width: usize,
    height: usize,
    /// Red, green and blue.
    pixels: Vec<[u8; 3]>,
}

fn decoded(file: &[u8]) -> Image {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("it is a PNG file");
    let mut bytes = vec![0; reader.output_buffer_size().expect("it has a size")];
    let info = reader.next_frame(&mut bytes).expect("it is whole");
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    let pixels = bytes.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    Image { width: info.width as usize, height: info.height as usize, pixels }
}

fn figures(files: &BTreeMap<String, Vec<u8>>) -> Vec<(&str, &str, Image)> {
    let svg = files.iter().filter_map(|(name, bytes)| Some((name.strip_suffix(".svg")?, bytes)));
    svg.map(|(name, svg)| (name, std::str::from_utf8(svg).unwrap(), decoded(&files[&format!("{name}.png")]))).collect()
}

#[test]
fn every_figure_is_an_svg_and_a_png_of_twice_its_size_that_shows_something() {
    let (_folder, files) = written_bytes(&small(), &provenance("a"));
    let figures = figures(&files);
    assert_eq!(figures.len(), 2 * 5 + 2);
    for (name, svg, image) in figures {
        let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{name}.svg: {error}"));
        // Files round: SVG's lengths to hundredths, PNG's to whole pixels.
        for (side, attribute) in [(image.width, "width"), (image.height, "height")] {
            let length: f64 = document.root_element().attribute(attribute).unwrap().parse().unwrap();
            assert!((side as f64 - 2.0 * length).abs() <= 0.52, "{name}: {side} pixels for a {attribute} of {length}");
            let most = if attribute == "width" { 624.0 } else { 864.0 };
            assert!(length <= most, "{name}: {length} pixels are more than 6.5 or 9 inches");
        }
        assert!(!svg.contains(">small on synthetic pairs"), "{name}: papers have captions, no titles");
        let inked = image.pixels.iter().filter(|pixel| **pixel != [255; 3]).count();
        let share = inked as f64 / image.pixels.len() as f64;
        assert!((0.005..0.6).contains(&share), "{name}: {share} of the pixels are not white");
        let border = (0..image.width).chain(image.pixels.len() - image.width..image.pixels.len());
        assert!(border.into_iter().all(|at| image.pixels[at] == [255; 3]), "{name}: nothing is cut off above or below");
    }
}

#[test]
fn figures_without_any_result_are_not_there() {
    let mut study = Synthetic::new("empty", 30, vec![holdout("final", 1..=3, five())]);
    study.results.clear();
    let (_folder, files) = written_bytes(&study, &provenance("a"));
    let drawn: Vec<&str> = figures(&files).iter().map(|(name, ..)| *name).collect();
    assert_eq!(drawn, ["digits", "networks"], "what has nothing to show is no file");
}

#[test]
fn a_loss_beyond_all_measure_leaves_the_figure_as_it_is() {
    let mut study = small();
    study.diverge(study.unit(0, 0, 1), 7);
    let largest = study.results[&study.unit(0, 0, 1)].epochs.iter().map(|epoch| epoch.train_loss).fold(0.0, f64::max);
    assert!(largest > 1e25);
    let (_folder, files) = written_bytes(&study, &provenance("a"));
    let learning = std::str::from_utf8(&files["learning-final.svg"]).unwrap();
    let places = learning.split([' ', ',', '"']).filter_map(|word| word.parse::<f64>().ok());
    assert!(places.map(f64::abs).fold(0.0, f64::max) < 1e5, "renderers take no place that is far away");
    decoded(&files["learning-final.png"]);
}

#[test]
fn losses_that_are_different_sums_have_panels_of_their_own() {
    let panels = |study: &Synthetic| {
        let (_folder, files) = written(study, &provenance("a"));
        let count = |label: &str| files["learning.svg"].matches(&format!(">{label}</text>")).count();
        ["training loss", "loss, comparison alone", "loss, auxiliary × 0.3", "loss, auxiliary × 0.1", "training error"]
            .map(count)
    };
    let weights = [0.3, 0.1, 0.0].map(Value::Number);
    let aux = || row("fc-aux", &[("auxiliary_weight", &weights)]);
    let plain = || row("fc", &[]);
    let of = |rows| Synthetic::new("losses", 40, vec![holdout("final", 1..=2, rows)]);
    assert_eq!(panels(&of(vec![plain(), row("cnn", &[])])), [1, 0, 0, 0, 1]);
    // A weight of 0 leaves the comparison alone.
    assert_eq!(panels(&of(vec![plain(), aux()])), [0, 1, 1, 1, 1]);
    // Of many configurations each model has a row of its own.
    let rates = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06].map(Value::Number);
    assert_eq!(panels(&of(vec![row("fc", &[("learning_rate", &rates)]), aux()])), [1, 1, 1, 1, 2]);
}

#[test]
fn a_line_that_leaves_its_panel_is_marked_there() {
    let of = |diverges: bool| {
        let mut study = Synthetic::new("leaves", 40, vec![holdout("final", 1..=3, vec![row("fc", &[])])]);
        if diverges {
            study.diverge(study.unit(0, 0, 1), 6);
        }
        let (_folder, files) = written(&study, &provenance("a"));
        let tips = files["report.html"].matches("l6-9 6 9").count();
        (files["learning.svg"].matches("<polygon").count(), tips)
    };
    let (before, after) = (of(false), of(true));
    assert!(after.0 > before.0 && after.1 > before.1, "{before:?} {after:?}");
}

#[test]
fn the_pairs_that_are_shown_are_the_data_sets_own() {
    let mut study = small();
    let mut pairs = Pairs::from_examples(&study.dataset.train).unwrap();
    let first = pairs.digits.iter().position(|[left, right]| left <= right).unwrap();
    // The first image's fourth row has one dark pixel, its sixth.
    pairs.pixels[first * PAIR_PIXELS + 3 * model::SIDE + 5] = 255.0;
    study.dataset.train = pairs.to_examples(NumberType::U8);
    let (_folder, files) = written_bytes(&study, &provenance("a"));
    let svg = std::str::from_utf8(&files["digits.svg"]).unwrap();
    let [left, right] = pairs.digits[first];
    assert!(svg.contains(&format!(">{left} ≤ {right}</text>")) && svg.contains(&format!(">pair {}</text>", first + 1)));
    let cells: Vec<&str> = svg.lines().filter(|line| line.starts_with("<path fill=\"#000000\" d=\"M")).collect();
    assert_eq!(cells.len(), 1, "one grey value, which is black: {cells:?}");
    assert_eq!(cells[0].matches('M').count(), 1, "one cell");
    let place = cells[0].split_once("d=\"M").and_then(|(_, path)| path.split_once('h')).unwrap().0;
    // A cell of 3.5 pixels is one of 7 in the PNG file.
    let corner: Vec<usize> = place.split(' ').map(|number| (2.0 * number.parse::<f64>().unwrap()) as usize).collect();
    let image = decoded(&files["digits.png"]);
    let at = |x: usize, y: usize| image.pixels[y * image.width + x];
    let (x, y) = (corner[0], corner[1]);
    assert_eq!([at(x, y), at(x + 6, y + 6)], [[0; 3]; 2]);
    assert_eq!([at(x - 1, y), at(x + 7, y + 6), at(x, y + 7)], [[255; 3]; 3]);
}

#[test]
fn diagrams_say_what_the_models_data_say() {
    let study = Synthetic::new("all", 40, vec![holdout("final", 1..=2, five())]);
    let (_folder, files) = written(&study, &provenance("a"));
    let svg = &files["networks.svg"];
    let count = |text: &str| svg.matches(&format!(">{text}</text>")).count();
    for row in five() {
        let model = model::find(&row.model).unwrap();
        let given = row.axes.iter().map(|axis| (axis.names[0].clone(), axis.points[0][0].clone())).collect();
        let weights = (model.network)(&given).parameter_count().to_string();
        let (thousands, rest) = weights.split_at(weights.len() - 3);
        let title = model.title.replace('&', "&amp;");
        assert_eq!(count(&format!("{title}: {thousands},{rest} weights")), 1, "{}", model.name);
    }
    assert_eq!(count("same weights"), 2 * 5, "five layers of two networks share theirs");
    assert_eq!(svg.matches("stroke-dasharray=\"4 3\"").count(), 2 * 5, "which lines show");
    assert_eq!(count("first ≤ second?"), 5);
    assert_eq!((count("first digit?"), count("second digit?")), (2, 2), "of the two with auxiliary losses");
    assert_eq!((count("loss × 0.3"), count("loss × 0.7"), count("loss")), (4, 2, 3));
    assert_eq!(count("64 × 5 × 5"), 1 + 2 + 2, "shapes stand below each layer");
}

#[test]
fn tables_of_layers_are_in_every_form_of_the_report() {
    let study = Synthetic::new("all", 40, vec![holdout("final", 1..=2, five())]);
    let (_folder, files) = written_bytes(&study, &provenance("a"));
    let files = texts(files);
    for (file, convolution, sum) in [
        (
            "report.html",
            "<td class=\"words\">conv2</td><td class=\"words\">Conv2d 3x3, 32 to 64, ReLU, MaxPool 2x2</td><td>64 x 5 x 5</td><td>18,496</td>",
            "<td>106,062</td>",
        ),
        ("report.md", "conv2      | Conv2d 3x3, 32 to 64, ReLU, MaxPool 2x2", "106,062"),
        ("tables.tex", "conv2 & Conv2d 3x3, 32 to 64, ReLU, MaxPool 2x2 & 64 x 5 x 5 & 18,496", "106,062"),
    ] {
        assert_eq!(files[file].matches(convolution).count(), 3, "{file}: three networks have it");
        assert!(files[file].contains(sum), "{file}");
        assert!(files[file].contains("learning"), "{file}");
    }
}
