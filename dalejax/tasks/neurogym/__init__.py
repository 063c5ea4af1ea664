"""Adapter that turns a NeuroGym environment into a task."""
