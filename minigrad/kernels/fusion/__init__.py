"""How a function of arrays becomes one compiled loop.

A function that works element by element, such as a row of the derivative table or its rule, is run once on symbols in
place of arrays. What it does to them is its expression; from that a loop is written as Python source, kept in a file,
and compiled. So a function is written once, with NumPy's functions, and passes over memory once.

    expression    symbols, and the graph of what was done to them, each thing once
    primitives    NumPy's functions that a loop may hold, and what each is in a loop
    loop_source   from a graph to the source of its loop
    loop_file     from source to a compiled function, kept on disk
    loop          the compiled function, called with arrays, in a few threads
    fused         the function that chooses: the loop for large arrays of one shape and dtype, nothing for others

`minigrad.compilation.loop_sources(op)` shows the loops of an op.
"""
