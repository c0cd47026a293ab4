//! What a writer did.

/// Counters of one Redis sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisStats {
    /// Connections that were opened, login and script included.
    pub connects: u64,
    /// Commands that were sent, those for connecting included: round trips.
    pub round_trips: u64,
    /// Batches that were written by the attempt that was answered.
    pub batches: u64,
    /// Batches of which Redis said that an earlier attempt had written them.
    pub already_in: u64,
    /// Batches that were written although the writer's key was gone; see the [module](super).
    pub markers_lost: u64,
    /// The sequence number that was stored before this sink began.
    pub resumed_after: u64,
    /// The sequence number of the last batch that is in.
    pub sequence: u64,
}
