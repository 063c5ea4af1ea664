"""Cornford et al. 2021, *Learning to live with Dale's principle: ANNs with separate excitatory
and inhibitory units*."""
