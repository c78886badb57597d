"""Random differentiable programs: what they are made of, how they are drawn, and what must hold for each of them."""
