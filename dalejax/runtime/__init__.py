"""The process that dalejax runs in: hosts and processes, host devices, messages, signals."""
