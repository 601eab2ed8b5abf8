"""Tests over files that nobody here wrote, when TICKETGATE_REAL_DATA names their folder."""
