"""Side-by-side timings against what people use today; ``make bench``."""
