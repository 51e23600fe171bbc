//! All metrics of predicted classes.

use std::sync::OnceLock;

use super::{
    calibration::Calibration,
    confusion_matrix::ConfusionMatrix,
    input::{ClassExamples, InputError},
    metric::Metric,
    probability_scores::{brier, log_loss},
    ranking::RankingAreas,
    value::Value,
};
use crate::network_outputs::Outputs;

/// All metrics of predicted classes, with their parts for tables and figures. Each is computed when it is first asked
/// for.
#[derive(Clone, Debug)]
pub struct ClassMetrics<'a> {
    examples: ClassExamples<'a>,
    confusion: OnceLock<ConfusionMatrix>,
    calibration: OnceLock<Calibration>,
    areas: OnceLock<RankingAreas>,
}

impl<'a> ClassMetrics<'a> {
    /// The metrics of these logits, given each row's true class: the column of its logit.
    ///
    /// # Errors
    /// When the numbers of rows and classes differ, there is only one column, or a class has no column.
    pub fn new(outputs: &'a Outputs, classes: &'a [u32]) -> Result<Self, InputError> {
        Ok(Self {
            examples: ClassExamples::new(outputs, classes)?,
            confusion: OnceLock::new(),
            calibration: OnceLock::new(),
            areas: OnceLock::new(),
        })
    }

    /// The value of a metric; None where the metric is for numbers.
    pub fn value(&self, metric: Metric) -> Option<Value> {
        Some(match metric {
            Metric::Error => self.confusion().error(),
            Metric::Accuracy => self.confusion().accuracy(),
            Metric::BalancedAccuracy => self.confusion().balanced_accuracy(),
            Metric::MacroF1 => self.confusion().macro_f1(),
            Metric::LogLoss => Value::Number(log_loss(self.examples)),
            Metric::Brier => Value::Number(brier(self.examples)),
            Metric::CalibrationError => Value::Number(self.calibration().error()),
            Metric::Auc => self.areas().auc,
            Metric::AveragePrecision => self.areas().average_precision,
            Metric::Rmse | Metric::Mae | Metric::R2 => return None,
        })
    }

    /// The counts of true and predicted classes, with each class's precision, recall, F1 and number of examples.
    pub fn confusion(&self) -> &ConfusionMatrix {
        self.confusion.get_or_init(|| ConfusionMatrix::new(self.examples))
    }

    /// The bins of the reliability diagram.
    pub fn calibration(&self) -> &Calibration {
        self.calibration.get_or_init(|| Calibration::new(self.examples))
    }

    /// The areas under the ROC and precision-recall curves of each class against the others.
    pub fn areas(&self) -> &RankingAreas {
        self.areas.get_or_init(|| RankingAreas::new(self.examples))
    }
}
