"""Li et al. 2023, *Learning better with Dale's Law: A Spectral Perspective*."""
