"""Zendesk Support: its connector and its sandbox."""
