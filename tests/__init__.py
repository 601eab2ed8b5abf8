"""Tests: `builders` makes values, `contract` holds the promises of every connector."""
