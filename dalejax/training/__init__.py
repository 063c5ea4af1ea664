"""Training of ensembles: the loop, one member's update, compiled programs, run folders."""
