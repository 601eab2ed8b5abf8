"""THINK. The language of tickets and the reasoning over them: pure values, no network, no files, no clock."""
