//! Clusters of examples with a common source: pairs with an image of the same bytes are not independent.

use std::collections::HashMap;

use crate::plan::data_draws::InputDigest;

/// Each pair's cluster, numbered from 0 in the order of their first pairs: a chain of shared images joins the pairs of
/// one cluster. None if no two pairs share an image.
pub(super) fn find(pairs: &[Vec<InputDigest>]) -> Option<Vec<usize>> {
    let mut first_with: HashMap<InputDigest, usize> = HashMap::new();
    // Each pair's predecessor in its cluster; the first pair of a cluster is its own.
    let mut before: Vec<usize> = (0..pairs.len()).collect();
    let mut shared = false;
    for (pair, image) in images(pairs) {
        let other = *first_with.entry(image).or_insert(pair);
        let (here, there) = (first(&before, pair), first(&before, other));
        shared |= here != there;
        before[here.max(there)] = here.min(there);
    }
    shared.then(|| {
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        let number = |pair| {
            let next = numbers.len();
            *numbers.entry(first(&before, pair)).or_insert(next)
        };
        (0..pairs.len()).map(number).collect()
    })
}

/// The share of these parts' images that another of the parts also has.
pub(super) fn shared_share(parts: &[&[Vec<InputDigest>]]) -> f64 {
    let mut seen: HashMap<InputDigest, (usize, bool)> = HashMap::new();
    for (part, pairs) in parts.iter().enumerate() {
        for (_, image) in images(pairs) {
            let (first, several) = seen.entry(image).or_insert((part, false));
            *several |= *first != part;
        }
    }
    let all = parts.iter().flat_map(|pairs| images(pairs));
    let (total, shared) = all.fold((0_usize, 0_usize), |(total, shared), (_, image)| {
        (total + 1, shared + usize::from(seen.get(&image).is_some_and(|(_, several)| *several)))
    });
    if total == 0 { 0.0 } else { shared as f64 / total as f64 }
}

/// Both images of every pair.
fn images(pairs: &[Vec<InputDigest>]) -> impl Iterator<Item = (usize, InputDigest)> {
    pairs.iter().enumerate().flat_map(|(pair, images)| images.iter().map(move |image| (pair, *image)))
}

fn first(before: &[usize], mut pair: usize) -> usize {
    while before[pair] != pair {
        pair = before[pair];
    }
    pair
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of images with a single grey value each.
    fn pairs(greys: &[[u8; 2]]) -> Vec<Vec<InputDigest>> {
        greys.iter().map(|pair| pair.map(|grey| InputDigest::compute(&[grey])).to_vec()).collect()
    }

    #[test]
    fn pairs_without_a_common_image_are_by_themselves() {
        assert_eq!(find(&pairs(&[[1, 2], [3, 4], [5, 6]])), None);
        assert_eq!(find(&pairs(&[[1, 1], [3, 4]])), None, "an image twice in one pair joins it with nothing");
    }

    #[test]
    fn a_chain_of_shared_images_is_one_cluster() {
        let chained = pairs(&[[1, 2], [7, 8], [3, 2], [9, 10], [3, 4], [8, 11]]);
        assert_eq!(find(&chained), Some(vec![0, 1, 0, 2, 0, 1]));
    }

    #[test]
    fn the_share_counts_images_of_other_parts_alone() {
        let (first, second) = (pairs(&[[1, 2], [3, 3]]), pairs(&[[1, 9], [10, 11]]));
        assert_eq!(shared_share(&[&first, &second]), 2.0 / 8.0);
        assert_eq!(shared_share(&[&first]), 0.0);
    }
}
