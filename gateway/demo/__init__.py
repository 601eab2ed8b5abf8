"""The main job, shown: sandboxes, sample tickets, the sample desk and the daemon, with people who act."""
