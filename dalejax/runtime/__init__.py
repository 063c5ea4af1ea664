"""The process that dalejax runs in: its devices, messages, signals, and the other processes."""
