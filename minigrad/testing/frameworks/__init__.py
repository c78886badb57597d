"""What is differentiated: one protocol, and a class for each way to write functions and their gradients."""
