"""Pictures of graphs and of training.

    graph(loss, model=model).save("graph.svg")       what was recorded
    graph(model, images).save("graph.html")          a model run once: a page to walk through
    graph(f, x, color_by="verdict")                  which op's derivative is right
"""

from minigrad.viz.dot import to_dot
from minigrad.viz.layout import render
from minigrad.viz.picture import Picture, graph

__all__ = ["Picture", "graph", "render", "to_dot"]
