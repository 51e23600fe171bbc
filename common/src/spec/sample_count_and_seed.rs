//! Reads `samples` and `sample_seed`: the number and the seed of the joint draws of a row's sampled axes.

use super::{
    Axis, Problem,
    distribution::{Distribution, draw},
    error::Problems,
    setting::{Setting, Written},
    size_limits::SAMPLES_MAX,
    toml_table::{Entry, Table},
};

/// The row's sampled axes as one; None if it has none, or once something was reported.
pub(super) fn read(table: &mut Table<'_>, settings: &[Setting], problems: &mut Problems<'_>) -> Option<Axis> {
    let samples = table.optional("samples");
    let seed = table.optional("sample_seed");
    let count = samples.map(|entry| entry.whole(1..=SAMPLES_MAX, problems));
    let number = seed.map(|entry| entry.whole(0..=i64::MAX as u64, problems));
    let drawn: Vec<(&str, &Distribution)> = settings
        .iter()
        .filter_map(|setting| match setting.written.as_ref()? {
            Written::Drawn(distribution) => Some((setting.name(), distribution)),
            Written::One(_) | Written::Grid(_) => None,
        })
        .collect();
    if drawn.is_empty() {
        // An unreadable setting may be the sampled one.
        if settings.iter().all(|setting| setting.written.is_some()) {
            let unused = |entry: Entry<'_>| problems.report(entry.at(), Problem::NothingSampled { key: entry.key });
            samples.into_iter().chain(seed).for_each(unused);
        }
        return None;
    }
    let Some(entry) = samples else {
        table.missing("samples", "samples = 20");
        return None;
    };
    let (count, seed) = (usize::try_from(count??).ok()?, number.unwrap_or(Some(0))?);
    match draw(&drawn, count, seed) {
        Ok(points) => {
            Some(Axis { names: drawn.iter().map(|(name, _)| (*name).to_owned()).collect(), points, written: true })
        }
        Err(found) => {
            problems.report(entry.at(), Problem::FewDraws { samples: count, found });
            None
        }
    }
}
