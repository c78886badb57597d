"""Condition coverage of derivative rules: in which conditions the tests exercised the gradient of each op."""
