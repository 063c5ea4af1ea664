"""Jarne & Caruso 2023: networks with an excitatory/inhibitory constraint and their eigenvalues."""
