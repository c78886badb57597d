"""Calls of functions: a function with its arguments, run, differentiated in both directions, and written as Python."""
