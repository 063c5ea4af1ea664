"""The MNIST builder."""
