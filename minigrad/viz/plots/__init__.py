"""Plots: each function draws on the Axes that it is given, or on new ones, and returns them.

Matplotlib, of the extra `plot`, is imported when used. New figures are pyplot's where pyplot is in use (it has been
imported, or this is a notebook), so that `plt.show()` and `plt.savefig` know them. Elsewhere, and where a file is
written, they have a canvas of their own (Agg): no window opens, and there is no global state.
"""
