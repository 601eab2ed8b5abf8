"""ACT. Composition, clocks, storage and the doors to the network: the one place where thinking and speaking meet."""
