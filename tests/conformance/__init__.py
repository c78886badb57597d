"""The Array API standard's own test suite, run on minigrad: `python -m tests.conformance PATH`."""
