"""The scoreboard of frameworks: their functions, called alike at the same points, and their derivatives checked."""
