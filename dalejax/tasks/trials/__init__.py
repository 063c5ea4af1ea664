"""Tasks made of trials: stimuli, delays and choices, drawn anew for every batch."""
