"""What people write, between the forms in which systems keep it: Markdown, ADF, Jira's wiki markup, HTML and plain text.

Each form is one module with `read` (that form to a `Document`) and `write` (a `Document` to that form); a way between two forms
is a `read` and a `write`, so there is one place that knows a form and none that knows a pair.
"""
