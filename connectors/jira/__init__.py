"""Jira Cloud and Jira Service Management, over REST v3."""
