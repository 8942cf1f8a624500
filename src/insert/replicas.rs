//! Which rows the same nodes have: numbers for sets of replicas, by the ranges of the token ring. Asks the driver for what it knows of
//! the cluster, and again when that has changed; sends nothing.

use std::collections::HashMap;
use std::sync::Arc;

use scylla::client::session::Session;
use scylla::cluster::ClusterState;
use scylla::routing::Token;

use crate::settings::TableName;

/// The sets of replicas of one table.
#[derive(Debug, Default)]
pub(super) struct ReplicaSets {
    state: Option<Arc<ClusterState>>,
    ranges: Ranges,
    /// Nodes divide their data among shards, which batches for one node do not respect.
    sharded: bool,
}

/// Ranges of the ring, each with the number of its replicas' set.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ranges {
    /// The last token of each, ascending, and its set.
    ends: Vec<(i64, u32)>,
}

impl Ranges {
    /// Ranges that end at these tokens, whatever their order, each with what tells its replicas from others.
    fn of<K: Eq + std::hash::Hash>(ends: impl IntoIterator<Item = (i64, K)>) -> Self {
        let mut numbers = HashMap::new();
        let mut numbered: Vec<(i64, u32)> = ends
            .into_iter()
            .map(|(end, replicas)| {
                let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                (end, *numbers.entry(replicas).or_insert(next))
            })
            .collect();
        numbered.sort_unstable();
        // Where neighbours have the same replicas, the last of them stands for all.
        let mut ends: Vec<(i64, u32)> = Vec::with_capacity(numbered.len());
        for (end, set) in numbered {
            match ends.last_mut() {
                Some(last) if last.1 == set => last.0 = end,
                _ => ends.push((end, set)),
            }
        }
        Ranges { ends }
    }

    fn set(&self, token: i64) -> u32 {
        if let [] | [_] = self.ends[..] {
            return 0;
        }
        let at = self.ends.partition_point(|(end, _)| *end < token);
        // Behind the last end the ring begins again.
        self.ends.get(at).or(self.ends.first()).map_or(0, |(_, set)| *set)
    }
}

impl ReplicaSets {
    /// Looks whether the cluster has changed; cheap where it has not.
    pub(super) fn refresh(&mut self, session: &Session, table: &TableName) {
        let state = session.get_cluster_state();
        if self.state.as_ref().is_some_and(|known| Arc::ptr_eq(known, &state)) {
            return;
        }
        let ring = state.replica_locator().ring().iter();
        self.ranges = Ranges::of(ring.map(|(token, _)| (token.value(), replicas(&state, table, *token))));
        self.sharded = state.get_nodes_info().iter().any(|node| node.sharder().is_some());
        self.state = Some(state);
    }

    /// Whether nodes divide their data among shards.
    pub(super) fn is_sharded(&self) -> bool {
        self.sharded
    }

    /// The number of the set of nodes that have a token.
    pub(super) fn set(&self, token: i64) -> u32 {
        self.ranges.set(token)
    }
}

/// What tells the replicas of a token from others: the nodes that requests may go to, and the shard on the first.
fn replicas(state: &ClusterState, table: &TableName, token: Token) -> (Vec<u128>, u32) {
    let endpoints = state.get_token_endpoints(&table.keyspace, &table.table, token);
    let shard = endpoints.first().map_or(0, |(_, shard)| *shard);
    let nodes = endpoints.iter().filter(|(node, _)| node.is_enabled());
    let mut nodes: Vec<u128> = nodes.map(|(node, _)| node.host_id.as_u128()).collect();
    nodes.sort_unstable();
    (nodes, shard)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ends: &[(i64, &str)], expected: &[(i64, u32)]) {
        let ranges = Ranges::of(ends.iter().copied());
        for (token, set) in expected {
            assert_eq!(ranges.set(*token), *set, "{token} among {ends:?}");
        }
    }

    #[test]
    fn a_token_belongs_to_the_range_that_ends_behind_it() {
        check(
            &[(0, "a"), (10, "b"), (20, "c")],
            &[(-5, 0), (0, 0), (1, 1), (10, 1), (11, 2), (20, 2), (21, 0)],
        );
        check(&[(10, "b"), (0, "a")], &[(0, 1), (5, 0), (11, 1)]);
    }

    #[test]
    fn ranges_of_the_same_replicas_have_one_number() {
        check(&[(0, "a"), (10, "b"), (20, "a")], &[(0, 0), (5, 1), (15, 0), (25, 0)]);
        check(&[(0, "a"), (10, "a"), (20, "b")], &[(-1, 0), (5, 0), (15, 1), (25, 0)]);
    }

    #[test]
    fn without_a_ring_all_tokens_are_the_same() {
        check(&[], &[(i64::MIN, 0), (7, 0)]);
        check(&[(3, "a")], &[(i64::MIN, 0), (7, 0)]);
    }
}
