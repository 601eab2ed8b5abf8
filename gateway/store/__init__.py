"""What the gateway remembers: one file for one story. Every verb takes the open transaction, so that stories share one."""
