"""What the site is made with: pages written from the code, docstrings as reStructuredText, formulas as MathML."""
