//! A network as a table of layers, from the model's own data: what `seedgrid models` lists and reports show.

use seedgrid_common::model::{Digits, Input, Layer, Network, Shape};

/// The tower, the comparison or a digit's head.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// "tower", "comparison", "first digit" or "second digit".
    pub name: &'static str,
    /// Its input, in words.
    pub reads: &'static str,
    /// How often it stands in the network, always with the same weights.
    pub copies: usize,
    /// Its input, then each layer that has weights.
    pub rows: Vec<Row>,
}

/// A layer with weights together with the layers without any that follow it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The layer's name, or "input".
    pub name: String,
    /// Its steps, in order: "Conv2d 3x3, 2 to 32", "ReLU".
    pub steps: Vec<String>,
    /// Shape of what comes out.
    pub output: Shape,
    /// Number of weights and biases.
    pub weights: usize,
}

impl Row {
    /// Every step, in a line.
    pub fn layers(&self) -> String {
        self.steps.join(", ")
    }

    /// The shape of what comes out: "32 x 12 x 12".
    pub fn shape(&self) -> String {
        shape(self.output)
    }
}

/// "32 x 12 x 12", or a width.
pub fn shape(shape: Shape) -> String {
    match shape {
        Shape::Image(channels, height, width) => format!("{channels} x {height} x {width}"),
        Shape::Flat(width) => width.to_string(),
    }
}

/// The network's parts: the tower, the comparison, then the heads that it has.
pub fn parts(network: &Network) -> Vec<Part> {
    let (tower_reads, copies, from) = match network.input {
        Input::Both => ("both images as 2 channels", 1, "the tower's output"),
        Input::Each => ("each image, with the same weights", 2, "both towers' outputs"),
    };
    let part = |name, reads, copies, layers: &[Layer], input| Part { name, reads, copies, rows: rows(layers, input) };
    let tower = part("tower", tower_reads, copies, &network.tower, network.input_shape());
    let width = tower.rows.last().map_or(0, |row| row.output.len());
    let joined = Shape::Flat(copies * width);
    let mut parts = vec![tower, part("comparison", from, 1, &network.comparison, joined)];
    if let Digits::Heads(heads) = &network.digits {
        let names = ["first digit", "second digit"];
        parts.extend(names.into_iter().zip(heads.iter()).map(|(name, head)| part(name, from, 1, head, joined)));
    }
    parts
}

/// One row for the input, and one for each layer with weights together with what follows it.
fn rows(layers: &[Layer], input: Shape) -> Vec<Row> {
    let mut last = Row { name: "input".to_owned(), steps: Vec::new(), output: input, weights: 0 };
    let mut rows = Vec::new();
    for layer in layers {
        let step = match layer {
            Layer::Conv2d { kernel, inputs, outputs, .. } => format!("Conv2d {kernel}x{kernel}, {inputs} to {outputs}"),
            Layer::Linear { inputs, outputs, .. } => format!("Linear {inputs} to {outputs}"),
            Layer::Relu => "ReLU".to_owned(),
            Layer::MaxPool { size } => format!("MaxPool {size}x{size}"),
            Layer::Flatten => "flatten".to_owned(),
            Layer::Dropout { probability } => format!("Dropout {probability}"),
        };
        if let Layer::Conv2d { name, .. } | Layer::Linear { name, .. } = layer {
            let begun =
                Row { name: name.clone(), steps: Vec::new(), output: last.output, weights: layer.parameter_count() };
            rows.push(std::mem::replace(&mut last, begun));
        }
        last.steps.push(step);
        // A model's layers fit together; a test sees to that.
        last.output = layer.output(last.output).unwrap_or(last.output);
    }
    rows.push(last);
    rows
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{
        hyperparameters::{Hyperparameters, Value},
        model,
    };

    use super::*;

    fn network(name: &str) -> Network {
        let model = model::find(name).unwrap();
        let value = |parameter: &model::Parameter| match parameter.default_value() {
            Some(value) => value,
            None if parameter.name == "batch_size" => Value::Integer(20),
            None => Value::Number(0.1),
        };
        let given: Hyperparameters = model.parameters.iter().map(|one| (one.name.to_owned(), value(one))).collect();
        (model.network)(&given)
    }

    #[test]
    fn the_basic_cnn_is_table_1_of_the_paper() {
        let parts = parts(&network("cnn"));
        let rows: Vec<(String, String, usize)> =
            parts[0].rows.iter().map(|row| (row.layers(), row.shape(), row.weights)).collect();
        let expected = [
            ("", "2 x 14 x 14", 0),
            ("Conv2d 3x3, 2 to 32, ReLU", "32 x 12 x 12", 608),
            ("Conv2d 3x3, 32 to 64, ReLU, MaxPool 2x2", "64 x 5 x 5", 18_496),
            ("Conv2d 3x3, 64 to 128, ReLU, MaxPool 2x2, flatten", "128", 73_856),
            ("Linear 128 to 100, ReLU, Dropout 0.5", "100", 12_900),
        ];
        assert_eq!(rows, expected.map(|(layers, shape, weights)| (layers.to_owned(), shape.to_owned(), weights)));
        assert_eq!(parts[1].rows[1].shape(), "2");
    }

    #[test]
    fn every_models_weights_are_in_its_rows() {
        for model in model::ALL {
            let network = network(model.name);
            let sum: usize = parts(&network).iter().flat_map(|part| &part.rows).map(|row| row.weights).sum();
            assert_eq!(sum, network.parameter_count(), "{}", model.name);
        }
    }

    #[test]
    fn two_towers_are_read_side_by_side_and_heads_come_last() {
        let shared = parts(&network("cnn-shared-aux"));
        assert_eq!(
            shared.iter().map(|part| (part.name, part.copies)).collect::<Vec<_>>(),
            [("tower", 2), ("comparison", 1)]
        );
        assert_eq!(shared[1].rows[0].shape(), "20", "two outputs of 10");
        let heads: Vec<_> = parts(&network("fc-aux")).iter().map(|part| part.name).collect();
        assert_eq!(heads, ["tower", "comparison", "first digit", "second digit"]);
    }
}
