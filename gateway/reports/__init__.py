"""Reports over the store: what was measured, how, and of what; as a table, CSV, JSON or a workbook."""
