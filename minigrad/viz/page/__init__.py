"""The HTML page of a graph: its levels, their layout, and one file that shows them in a browser."""

from minigrad.viz.page.html import html_page
from minigrad.viz.page.levels import page_levels

__all__ = ["html_page", "page_levels"]
