"""What the papers leave open: homeostasis, interneurons, time constants, other gradients."""
