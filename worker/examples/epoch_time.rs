//! Prints how long an epoch of 1000 pairs takes, model by model, on one thread: `epoch_time [EPOCHS] [MODEL...]`.

#![allow(clippy::print_stdout, reason = "an example's output")]

use std::{ops::ControlFlow, time::Instant};

use candle_core::Device;
use seedgrid_common::{
    data::{Dataset, PAIR_PIXELS, Pairs},
    model,
    random::Stream,
    training::{EpochMetrics, Normalize, StopLoss, StopRule},
    unit::{Configuration, Fold, Hyperparameters, Unit, Value},
};
use seedgrid_worker::training::{Observer, train};

/// Notes when each epoch ends.
struct Clock(Vec<Instant>);

impl Observer for Clock {
    fn epoch(&mut self, _: &EpochMetrics) -> ControlFlow<()> {
        self.0.push(Instant::now());
        ControlFlow::Continue(())
    }

    fn batch(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Pairs of random grey values: how long an epoch takes does not depend on them.
fn pairs(count: usize, stream: &mut Stream) -> Pairs {
    Pairs {
        pixels: (0..count * PAIR_PIXELS).map(|_| stream.below(256) as f32).collect(),
        digits: (0..count).map(|_| [0; 2].map(|_: u8| stream.below(10) as u8)).collect(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let epochs = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let chosen: Vec<String> = arguments.collect();
    let mut stream = Stream::new(0, "epoch_time");
    let dataset =
        Dataset { title: "random".to_owned(), seed: 0, train: pairs(1000, &mut stream), test: pairs(20, &mut stream) };
    for model in
        model::ALL.into_iter().filter(|model| chosen.is_empty() || chosen.iter().any(|name| name == model.name))
    {
        let mut hyperparameters: Hyperparameters = model
            .parameters
            .iter()
            .filter_map(|parameter| Some((parameter.name.to_owned(), parameter.default_value()?)))
            .collect();
        hyperparameters.insert("learning_rate".to_owned(), Value::Number(0.01));
        hyperparameters.insert("batch_size".to_owned(), Value::Integer(20));
        let unit = Unit {
            dataset_digest: String::new(),
            configuration: Configuration {
                model: model.name.to_owned(),
                hyperparameters,
                stop: StopRule {
                    loss_delta: 0.0,
                    max_epochs: epochs,
                    min_epochs: 1,
                    patience: 1,
                    loss_drop: 0.0,
                    loss: StopLoss::Mean,
                },
                normalize: Normalize::Standardize,
            },
            fold: Fold::Holdout,
            seed: 1,
        };
        let mut clock = Clock(vec![Instant::now()]);
        train(&unit, &dataset, &Device::Cpu, &mut clock)?;
        let mut times: Vec<f64> = clock.0.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        println!("{:15} best {:7.2} ms, median {:7.2} ms", model.name, times[0], times[times.len() / 2]);
    }
    Ok(())
}
