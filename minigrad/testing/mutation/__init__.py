"""Mutation testing of derivative rules: deliberate mistakes, and the tests that notice them."""
