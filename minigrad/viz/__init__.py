"""Pictures of graphs, networks and trainings.

    graph(loss, model=model).save("graph.svg")       what was recorded
    graph(model, images).save("graph.html")          a model run once: a page to walk through
    graph(f, x, color_by="verdict")                  which op's derivative is right

`plot_...` draw on Matplotlib's Axes; what they show is computed by functions of its own, for those who want the arrays.
"""

from minigrad.viz.attribution import grad_cam
from minigrad.viz.deconvnet import deconvnet
from minigrad.viz.descent import Descent, descend
from minigrad.viz.dot import to_dot
from minigrad.viz.gradient_flow import Flow, gradient_flow
from minigrad.viz.histogram import HistogramRecorder, Histograms
from minigrad.viz.layout import render
from minigrad.viz.maximize import maximize_activation
from minigrad.viz.mistake import Mistake, mistakes
from minigrad.viz.picture import Picture, graph
from minigrad.viz.plot import plot_confusion, plot_curves, save_confusion, save_curves
from minigrad.viz.plot_activation import activation_curves, plot_activations
from minigrad.viz.plot_attribution import plot_deconvnet, plot_grad_cam, plot_receptive_field
from minigrad.viz.plot_gradient_flow import plot_gradient_flow
from minigrad.viz.plot_histogram import plot_histograms
from minigrad.viz.plot_image import plot_feature_maps, plot_filters, plot_images
from minigrad.viz.plot_maximize import plot_maximized
from minigrad.viz.plot_mistake import plot_mistakes
from minigrad.viz.plot_path import plot_paths
from minigrad.viz.probe import feature_maps
from minigrad.viz.receptive_field import Box, effective_field, receptive_field

__all__ = [
    "Box",
    "Descent",
    "Flow",
    "HistogramRecorder",
    "Histograms",
    "Mistake",
    "Picture",
    "activation_curves",
    "deconvnet",
    "descend",
    "effective_field",
    "feature_maps",
    "grad_cam",
    "gradient_flow",
    "graph",
    "maximize_activation",
    "mistakes",
    "plot_activations",
    "plot_confusion",
    "plot_curves",
    "plot_deconvnet",
    "plot_feature_maps",
    "plot_filters",
    "plot_grad_cam",
    "plot_gradient_flow",
    "plot_histograms",
    "plot_images",
    "plot_maximized",
    "plot_mistakes",
    "plot_paths",
    "plot_receptive_field",
    "receptive_field",
    "render",
    "save_confusion",
    "save_curves",
    "to_dot",
]
