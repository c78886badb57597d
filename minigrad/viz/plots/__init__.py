"""Plots: each function draws on the Axes that it is given, or on new ones, and returns them.

Matplotlib, of the extra `plot`, is imported when used. New figures have a canvas of their own (Agg): no window opens,
and the state of pyplot is left alone.
"""
