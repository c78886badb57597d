"""The datasets that come by name, a file a family; `minigrad.data` exports their functions."""
