"""Song, Yang & Wang 2016: excitatory-inhibitory recurrent networks on cognitive tasks."""
