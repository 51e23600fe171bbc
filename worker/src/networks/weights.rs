//! A network's variables: their names, shapes and first values.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var};
use seedgrid_common::{
    model::{Layer, Network},
    random::Stream,
};

/// A network's variables, sorted by name, each in PyTorch's shape: (outputs, inputs, kernel, kernel) or (outputs, inputs) for
/// weights, (outputs) for biases.
#[derive(Clone, Debug)]
pub struct Weights {
    variables: BTreeMap<String, Var>,
}

impl Weights {
    /// Variables with PyTorch's default first values, times `scale`: each weight and bias of a layer is uniform between
    /// -b and b, where b is `scale` over the square root of the number of inputs of an output.
    ///
    /// Each variable is drawn from the stream `weights/NAME` of `seed`, in row-major order.
    pub fn initial(network: &Network, scale: f64, seed: u64, device: &Device) -> candle_core::Result<Self> {
        let mut variables = BTreeMap::new();
        for (name, shape, bound) in network.layers().flat_map(variables_of) {
            let bound = scale * bound;
            let mut stream = Stream::new(seed, &format!("weights/{name}"));
            let values: Vec<f32> = (0..shape.iter().product()).map(|_| stream.between(-bound, bound) as f32).collect();
            variables.insert(name, Var::from_tensor(&Tensor::from_vec(values, shape, device)?)?);
        }
        Ok(Self { variables })
    }

    /// Variables with the values that `values` gives for each name and shape, row-major. `failed` converts candle's
    /// errors.
    ///
    /// # Errors
    /// The first error of `values`; candle's, when the number of values does not match the shape.
    pub fn with_values<E>(
        network: &Network,
        mut values: impl FnMut(&str, &[usize]) -> Result<Vec<f32>, E>,
        failed: impl Fn(candle_core::Error) -> E,
    ) -> Result<Self, E> {
        let mut variables = BTreeMap::new();
        for (name, shape, _) in network.layers().flat_map(variables_of) {
            let values = values(&name, &shape)?;
            let variable = Tensor::from_vec(values, shape, &Device::Cpu).and_then(|tensor| Var::from_tensor(&tensor));
            variables.insert(name, variable.map_err(&failed)?);
        }
        Ok(Self { variables })
    }

    /// The variable with this name.
    ///
    /// # Panics
    /// When the network has no variable of that name.
    pub fn get(&self, name: &str) -> &Var {
        &self.variables[name]
    }

    /// Every variable, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.variables.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    /// A copy of the variables, with the same values, on the same device.
    pub fn copy(&self) -> candle_core::Result<Self> {
        self.map(Tensor::copy)
    }

    /// A copy of the variables, with the same values, on `device`.
    pub fn to_device(&self, device: &Device) -> candle_core::Result<Self> {
        self.map(|tensor| tensor.to_device(device)?.copy())
    }

    fn map(&self, to: impl Fn(&Tensor) -> candle_core::Result<Tensor>) -> candle_core::Result<Self> {
        let variables = self
            .variables
            .iter()
            .map(|(name, variable)| Ok((name.clone(), Var::from_tensor(&to(&variable.as_detached_tensor())?)?)))
            .collect::<candle_core::Result<_>>()?;
        Ok(Self { variables })
    }

    /// A variable's values, row-major.
    ///
    /// # Panics
    /// When the network has no variable of that name.
    pub fn values(&self, name: &str) -> candle_core::Result<Vec<f32>> {
        self.get(name).flatten_all()?.to_vec1()
    }

    /// Sets a variable's values, row-major.
    ///
    /// # Panics
    /// When the network has no variable of that name.
    pub fn set(&self, name: &str, values: &[f32]) -> candle_core::Result<()> {
        let variable = self.get(name);
        variable.set(&Tensor::from_slice(values, variable.shape(), variable.device())?)
    }
}

/// Name, shape and bound of a layer's weight and bias.
fn variables_of(layer: &Layer) -> Vec<(String, Vec<usize>, f64)> {
    let (name, shape) = match layer {
        Layer::Conv2d { name, inputs, outputs, kernel } => (name, vec![*outputs, *inputs, *kernel, *kernel]),
        Layer::Linear { name, inputs, outputs } => (name, vec![*outputs, *inputs]),
        Layer::Relu | Layer::MaxPool { .. } | Layer::Flatten | Layer::Dropout { .. } => return Vec::new(),
    };
    let seen: usize = shape[1..].iter().product();
    let bound = 1.0 / (seen as f64).sqrt();
    let outputs = vec![shape[0]];
    vec![(format!("{name}.weight"), shape, bound), (format!("{name}.bias"), outputs, bound)]
}
