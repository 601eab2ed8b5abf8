"""What `explain` knows: every code, field, operator, verb, event and setting, with an example that a test reads."""
