"""One file a figure or table of the papers; ``python -m experiments list`` shows them."""
