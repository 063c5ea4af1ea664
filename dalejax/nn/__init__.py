"""Recurrent cells, layers and networks, and the recurrence that all cells share."""
