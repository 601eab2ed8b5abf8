"""Salesforce Service Cloud: its cases, as tickets."""
