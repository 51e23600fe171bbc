//! Whether units that both runs have have equal results. Pure.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::unit::UnitId;

use super::{
    compared_run::Side,
    document::{ComparedUnits, Contradiction, SharedUnits},
};

/// Compares every unit by its id.
pub(super) fn compared(sides: &[Side; 2]) -> ComparedUnits {
    let [first, second] = sides;
    let (here, there) = (&first.labels, &second.labels);
    let shared: BTreeMap<&UnitId, &String> = here.iter().filter(|(id, _)| there.contains_key(*id)).collect();
    let mut compared = ComparedUnits {
        shared: shared.len(),
        only_first: here.len() - shared.len(),
        only_second: there.len() - shared.len(),
        ..ComparedUnits::default()
    };
    for (id, label) in shared {
        let (Some(one), Some(other)) = (first.trained.get(id), second.trained.get(id)) else { continue };
        compared.trained += 1;
        if one.digest == other.digest {
            compared.identical += 1;
        } else if one.numerics_class == other.numerics_class {
            compared.contradicting.push(Contradiction {
                unit: id.to_string(),
                label: label.clone(),
                numerics_class: one.numerics_class.clone(),
            });
        } else {
            compared.other_class += 1;
        }
    }
    compared
}

/// The units that two configurations have in common.
pub(super) fn of_configurations(sides: &[Side; 2], units: [&BTreeSet<UnitId>; 2]) -> SharedUnits {
    let mut shared = SharedUnits::default();
    for id in units[0].intersection(units[1]) {
        let (Some(one), Some(other)) = (sides[0].trained.get(id), sides[1].trained.get(id)) else { continue };
        shared.trained += 1;
        shared.identical += usize::from(one.digest == other.digest);
    }
    shared
}
