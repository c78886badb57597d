"""Benchmarks: what minigrad costs, and how that compares with a peer in the same run. See `__main__`."""
