"""The four sandboxes in one process on loopback, faults on request, and sample tickets from a seed."""
