//! Whose turn follows whose.

/// The contestants of a round, in its order.
///
/// A turn leaves something behind (warm caches, processors awake, a log to be written), so each
/// contestant has to follow each other one equally often. Rounds shifted from a zigzag do that, if
/// for an odd number every other one is reversed: E. J. Williams, "Experimental designs balanced
/// for the estimation of residual effects of treatments", 1949.
pub(crate) fn of_round(round: usize, contestants: usize) -> Vec<usize> {
    let zigzag = (0..contestants).map(|turn| match turn % 2 {
        0 => turn / 2,
        _ => contestants - turn.div_ceil(2),
    });
    let mut order: Vec<usize> = zigzag
        .map(|number| (number + round) % contestants)
        .collect();
    if contestants % 2 == 1 && round % 2 == 1 {
        order.reverse();
    }
    order
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_follows_each_other_one_equally_often() {
        for contestants in 1..9 {
            let rounds = contestants * 2;
            let mut follows = BTreeMap::<_, usize>::new();
            for round in 0..rounds {
                let order = of_round(round, contestants);
                let mut all = order.clone();
                all.sort_unstable();
                assert_eq!(all, (0..contestants).collect::<Vec<_>>());
                for two in order.windows(2) {
                    *follows.entry((two[0], two[1])).or_default() += 1;
                }
            }
            assert_eq!(follows.len(), contestants * (contestants - 1));
            assert!(follows.values().all(|&times| times == 2), "{follows:?}");
        }
    }
}
