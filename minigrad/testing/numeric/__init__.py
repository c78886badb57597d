"""Numerical derivatives with error estimates, and the comparison of a claimed derivative with them."""
