"""What is no test here."""

collect_ignore_glob = ["torch_*.py"]  # networks of the comparison: they need PyTorch when they are imported
