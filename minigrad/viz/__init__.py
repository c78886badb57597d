"""Pictures of graphs, networks and trainings.

    graph(loss, model=model).save("graph.svg")       what was recorded
    graph(model, images).save("graph.html")          a model run once, as an interactive page
    graph(f, x, color_by="verdict")                  which op's derivative is right
    graph(compiled_step, depth=1)                    the program of a compiled function, with its loops as boxes

The functions `plot_...` draw on Matplotlib's Axes. What they show is computed by functions of their own, such as
`feature_maps` and `grad_cam`, for those who want the arrays.
"""

from minigrad.viz.activation_maximization import maximize_activation
from minigrad.viz.activations import feature_maps
from minigrad.viz.attribution import grad_cam
from minigrad.viz.deconvolution import deconvnet
from minigrad.viz.dot import to_dot
from minigrad.viz.gradient_norms import GradientNorm, gradient_flow
from minigrad.viz.histograms import HistogramRecorder, Histograms
from minigrad.viz.misclassified import Misclassified, mistakes
from minigrad.viz.optimizer_path import OptimizerPath, descend
from minigrad.viz.picture import Picture, graph
from minigrad.viz.plots.activation_functions import activation_curves, plot_activations
from minigrad.viz.plots.attribution import plot_deconvnet, plot_grad_cam
from minigrad.viz.plots.confusion import plot_confusion, save_confusion
from minigrad.viz.plots.gradient_flow import plot_gradient_flow
from minigrad.viz.plots.histograms import plot_histograms
from minigrad.viz.plots.images import plot_feature_maps, plot_filters, plot_images
from minigrad.viz.plots.maximized import plot_maximized
from minigrad.viz.plots.misclassified import plot_mistakes
from minigrad.viz.plots.optimizer_paths import plot_paths
from minigrad.viz.plots.program_memory import plot_program_memory
from minigrad.viz.plots.receptive_fields import plot_receptive_field
from minigrad.viz.plots.training_curves import plot_curves, save_curves
from minigrad.viz.receptive_fields import Box, effective_field, receptive_field
from minigrad.viz.rendering import render

__all__ = [
    "Box",
    "GradientNorm",
    "HistogramRecorder",
    "Histograms",
    "Misclassified",
    "OptimizerPath",
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
    "plot_program_memory",
    "plot_receptive_field",
    "receptive_field",
    "render",
    "save_confusion",
    "save_curves",
    "to_dot",
]
