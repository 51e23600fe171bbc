//! Words of other programs for the keys and words of a spec: small letters, `_` between words.

/// Each synonym, with the words of a spec that may be meant, the likeliest first.
const SYNONYMS: &[(&str, &[&str])] = &[
    // Hyper-parameters.
    ("lr", &["learning_rate"]),
    ("eta", &["learning_rate"]),
    ("eta0", &["learning_rate"]),
    ("learning_rate_init", &["learning_rate"]),
    ("step_size", &["learning_rate"]),
    ("rate", &["learning_rate"]),
    ("bs", &["batch_size"]),
    ("batch", &["batch_size"]),
    ("batchsize", &["batch_size"]),
    ("mini_batch_size", &["batch_size"]),
    ("minibatch_size", &["batch_size"]),
    ("per_device_train_batch_size", &["batch_size"]),
    ("wd", &["weight_decay"]),
    ("l2", &["weight_decay"]),
    ("decay", &["weight_decay"]),
    ("regularization", &["weight_decay"]),
    ("kernel_regularizer", &["weight_decay"]),
    ("optim", &["optimiser"]),
    ("opt", &["optimiser"]),
    ("optimizer", &["optimiser"]),
    ("solver", &["optimiser"]),
    ("beta1", &["momentum"]),
    ("drop_rate", &["dropout"]),
    ("dropout_rate", &["dropout"]),
    ("dropout_p", &["dropout"]),
    ("p_drop", &["dropout"]),
    ("layers", &["hidden"]),
    ("hidden_sizes", &["hidden"]),
    ("hidden_layers", &["hidden"]),
    ("hidden_layer_sizes", &["hidden"]),
    ("hidden_units", &["hidden"]),
    ("units", &["hidden"]),
    ("width", &["hidden"]),
    ("aux", &["auxiliary_weight"]),
    ("aux_weight", &["auxiliary_weight"]),
    ("auxiliary", &["auxiliary_weight"]),
    ("init_scale", &["initial_scale"]),
    ("gain", &["initial_scale"]),
    // Rows and axes.
    ("architecture", &["model"]),
    ("arch", &["model"]),
    ("net", &["model"]),
    ("network", &["model"]),
    ("values", &["grid"]),
    ("options", &["choice", "grid"]),
    ("list", &["grid"]),
    ("categorical", &["choice"]),
    ("range", &["uniform"]),
    ("loguniform", &["log_uniform"]),
    ("log", &["log_uniform"]),
    ("n_iter", &["samples", "max_epochs"]),
    ("n_samples", &["samples"]),
    ("n_trials", &["samples"]),
    ("trials", &["samples"]),
    ("except", &["exclude"]),
    ("skip", &["exclude"]),
    // Stages.
    ("n_seeds", &["seeds"]),
    ("num_seeds", &["seeds"]),
    ("random_seed", &["seed", "seeds"]),
    ("random_state", &["seed", "seeds"]),
    ("replicates", &["data_seeds"]),
    ("repeats", &["seeds"]),
    ("normalization", &["normalize"]),
    ("normalisation", &["normalize"]),
    ("standardize", &["normalize"]),
    ("scaler", &["normalize"]),
    ("scaling", &["normalize"]),
    ("preprocessing", &["normalize"]),
    ("early_stop", &["stop"]),
    ("early_stopping", &["stop"]),
    ("stopping", &["stop"]),
    ("eval", &["evaluation"]),
    ("validation", &["evaluation"]),
    ("cv", &["folds", "evaluation"]),
    ("kfold", &["folds", "evaluation"]),
    ("n_folds", &["folds"]),
    ("n_splits", &["folds"]),
    ("k", &["folds"]),
    ("save_weights", &["keep_weights"]),
    ("save_model", &["keep_weights"]),
    ("selection", &["select"]),
    ("pruner", &["race"]),
    ("parent", &["from"]),
    ("depends_on", &["from"]),
    // The stopping rule.
    ("epochs", &["max_epochs"]),
    ("epoch", &["max_epochs"]),
    ("n_epochs", &["max_epochs"]),
    ("num_epochs", &["max_epochs"]),
    ("num_train_epochs", &["max_epochs"]),
    ("max_iter", &["max_epochs"]),
    ("iterations", &["max_epochs"]),
    ("tol", &["loss_delta"]),
    ("tolerance", &["loss_delta"]),
    ("min_delta", &["loss_delta"]),
    ("delta", &["loss_delta"]),
    ("n_iter_no_change", &["patience"]),
    // The data set.
    ("data", &["dataset"]),
    ("type", &["kind"]),
    ("train", &["train_pairs"]),
    ("n_train", &["train_pairs"]),
    ("train_size", &["train_pairs"]),
    ("training_pairs", &["train_pairs"]),
    ("test", &["test_pairs", "holdout"]),
    ("n_test", &["test_pairs"]),
    ("test_size", &["test_pairs"]),
    ("title", &["name"]),
    ("study", &["name"]),
    ("experiment", &["name"]),
    // References and races.
    ("mean", &["error"]),
    ("sd", &["std"]),
    ("stdev", &["std"]),
    ("keep_fraction", &["keep"]),
    // Words.
    ("zscore", &["standardize"]),
    ("z_score", &["standardize"]),
    ("standard", &["standardize"]),
    ("minmax", &["scale"]),
    ("min_max", &["scale"]),
    ("rescale", &["scale"]),
    ("raw", &["none"]),
    ("best", &["lowest"]),
    ("min", &["lowest"]),
    ("minimum", &["lowest"]),
    ("1se", &["one-standard-error"]),
    ("one_se", &["one-standard-error"]),
    ("successive_halving", &["halving"]),
    ("sha", &["halving"]),
    ("f_race", &["friedman"]),
    ("frace", &["friedman"]),
    ("irace", &["friedman"]),
    ("conv", &["cnn"]),
    ("convnet", &["cnn"]),
    ("mlp", &["fc"]),
    ("dense", &["fc"]),
    ("fully_connected", &["fc"]),
    ("adamw", &["adam"]),
];

/// The words of a spec that may be meant by `written`, which is in small letters with `_` between its words.
pub(super) fn find(written: &str) -> &'static [&'static str] {
    SYNONYMS.iter().find(|(synonym, _)| *synonym == written).map_or(&[], |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::SYNONYMS;
    use crate::nearest_word::plain;

    #[test]
    fn each_is_written_once_and_as_it_is_looked_for() {
        let mut seen = BTreeSet::new();
        for (synonym, words) in SYNONYMS {
            assert!(seen.insert(synonym), "{synonym} is there twice");
            assert_eq!(plain(synonym), *synonym);
            assert!(!words.is_empty());
        }
    }
}
